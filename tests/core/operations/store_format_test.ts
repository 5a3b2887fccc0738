import { assertEquals, assertRejects } from "@std/assert";
import { STORE_FORMATS } from "../../../core/operations/families.ts";
import {
  readFormat,
  requireKnownFormat,
  STORE_FORMAT,
  type StoreFormat,
  writeFormat,
} from "../../../core/operations/store_format.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { StoreOpenError } from "../../../core/store/open_error.ts";
import type { Store } from "../../../core/store/store.ts";

const NEXT: StoreFormat = { number: STORE_FORMAT.number + 1, since: "7.8.9" };

async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  const store = storeOver(await Deno.openKv(":memory:"));
  try {
    await run(store);
  } finally {
    store.close();
  }
}

const formatOf = async (store: Store) => (await store.get(STORE_FORMATS.key())).value;

Deno.test("a store without a format is older than the first one: it is read, and gets the program's", async () => {
  await withStore(async (store) => {
    requireKnownFormat(await readFormat(store), "0.2.0");
    assertEquals(await formatOf(store), null);
    await writeFormat(store);
    assertEquals(await formatOf(store), STORE_FORMAT);
  });
});

Deno.test("a newer program raises the format, an older one refuses it in a sentence and never lowers it", async () => {
  await withStore(async (store) => {
    await writeFormat(store);
    requireKnownFormat(await readFormat(store), "7.8.9", NEXT);
    await writeFormat(store, NEXT);
    assertEquals(await formatOf(store), NEXT);
    await assertRejects(
      async () => requireKnownFormat(await readFormat(store), "0.2.0"),
      StoreOpenError,
      "The store was written by a newer program: start version 7.8.9 or later on it (this is 0.2.0), or restore a " +
        "backup from before the upgrade (docs/upgrading.md).",
    );
    await writeFormat(store);
    assertEquals(await formatOf(store), NEXT);
  });
});

Deno.test("a format that says nothing that this program understands is refused like a newer one", async () => {
  for (const row of ["2", 7, {}, { number: "1" }, { number: 1.5, since: "\n" }, new Uint8Array(3)]) {
    await withStore(async (store) => {
      await store.commit((commit) => commit.set(STORE_FORMATS.key(), row));
      await assertRejects(
        async () => requireKnownFormat(await readFormat(store), "0.2.0"),
        StoreOpenError,
        "start a later version on it",
      );
    });
  }
});

Deno.test("to write the format again commits nothing, and two processes at once agree", async () => {
  await withStore(async (store) => {
    await Promise.all([writeFormat(store), writeFormat(store)]);
    const { stamp } = await store.get(STORE_FORMATS.key());
    await writeFormat(store);
    assertEquals((await store.get(STORE_FORMATS.key())).stamp, stamp);
  });
});
