import { assertEquals, assertRejects } from "@std/assert";
import { endRemoteKeys, RemoteKeys } from "../../../../core/acs/remote/remote_keys.ts";
import { Refusal } from "../../../../core/base/errors.ts";
import { ALIVE_KEYS, ENDED_KEYS } from "../../../../core/keys/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import { NOW } from "../../../support/service/keys.ts";

const KEY_ID = new Uint8Array(32).fill(7);
const UNTIL = NOW + 1_000;
const YEAR = 365 * 86_400;

Deno.test("endRemoteKeys() ends a key when its time is over, once, and gives its number to nothing else ever", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  const { ordinal } = await new RemoteKeys(store).of("notes", KEY_ID, () => Promise.resolve(UNTIL));
  assertEquals(await endRemoteKeys(store, "local", UNTIL - 1), 0);
  assertEquals(await new RemoteKeys(store).ordinalOf("notes", KEY_ID), ordinal);
  assertEquals(await endRemoteKeys(store, "local", UNTIL), 1);
  assertEquals((await store.get(ALIVE_KEYS.key(ordinal))).value, null);
  assertEquals(
    (await store.get<{ claimsAfter: number }>(ENDED_KEYS.key(ordinal))).value?.claimsAfter,
    UNTIL + 3_600,
  );
  // However far a clock was ahead, and however often it was believed: the key stays known, and ended.
  for (const later of [UNTIL, UNTIL + 86_400, UNTIL + YEAR, UNTIL + 50 * YEAR]) {
    assertEquals(await endRemoteKeys(store, "local", later), 0);
    const keys = new RemoteKeys(store);
    const asked = () => Promise.reject(new Error("A key that has ended here is not asked for."));
    const refused = await assertRejects(() => keys.of("notes", KEY_ID, asked), Refusal);
    assertEquals([refused.code, await keys.ordinalOf("notes", KEY_ID)], ["key_expired", undefined]);
  }
});
