import { assert, assertEquals } from "@std/assert";
import { PERSONS_MISTAKE } from "../../boot/start_errors.ts";
import { shippedPath } from "./prometheus.ts";
import { run } from "./programs.ts";

/** Of 10.0; what systemd calls OK, and no more than what this unit gets. */
const EXPOSURE = 1.5;

Deno.test("systemd finds no fault with the unit, and little that it could do beyond its work", async () => {
  const unit = await Deno.readTextFile(shippedPath("systemd/dit.service"));
  const folder = await Deno.makeTempDir();
  try {
    // It looks for the program that is started.
    const program = `${folder}/dit`;
    await Deno.writeTextFile(program, "#!/bin/sh\n", { mode: 0o755 });
    assert(unit.includes("ExecStart=/opt/dit/bin/dit start\n"));
    const path = `${folder}/dit.service`;
    await Deno.writeTextFile(path, unit.replace("ExecStart=/opt/dit/bin/dit ", `ExecStart=${program} `));
    const verified = await run("systemd-analyze", "verify", "--man=no", path);
    if (verified === undefined) return;
    assertEquals(verified, { code: 0, output: "" });
    const threshold = `--threshold=${EXPOSURE * 10}`;
    const exposed = await run("systemd-analyze", "security", "--offline=true", "--no-pager", threshold, path);
    assertEquals(exposed?.code, 0, exposed?.output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the unit does not start again after a person's mistake, and does after all else", async () => {
  const unit = await Deno.readTextFile(shippedPath("systemd/dit.service"));
  assert(unit.includes("\nRestart=always\n"));
  assert(unit.includes(`\nRestartPreventExitStatus=${PERSONS_MISTAKE}\n`));
});

Deno.test("the unit keeps state and secrets where its settings look for them", async () => {
  const unit = await Deno.readTextFile(shippedPath("systemd/dit.service"));
  const values = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  const variables = new Map(
    values("Environment").join(" ").split(" ").map((pair) => pair.split("=") as [string, string]),
  );
  assertEquals(values("StateDirectory"), ["dit"]);
  assertEquals(variables.get("DIT_KV")?.startsWith("/var/lib/dit/"), true);
  assertEquals(variables.get("DIT_CREDENTIALS"), "%d");
  const credentials = values("LoadCredential").map((line) => line.split(":"));
  assert(credentials.length >= 2);
  for (const [name = "", path] of credentials) assertEquals(path, `/etc/dit/credentials/${name}`);
});
