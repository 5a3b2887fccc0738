import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { launch, PRODUCTION } from "../support/processes/launched.ts";
import { Folders, runTask } from "../support/processes/service_process.ts";
import { digests, makeStore, refusedStores } from "../support/store/refused_stores.ts";

const SEAL_KEY = new Uint8Array(32).fill(7);
/** What a copy may be made of: whatever Deno KV has made. */
const MAY_BE_COPIED = /newer program|another sealing key|another program's Deno KV/;

for (const { name, sentence, make } of refusedStores(SEAL_KEY)) {
  Deno.test(`a start, keys and backup refuse ${name} with one sentence, and leave it byte for byte as it was`, async () => {
    await using folders = new Folders();
    const [folder, place] = [await folders.make(), await folders.make()];
    const path = `${place}/kv.sqlite3`;
    await make(path);
    const before = await digests(place);
    const env = { ...PRODUCTION, DIT_KV: path, PORT: String(freePort()) };
    await using started = launch(folder, env);
    const { code, printed } = await started.ended;
    assertEquals([code, printed.trim().split("\n").length], [78, 1], printed);
    assertMatch(printed, sentence);
    assertEquals(await digests(place), before, "a start");

    const keys = await runTask("keys", "cli/keys.ts", ["list"], folder, env);
    assertEquals([keys.code, keys.stdout], [1, ""], keys.stderr);
    assertMatch(keys.stderr, sentence);
    // The lock of a store that is under another key, or newer, is taken before it is opened.
    const { "kv.sqlite3.lock": _lock, ...after } = await digests(place);
    assertEquals(after, before, "keys list");
    await Deno.remove(`${path}.lock`).catch(() => {});

    if (MAY_BE_COPIED.test(name)) return;
    const backup = await runTask("backup", "cli/backup.ts", ["--to", `${folder}/copy`], folder, env);
    assertEquals([backup.code, backup.stdout], [1, ""], backup.stderr);
    assertMatch(backup.stderr, sentence);
    assertEquals([await digests(place), await digests(folder)], [before, {}], "backup");
  });
}

Deno.test("a command with a mistyped path makes no store, no folder and no lock there", async () => {
  await using folders = new Folders();
  const [folder, place] = [await folders.make(), await folders.make()];
  await makeStore(`${place}/kv.sqlite3`, SEAL_KEY);
  const before = await digests(place);
  for (const wrong of [`${place}/kv.sqlite`, `${place}/below/kv.sqlite3`]) {
    const env = { ...PRODUCTION, DIT_KV: wrong, DIT_ADMIN_TOKEN: "a-token", PORT: String(freePort()) };
    const commands = [
      ["keys", "cli/keys.ts", ["list"]],
      ["keys", "cli/keys.ts", ["reseal"]],
      ["backup", "cli/backup.ts", ["--to", `${folder}/copy`]],
      ["restore", "cli/restore.ts", ["--from", `${place}/no-backup`]],
    ] as const;
    for (const [task, script, args] of commands) {
      const { code, stderr } = await runTask(task, script, [...args], folder, env);
      assertEquals([code, stderr.trim().split("\n").length], [1, 1], stderr);
      assertEquals(await digests(place), before, `${task} ${args}`);
      assertEquals([...Deno.readDirSync(place)].map(({ name }) => name), ["kv.sqlite3"]);
    }
  }
});
