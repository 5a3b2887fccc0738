// A client that is killed: `killed.mjs {proxy} {run} {file} {levels...}` logs, says so once that is stored, and sends.
// deno-lint-ignore-file no-console
import process from "node:process";
import { DitClient } from "@dit/client";
import { FileStorage } from "@dit/client/storage_file";

const [proxy, run, file, ...levels] = process.argv.slice(2);
const client = new DitClient({
  endpoint: `${proxy}/${run}/none.none.0`,
  app: "demo",
  session: async () => await (await fetch(`${proxy}/session/${file.replace(/\W/g, "")}`)).text(),
  storage: new FileStorage(file),
});
client.on("dropped", ({ reason }) => console.log(`dropped: ${reason}`));
for (const level of levels) {
  client.log("volume_changed", { level: Number(level) });
  await client.inspect();
  console.log(`stored ${level}`);
  await client.flush();
}
await client.flush();
const { waiting, bound } = await client.inspect();
console.log(`left ${waiting.length + bound.length}`);
await client.close();
