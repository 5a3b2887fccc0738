// A command line program: `cli_program.mjs {endpoint} {session} {folder} {level} [flags]`.
// deno-lint-ignore-file no-console
import process from "node:process";
import { cliTelemetry } from "@dit/client/cli";

const [endpoint, session, folder, level, ...flags] = process.argv.slice(2);
const { client, end } = cliTelemetry({
  endpoint,
  app: "demo",
  session: async () => await (await fetch(session)).text(),
  folder,
  program: "volume",
  collects: "how loud it is",
  turnOff: "`volume --off` turns it off for good.",
});
client.on("sent", ({ events }) => console.log(`sent ${events}`));
if (flags.includes("--off")) await client.setOptOut(true);
client.log("volume_changed", { level: Number(level) });
if (!flags.includes("--forgets-to-end")) {
  const began = performance.now();
  await end();
  console.log(performance.now() - began < 15_000 ? "ended" : "ended late");
}
