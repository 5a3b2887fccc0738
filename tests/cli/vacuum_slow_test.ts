import { assert, assertEquals } from "@std/assert";
import { Folders, runApart } from "../support/processes/service_process.ts";

const vacuum = (folder: string) => runApart("cli/vacuum.ts", folder, ".dit/kv.sqlite3");

const nothing = { code: 0, stdout: "", stderr: "" };

Deno.test("cli/vacuum.ts erases what was deleted, keeps what was not, and leaves a file in use alone", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  assertEquals(await vacuum(folder), nothing, "no file yet");
  const path = `${folder}/.dit/kv.sqlite3`;
  await Deno.mkdir(`${folder}/.dit`);
  const deleted = "deleted-in-the-clear-".repeat(8);
  {
    using kv = await Deno.openKv(path);
    for (let row = 0; row < 500; row++) await kv.set(["x", row], `${deleted}${row}`);
    await kv.set(["kept"], "kept-in-the-clear");
    for (let row = 0; row < 500; row++) await kv.delete(["x", row]);
  }
  const read = async () => {
    const parts = await Promise.all(["", "-wal"].map((end) => Deno.readTextFile(path + end).catch(() => "")));
    return parts.join("");
  };
  assert((await read()).includes(deleted), "deleting does not erase");
  {
    const lock = await Deno.open(`${path}.lock`, { create: true, write: true });
    await lock.lock(true);
    assertEquals(await vacuum(folder), nothing, "in use");
    assert((await read()).includes(deleted));
    lock.close();
  }
  assertEquals(await vacuum(folder), nothing);
  const after = await read();
  assertEquals([after.includes(deleted), after.includes("kept-in-the-clear")], [false, true]);
  using kv = await Deno.openKv(path);
  assertEquals((await kv.get(["kept"])).value, "kept-in-the-clear");
});
