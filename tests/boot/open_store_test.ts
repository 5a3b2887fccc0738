import { assertEquals, assertRejects } from "@std/assert";
import { isStoreFile, openStore } from "../../boot/open_store.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { STORE_FORMATS } from "../../core/operations/families.ts";
import { STORE_FORMAT } from "../../core/operations/store_format.ts";
import { mistakesOf } from "../../boot/start_errors.ts";
import { freePort } from "../support/processes/free_ports.ts";

Deno.test("openStore() says of an unreachable store what to look at, and repeats no URL", async () => {
  const error = await assertRejects(
    () => openStore(`http://somebody:secret@127.0.0.1:${freePort()}/`),
    StoreOpenError,
  );
  assertEquals(mistakesOf(error), [
    "The store cannot be opened: see that what DIT_KV names is reachable, and that DENO_KV_ACCESS_TOKEN is its token.",
  ]);
});

Deno.test("openStore() says of a file that is no store which one it is, and leaves it alone", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const bytes = crypto.getRandomValues(new Uint8Array(9_000));
  await Deno.writeFile(path, bytes);
  const error = await assertRejects(() => openStore(path), StoreOpenError, path);
  assertEquals(mistakesOf(error)?.length, 1);
  assertEquals(await Deno.readFile(path), bytes);
  await Deno.remove(path);
});

Deno.test("openStore() says of a newer program's store which version it takes, and leaves it alone", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const newer = { number: STORE_FORMAT.number + 1, since: "7.8.9" };
  {
    const store = await openStore(path);
    await store.commit((commit) => commit.set(STORE_FORMATS.key(), newer));
    store.close();
  }
  const error = await assertRejects(() => openStore(path), StoreOpenError, "version 7.8.9 or later");
  assertEquals(mistakesOf(error)?.length, 1);
  using kv = await Deno.openKv(path);
  assertEquals((await kv.get(STORE_FORMATS.key())).value, newer);
  await Deno.remove(path);
});

Deno.test("isStoreFile() tells a file, which one process has to itself, from all else", () => {
  const files = [".dit/kv.sqlite3", "/data/kv", "kv.sqlite3"];
  const others = [undefined, ":memory:", "http://127.0.0.1:4512", "https://kv.example/database"];
  assertEquals([...files, ...others].filter(isStoreFile), files);
});
