import { relative } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { lockStoreFile, requireStoreFile, StoreInUseError } from "../../boot/file_lock.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";

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

Deno.test("lockStoreFile() takes one lock for a file, by whatever path it is named", () =>
  inFolder(async (folder) => {
    const path = `${folder}/data/kv.sqlite3`;
    (await lockStoreFile(path)).close();
    await Deno.symlink(path, `${folder}/link.sqlite3`);
    await Deno.symlink("link.sqlite3", `${folder}/link-to-a-link.sqlite3`);
    await Deno.symlink(`${folder}/data`, `${folder}/folder`);
    const paths = [
      path,
      `${folder}/link.sqlite3`,
      `${folder}/link-to-a-link.sqlite3`,
      `${folder}/folder/kv.sqlite3`,
      `${folder}/data/../data/./kv.sqlite3`,
      relative(Deno.cwd(), path),
    ];
    for (const first of paths) {
      const lock = await lockStoreFile(first);
      for (const second of paths) await assertRejects(() => lockStoreFile(second), StoreInUseError, second);
      lock.close();
    }
    assertEquals(await namesIn(folder), ["data", "folder", "link-to-a-link.sqlite3", "link.sqlite3"]);
  }));

Deno.test("lockStoreFile() says what to do about a link to nothing, and makes nothing", () =>
  inFolder(async (folder) => {
    await Deno.symlink(`${folder}/data.sqlite3`, `${folder}/link.sqlite3`);
    await assertRejects(
      () => lockStoreFile(`${folder}/link.sqlite3`),
      StoreOpenError,
      "make an empty one there",
    );
    assertEquals(await namesIn(folder), ["link.sqlite3"]);
    await Deno.writeTextFile(`${folder}/data.sqlite3`, "");
    (await lockStoreFile(`${folder}/link.sqlite3`)).close();
    assertEquals(await namesIn(folder), ["data.sqlite3", "data.sqlite3.lock", "link.sqlite3"]);
  }));

Deno.test("lockStoreFile() refuses a file with two names, whose journals would damage it", () =>
  inFolder(async (folder) => {
    (await lockStoreFile(`${folder}/kv.sqlite3`)).close();
    await Deno.link(`${folder}/kv.sqlite3`, `${folder}/other.sqlite3`);
    for (const name of ["kv.sqlite3", "other.sqlite3"]) {
      await assertRejects(
        () => lockStoreFile(`${folder}/${name}`),
        StoreOpenError,
        "a second name (a hard link)",
      );
    }
  }));

Deno.test("lockStoreFile() takes the file itself, wherever it is found: its lock is not there under a bind mount", () =>
  inFolder(async (folder) => {
    const path = `${folder}/kv.sqlite3`;
    const first = await lockStoreFile(path);
    // What another mount shows: the same file, and nothing beside it.
    await Deno.remove(`${path}.lock`);
    await Deno.mkdir(`${folder}/mount`);
    await Deno.rename(path, `${folder}/mount/kv.sqlite3`);
    await assertRejects(() => lockStoreFile(`${folder}/mount/kv.sqlite3`), StoreInUseError);
    first.close();
    using _again = await lockStoreFile(`${folder}/mount/kv.sqlite3`);
    // SQLite's own locks are of another kind.
    using kv = await Deno.openKv(`${folder}/mount/kv.sqlite3`);
    assertEquals((await kv.set(["a"], 1)).ok, true);
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

Deno.test("requireStoreFile() and lockStoreFile() refuse what is no store's file, and leave nothing beside it", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/text`, "root:x:0:0\n");
    await Deno.mkdir(`${folder}/folder`);
    for (const path of [`${folder}/text`, `${folder}/folder`, "/dev/null"]) {
      await assertRejects(() => requireStoreFile(path), StoreOpenError, "is no store's file");
    }
    for (const path of [`${folder}/folder`, "/dev/null"]) {
      await assertRejects(() => lockStoreFile(path), StoreOpenError, "is no store's file");
    }
    assertEquals(await namesIn(folder), ["folder", "text"]);
    assertEquals(await Deno.readTextFile(`${folder}/text`), "root:x:0:0\n");
  }));
