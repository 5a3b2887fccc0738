/** What Debian's unit of Caddy is given besides the configuration. */
import { assert, assertEquals } from "@std/assert";
import { isInstalled, shipped } from "./proxies.ts";

const UNIT = "/lib/systemd/system/caddy.service";

Deno.test("Caddy's unit sets every variable that its configuration reads, and no other", async () => {
  const read = [...(await shipped("caddy/caddy.json")).matchAll(/\{env\.(\w+)\}/g)].map(([, name]) => name);
  const set = [...(await shipped("caddy/caddy.conf")).matchAll(/^Environment=(\w+)=/gm)].map(([, name]) =>
    name
  );
  assert(set.length >= 5);
  assertEquals(new Set(set), new Set(read));
});

Deno.test("systemd finds no mistake in Caddy's unit with what is shipped for it", async () => {
  const unit = await Deno.readTextFile(UNIT).catch(() => undefined);
  if (unit === undefined || !await isInstalled("systemd-analyze")) {
    // deno-lint-ignore no-console -- a test that is passed over says why.
    return console.log("passed over: there is no systemd-analyze here, or no unit of Caddy (systemd, caddy)");
  }
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/caddy.service.d`);
  await Deno.writeTextFile(`${folder}/caddy.service`, unit);
  await Deno.writeTextFile(`${folder}/caddy.service.d/dit.conf`, await shipped("caddy/caddy.conf"));
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", `${folder}/caddy.service`],
  }).output();
  await Deno.remove(folder, { recursive: true });
  // It only warns of a word that it does not know.
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals([code, said.includes(folder)], [0, false], said);
});
