import { assertEquals, assertRejects } from "@std/assert";
import { lockStoreFile, StoreInUseError } from "../../boot/file_lock.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("lockStoreFile() gives a file to one at a time, and again when it is closed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/deep/er/kv.sqlite3`;
    const first = await lockStoreFile(path);
    await assertRejects(() => lockStoreFile(path), StoreInUseError, "Another process uses");
    first.close();
    (await lockStoreFile(path)).close();
  }));

Deno.test("lockStoreFile() makes the store's file and its folders readable by their owner only", () =>
  inFolder(async (folder) => {
    (await lockStoreFile(`${folder}/deep/kv.sqlite3`)).close();
    for (
      const [name, mode] of [["deep", 0o700], ["deep/kv.sqlite3", 0o600], ["deep/kv.sqlite3.lock", 0o600]]
    ) {
      assertEquals((await Deno.stat(`${folder}/${name}`)).mode! & 0o777, mode, `${name}`);
    }
    using kv = await Deno.openKv(`${folder}/deep/kv.sqlite3`);
    await kv.set(["a"], 1);
    for (const name of await namesIn(`${folder}/deep`)) {
      assertEquals((await Deno.stat(`${folder}/deep/${name}`)).mode! & 0o077, 0, name);
    }
  }));

Deno.test("lockStoreFile() leaves a store that is there as it is", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/kv.sqlite3`, "rows");
    (await lockStoreFile(`${folder}/kv.sqlite3`)).close();
    assertEquals(await Deno.readTextFile(`${folder}/kv.sqlite3`), "rows");
  }));

Deno.test("lockStoreFile() takes a path without a folder", () =>
  inFolder(async (folder) => {
    const lock = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--no-lock",
        `(await (await import(${JSON.stringify(import.meta.resolve("../../boot/file_lock.ts"))}))` +
        `.lockStoreFile("kv.sqlite3")).close()`,
      ],
      cwd: folder,
    });
    assertEquals((await lock.output()).code, 0);
    assertEquals(await namesIn(folder), ["kv.sqlite3", "kv.sqlite3.lock"]);
  }));
