import { assert, assertEquals, assertRejects } from "@std/assert";
import { STORE_PINS } from "../../../core/acs/families.ts";
import { storeIdReader } from "../../../core/acs/remote/store_id.ts";
import { listStorePins, removeStorePin, StorePins } from "../../../core/acs/store_pins.ts";
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { unpinStore } from "../../../core/operations/actions/unpin_store.ts";
import type { Action } from "../../../core/operations/audit_log.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { AcsError } from "../../../edge/remote/acs_exchange.ts";
import { present } from "../../support/base/present.ts";
import { NOW, platformRandom } from "../../support/service/keys.ts";
import {
  countClaims,
  makeToken,
  recordOf,
  redeemWith,
  signRedemption,
  splitDeployment,
  startSplit,
  storedTexts,
} from "../../support/service/split.ts";

const NOTES = present(splitDeployment().applications.get("notes"));
const ONE = toBase64url(new Uint8Array(16).fill(1));
const OTHER = toBase64url(new Uint8Array(16).fill(2));

async function assertPinned(work: Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(() => work, Refusal)).code, "store_pinned");
}

/** Pins of two processes of an ACS on one store. */
async function twoProcesses() {
  const kv = await Deno.openKv(":memory:");
  const clock = { seconds: NOW };
  const store = storeOver(kv);
  const [a, b] = [0, 1].map(() => new StorePins(storeOver(kv), () => clock.seconds)) as [
    StorePins,
    StorePins,
  ];
  return { app: NOTES, clock, store, a, b, [Symbol.dispose]: () => store.close() };
}

Deno.test("the first store that is named is pinned, for every process, and no other one passes", async () => {
  using test = await twoProcesses();
  const { app, store, a, b } = test;
  await a.check(app, ONE);
  await a.check(app, undefined);
  assertEquals(await listStorePins(store), []);
  await a.pin(app, ONE);
  assertEquals(await listStorePins(store), [{ app: "notes", store: ONE, pinnedAt: NOW }]);
  for (const process of [a, b]) {
    await process.pin(app, ONE);
    for (const storeId of [OTHER, undefined]) {
      await assertPinned(process.check(app, storeId));
      await assertPinned(process.pin(app, storeId));
    }
  }
  assertEquals((await listStorePins(store)).length, 1);
});

Deno.test("of two stores that come first at once one is pinned, and the other refused", async () => {
  for (let round = 0; round < 20; round++) {
    using test = await twoProcesses();
    const outcomes = await Promise.allSettled([test.a.pin(test.app, ONE), test.b.pin(test.app, OTHER)]);
    assertEquals(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const winner = outcomes[0]?.status === "fulfilled" ? ONE : OTHER;
    assertEquals((await listStorePins(test.store)).map(({ store }) => store), [winner]);
  }
});

Deno.test("a request that names no store pins none, and passes until one is pinned elsewhere", async () => {
  using test = await twoProcesses();
  const { app, clock, a, b } = test;
  await a.pin(app, undefined);
  await b.pin(app, ONE);
  // What was read is believed for a moment.
  clock.seconds += 5;
  await assertPinned(a.pin(app, undefined));
});

Deno.test("a changed service token stays with the store: another one needs the unpinning first", async () => {
  using test = await twoProcesses();
  const { app, clock, a } = test;
  await a.pin(app, ONE);
  clock.seconds += 5;
  const changed = { ...app, serviceTokenSha256: "ab".repeat(32) };
  for (const process of [a, test.b]) await assertPinned(process.pin(changed, OTHER));
  await a.pin(changed, ONE);
  assertEquals(await listStorePins(test.store), [{ app: "notes", store: ONE, pinnedAt: NOW }]);
  assertEquals(await removeStorePin(test.store, "notes", ONE), true);
  clock.seconds += 5;
  await a.pin(changed, OTHER);
});

Deno.test("unpinning lets the next store in, in every process, and repeated it never ends the next one's pin", async () => {
  using test = await twoProcesses();
  const { app, clock, store, a, b } = test;
  for (const process of [a, b]) await process.pin(app, ONE);
  assertEquals(await removeStorePin(store, "notes", OTHER), false);
  await assertPinned(a.pin(app, OTHER));
  assertEquals(await removeStorePin(store, "notes", ONE), true);
  await a.pin(app, OTHER);
  assertEquals(await removeStorePin(store, "notes", ONE), false);
  clock.seconds += 5;
  await assertPinned(b.pin(app, ONE));
  await b.pin(app, OTHER);
});

Deno.test("unpinStore() writes down who, what and why, and knows no other application", async () => {
  await using split = await startSplit();
  const { acs, logs } = split;
  await redeemWith(logs.redeemer, signRedemption(await makeToken(acs)), recordOf("a"), NOW);
  const pin = present((await listStorePins(acs.store))[0]);
  const actor = { name: "alice", via: "api" } as const;
  assertEquals(await unpinStore(acs, actor, { app: "notes", store: pin.store, reason: "lost" }), {
    unpinned: true,
  });
  assertEquals(await unpinStore(acs, actor, { app: "notes", store: pin.store }), { unpinned: false });
  await assertRejects(() => unpinStore(acs, actor, { app: "nope", store: pin.store }), Refusal);
  const entries = (await acs.auditLog.latest(10)).reverse();
  assertEquals(entries.length, 4);
  const { operator, action, details } = entries[0] as Action;
  assertEquals([operator, action, details], [
    "alice",
    "POST /admin/v1/apps/notes/stores/unpin",
    JSON.stringify({ store: pin.store, reason: "lost" }),
  ]);
});

Deno.test("two log servers with stores of their own: the second stores nothing, and gives nobody a second quota", async () => {
  await using split = await startSplit();
  const { acs, logs } = split;
  const log = signRedemption(await makeToken(acs), 0, "a log");
  await redeemWith(logs.redeemer, log, recordOf("a log"), NOW);
  using otherKv = await Deno.openKv(":memory:");
  const other = split.openLogServer(otherKv, { storeId: storeIdReader(storeOver(otherKv), platformRandom) });
  const before = await Array.fromAsync(acs.store.list({ prefix: [] }));
  for (const sent of [log, signRedemption(await makeToken(acs), 0, "another")]) {
    await assertRejects(
      () => redeemWith(other.redeemer, sent, recordOf("a log"), NOW),
      AcsError,
      "share a store",
    );
  }
  assertEquals(await Array.fromAsync(acs.store.list({ prefix: [] })), before);
  assertEquals([await storedTexts(logs), await storedTexts(other), await countClaims(acs)], [
    ["a log"],
    [],
    1,
  ]);
});

Deno.test("a store has one id for good, whoever asks first", async () => {
  using kv = await Deno.openKv(":memory:");
  const ids = await Promise.all(
    Array.from({ length: 8 }, () => storeIdReader(storeOver(kv), platformRandom)()),
  );
  assertEquals(new Set(ids).size, 1);
  assertEquals(fromBase64url(ids[0] ?? "").length, 16);
  using otherKv = await Deno.openKv(":memory:");
  assert(await storeIdReader(storeOver(otherKv), platformRandom)() !== ids[0]);
  assertEquals((await Array.fromAsync(storeOver(kv).list(STORE_PINS.all()))).length, 0);
});
