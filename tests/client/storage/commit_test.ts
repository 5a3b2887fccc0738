import { assertEquals, assertRejects } from "@std/assert";
import { committing, OptedOutError } from "../../../client/storage/commit.ts";
import { MemoryStorage } from "../../../client/storage/memory.ts";
import { OPTED_OUT } from "../../../client/storage/records.ts";
import { type ClientStorage, Entries } from "../../../client/storage/storage.ts";

/** A commit on a storage, and what it told. */
function commitOn(storage: ClientStorage) {
  const told: unknown[] = [];
  return { commit: committing(storage, (...event) => void told.push(event)), told };
}

Deno.test("committing() tells what a transaction reports once it is stored", async () => {
  const { commit, told } = commitOn(new MemoryStorage());
  const result = await commit((entries, report) => {
    entries.set("a", "1");
    report("issued", { tokens: 1 });
    assertEquals(told, []);
    return "done";
  });
  assertEquals([result, told], ["done", [["issued", { tokens: 1 }]]]);
});

Deno.test("committing() tells once what a transaction reports that had to be run again", async () => {
  const { commit, told } = commitOn({
    transaction(body) {
      body(new Entries(new Map()));
      return Promise.resolve(body(new Entries(new Map())));
    },
    close: () => Promise.resolve(),
  });
  await commit((_entries, report) => report("issued", { tokens: 1 }));
  assertEquals(told.length, 1);
});

Deno.test("committing() tells nothing of a transaction that was not stored", async () => {
  const { commit, told } = commitOn({
    transaction(body) {
      body(new Entries(new Map()));
      return Promise.reject(new DOMException("full", "QuotaExceededError"));
    },
    close: () => Promise.resolve(),
  });
  await assertRejects(() => commit((_entries, report) => report("issued", { tokens: 1 })), DOMException);
  assertEquals(told, []);
});

Deno.test("committing() runs nothing for a user who opted out", async () => {
  const storage = new MemoryStorage();
  const { commit } = commitOn(storage);
  await storage.transaction((entries) => entries.set(OPTED_OUT, "1"));
  let isRun = false;
  await assertRejects(() =>
    commit(() => {
      isRun = true;
    }), OptedOutError);
  assertEquals(isRun, false);
});
