import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openLockedStore } from "../../boot/open_store.ts";
import { lookAtStore, printLook, readLook } from "../../boot/store_look.ts";
import { STORE_FORMAT } from "../../core/operations/store_format.ts";
import { digests, makeStore, refusedStores } from "../support/store/refused_stores.ts";

const SEAL_KEY = new Uint8Array(32).fill(7);

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { name, sentence, make } of refusedStores(SEAL_KEY)) {
  Deno.test(`openLockedStore() refuses ${name} and leaves every byte and no file beside it`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/kv.sqlite3`;
      await make(path);
      const before = await digests(folder);
      const error = await assertRejects(
        () => openLockedStore(path, { sealKeys: [SEAL_KEY], log() {} }),
        Error,
      );
      assertMatch(error.message, sentence);
      assertEquals(await digests(folder), before);
    }));
}

Deno.test("lookAtStore() reads a store without a trace, also what a stop left in its log, and readLook() what it printed", () =>
  withFolder(async (folder) => {
    const path = `${folder}/kv.sqlite3`;
    assertEquals(await lookAtStore(path), undefined);
    await Deno.writeFile(path, new Uint8Array());
    assertEquals(await lookAtStore(path), undefined);
    await makeStore(path, SEAL_KEY);
    const before = await digests(folder);
    const look = await lookAtStore(path);
    assertEquals([look?.format, look?.sealed.keys, look?.sealed.proof?.length], [STORE_FORMAT, [], 48]);
    assertEquals(readLook(await printLook(path)), look);
    assertEquals(await digests(folder), before);
    const copy = `${folder}/copy`;
    await Deno.mkdir(copy);
    {
      // What kill -9 leaves.
      using kv = await Deno.openKv(path);
      await kv.set(["sf"], { number: 9, since: "9.0.0" });
      for (const part of ["", "-wal", "-shm"]) {
        await Deno.copyFile(path + part, `${copy}/kv.sqlite3${part}`);
      }
    }
    const left = await digests(copy);
    const error = await assertRejects(
      () => openLockedStore(`${copy}/kv.sqlite3`, { sealKeys: [SEAL_KEY], log() {} }),
      Error,
    );
    assertMatch(error.message, /9\.0\.0 or later/);
    assertEquals(await digests(copy), left);
  }));
