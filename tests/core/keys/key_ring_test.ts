import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { issueTokens } from "../../../core/acs/issue_tokens.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { makeDirectory } from "../../../core/keys/directory.ts";
import { KeyRing } from "../../../core/keys/key_ring.ts";
import { replaceIssuingKey, revokeKeys } from "../../../core/keys/replacement.ts";
import { destroyOverKeys } from "../../../core/keys/rotation.ts";
import { SealError } from "../../../core/keys/sealing.ts";
import type { Service } from "../../../core/service.ts";
import { ORDINALS } from "../../../core/keys/families.ts";
import { encodeBatchRequest } from "../../../core/token/batch.ts";
import { nobleRistretto255 as suite } from "../../../core/voprf/noble.ts";
import {
  applicationOf,
  assertInOrder,
  contextOn,
  EPOCH,
  NOW,
  platformRandom,
  rowsOf,
} from "../../support/service/keys.ts";
import {
  countClaims,
  makeToken,
  openService,
  recordOf,
  redeemWith,
  signRedemption,
  splitDeployment,
  storedTexts,
} from "../../support/service/split.ts";

const DAY = 86_400;
const app = applicationOf();
const ISSUER = "telemetry.example";

async function assertRefused(work: Promise<unknown>, ...codes: string[]): Promise<void> {
  const { code } = await assertRejects(() => work, Refusal);
  assert(codes.includes(code), `${code} instead of ${codes.join(" or ")}`);
}

/** A database that counts its lists, and that can be told to fail. */
function watched(kv: Deno.Kv): { kv: Deno.Kv; state: { lists: number; failing: boolean } } {
  const state = { lists: 0, failing: false };
  const proxy = new Proxy(kv, {
    get(target, name) {
      if (name === "list") state.lists++;
      if (state.failing) throw new Error("the store is away");
      return Reflect.get(target, name).bind(target);
    },
  });
  return { kv: proxy, state };
}

async function batchOf(service: Service, count = 1): Promise<Uint8Array<ArrayBuffer>> {
  const key = await service.ringOf("notes").issuing(service.now());
  const inputs = Array.from({ length: count }, () => platformRandom(98));
  const { blindedElements } = suite.blind(inputs, platformRandom);
  return encodeBatchRequest(suite, { truncatedKeyId: key.truncatedId, blindedElements });
}

const client = { issuer: "https://login.example", subject: "alice" };

Deno.test("KeyRing makes the keys that it misses and gives the one that issues", async () => {
  using kv = await Deno.openKv(":memory:");
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  const key = await ring.issuing(NOW);
  assertEquals([key.epoch, key.generation], [EPOCH, 0]);
  assertEquals((await ring.current(NOW)).map(({ epoch }) => epoch), [EPOCH, EPOCH + 1, EPOCH + 2, EPOCH + 3]);
  await assertInOrder(kv, app, NOW);
});

Deno.test("KeyRing ends what is over as soon as anybody looks, without cron", async () => {
  using kv = await Deno.openKv(":memory:");
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  const { keyId } = await ring.issuing(NOW);
  const end = (EPOCH + 2) * DAY;
  await ring.issuing(end - 1);
  await ring.redeeming(keyId, end - 1);
  await assertRefused(ring.redeeming(keyId, end), "key_expired", "key_unknown");
  assert((await rowsOf(kv)).every((row) => row.epoch > EPOCH));
});

Deno.test("KeyRing redeems under a scheduled key from a minute before, when another clock is ahead", async () => {
  using kv = await Deno.openKv(":memory:");
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  const { keyId } = (await ring.current(NOW))[1]!;
  const start = (EPOCH + 1) * DAY;
  await assertRefused(ring.redeeming(keyId, start - 61), "key_unknown");
  assertEquals((await ring.redeeming(keyId, start - 60)).epoch, EPOCH + 1);
});

Deno.test("KeyRing reads once however many ask, and again after half a minute", async () => {
  using inner = await Deno.openKv(":memory:");
  const { kv, state } = watched(inner);
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  await Promise.all(Array.from({ length: 100 }, () => ring.issuing(NOW)));
  state.lists = 0;
  for (let second = 1; second < 30; second++) await ring.issuing(NOW + second);
  assertEquals(state.lists, 0);
  await Promise.all(Array.from({ length: 100 }, () => ring.issuing(NOW + 30)));
  const once = state.lists;
  assert(once > 0);
  await ring.issuing(NOW + 60);
  assertEquals(state.lists, 2 * once);
});

Deno.test("KeyRing does not look for made-up ids more than once a second", async () => {
  using inner = await Deno.openKv(":memory:");
  const { kv, state } = watched(inner);
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  await ring.issuing(NOW);
  const { lists } = state;
  for (let round = 0; round < 100; round++) {
    await assertRefused(ring.redeeming(platformRandom(32), NOW), "key_unknown");
  }
  assertEquals(state.lists, lists);
  await assertRefused(ring.redeeming(platformRandom(32), NOW + 1), "key_unknown");
  assert(state.lists > lists);
});

Deno.test("KeyRing finds a key that another process has just made, for redemption and for issuance", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  const ring = new KeyRing(context, app, ISSUER);
  await ring.issuing(NOW);
  await replaceIssuingKey(context, app, NOW);
  const fresh = await new KeyRing(context, app, ISSUER).issuing(NOW);
  assertEquals(fresh.generation, 1);
  assertEquals((await ring.issuing(NOW + 1, fresh.truncatedId)).generation, 1);
  const other = new KeyRing(context, app, ISSUER);
  assertEquals((await other.redeeming(fresh.keyId, NOW)).generation, 1);
});

Deno.test("a store that is away ends no key: the view serves while one of its keys issues", async () => {
  using inner = await Deno.openKv(":memory:");
  const { kv, state } = watched(inner);
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  const { keyId } = await ring.issuing(NOW);
  state.failing = true;
  assertEquals((await ring.issuing(NOW + 10_000)).keyId, keyId);
  assertEquals((await ring.redeeming(keyId, NOW + 10_001)).keyId, keyId);
  await assertRefused(ring.issuing((EPOCH + 4) * DAY), "store_unavailable");
  state.failing = false;
  assertEquals((await ring.issuing((EPOCH + 4) * DAY)).epoch, EPOCH + 4);
});

Deno.test("one key that does not open here ends none of the others", async () => {
  using kv = await Deno.openKv(":memory:");
  await new KeyRing(await contextOn(kv), app, ISSUER).issuing(NOW);
  const foreign = await contextOn(kv, { sealKeys: [new Uint8Array(32).fill(9)] });
  await new KeyRing(foreign, app, ISSUER).current(NOW + DAY);
  const ring = new KeyRing(await contextOn(kv), app, ISSUER);
  // The foreign one is the furthest ahead: it is published, and all others issue in their time.
  assertEquals((await ring.current(NOW + DAY)).length, 5);
  for (let day = 0; day <= 3; day++) assertEquals((await ring.issuing(NOW + day * DAY)).epoch, EPOCH + day);
  await assertRejects(() => ring.issuing(NOW + 4 * DAY), SealError);
});

Deno.test("instances with views of different age serve the same bytes, also at the turn of an epoch", async () => {
  using kv = await Deno.openKv(":memory:");
  const rings = await Promise.all(
    Array.from({ length: 4 }, async () => new KeyRing(await contextOn(kv), app, ISSUER)),
  );
  const serve = async (ring: KeyRing, now: number) =>
    makeDirectory({
      issuer: ISSUER,
      region: "local",
      app,
      keys: await ring.current(now),
      nowSeconds: now,
    }).etag;
  const turn = (EPOCH + 1) * DAY;
  for (const [index, ring] of rings.entries()) await ring.current(turn - 1 - 7 * index);
  for (const now of [turn - 1, turn, turn + 1, turn + DAY - 1, turn + DAY]) {
    const etags = new Set<string>();
    for (const ring of rings) etags.add(await serve(ring, now));
    assertEquals(etags.size, 1, `at ${now - turn} s of the turn`);
  }
});

Deno.test("a change of the epoch's length lists only what clients can place, and redeems what was issued before", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  const { keyId } = await new KeyRing(context, app, ISSUER).issuing(NOW);
  const ring = new KeyRing(context, applicationOf({ epochSeconds: 3_600 }), ISSUER);
  const hour = Math.floor(NOW / 3_600);
  assertEquals((await ring.current(NOW)).map(({ epoch }) => epoch), [hour, hour + 1, hour + 2, hour + 3]);
  assertEquals((await ring.issuing(NOW)).epoch, hour);
  assertEquals((await ring.redeeming(keyId, NOW)).epoch, EPOCH);
});

Deno.test("KeyRing tells which keys have left its view, and brings nothing back that was forgotten", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  const gone: number[] = [];
  const ring = new KeyRing(context, app, ISSUER, (ordinal) => gone.push(ordinal));
  const first = await ring.issuing(NOW);
  const reading = ring.issuing(NOW + 31);
  await revokeKeys(context, app, EPOCH, 0, NOW);
  ring.forget();
  await reading;
  const second = await ring.issuing(NOW + 31);
  assertEquals(second.generation, 1);
  // The revoked key is gone although its view was forgotten; its replacement goes with its epoch's overlap.
  assertEquals(gone, [first.ordinal]);
  await ring.issuing((EPOCH + 2) * DAY);
  assertEquals(gone, [first.ordinal, second.ordinal]);
});

Deno.test("a process that slept over a revocation and wakes with claims in hand claims nothing", async () => {
  const clock = { seconds: NOW };
  using kv = await Deno.openKv(":memory:");
  const deployment = splitDeployment();
  const sleeper = await openService(clock, deployment, kv);
  const other = await openService(clock, deployment, kv);
  const token = await makeToken(sleeper);
  const logs = Array.from({ length: 8 }, (_, use) => signRedemption(token, use, `${use}`));
  const verified = await Promise.all(logs.map((log) => sleeper.redeemer.verify(log, NOW)));
  const healthy = signRedemption(await makeToken(sleeper, "vault"));
  await revokeKeys(other.rotation, other.appOf("notes"), EPOCH, 0, NOW);
  // Its claims are in one group with a healthy one of another key.
  const claims = verified.map((use, index) => sleeper.redeemer.store(use, () => recordOf(`${index}`)));
  const healthyClaim = redeemWith(sleeper.redeemer, healthy, recordOf("healthy"), NOW);
  for (const claim of claims) await assertRefused(claim, "key_expired");
  assertEquals(await healthyClaim, { replayed: false });
  assertEquals(await storedTexts(sleeper), []);
  assertEquals(await countClaims(sleeper), 1);
  // And it has learnt: the next token is one of the replacement.
  assertEquals((await sleeper.ringOf("notes").issuing(NOW)).generation, 1);
});

Deno.test("a process that slept over a revocation signs nothing and counts nothing", async () => {
  const clock = { seconds: NOW };
  using kv = await Deno.openKv(":memory:");
  const sleeper = await openService(clock, splitDeployment(), kv);
  const other = await openService(clock, splitDeployment(), kv);
  const batch = await batchOf(sleeper);
  await revokeKeys(other.rotation, other.appOf("notes"), EPOCH, 0, NOW);
  await assertRefused(
    issueTokens(sleeper, { app: sleeper.appOf("notes"), client, request: batch, nowSeconds: NOW }),
    "key_not_issuing",
  );
  assertEquals(await Array.fromAsync(kv.list({ prefix: ["q"] })), []);
  const next = await batchOf(sleeper);
  assertNotEquals(next[2], batch[2]);
  await issueTokens(sleeper, { app: sleeper.appOf("notes"), client, request: next, nowSeconds: NOW });
});

/** Epochs of an hour whose keys end with them: an hour of drift is a whole epoch. */
const HOURLY = { epochSeconds: 3_600, overlapEpochs: 0 };
const END = (Math.floor(NOW / 3_600) + 1) * 3_600;

Deno.test("a process whose clock is an hour behind neither signs nor accepts with a key that is over", async () => {
  using kv = await Deno.openKv(":memory:");
  const right = { seconds: NOW };
  const behind = { seconds: NOW - 3_600 };
  const ours = await openService(right, splitDeployment(HOURLY), kv);
  const theirs = await openService(behind, splitDeployment(HOURLY), kv);
  behind.seconds = NOW;
  const token = await makeToken(theirs);
  const batch = await batchOf(theirs);
  // Our clock passes the end of that key, theirs stays in its epoch.
  right.seconds = END + 1;
  await destroyOverKeys(ours.rotation, right.seconds);
  const log = signRedemption(token);
  const notes = theirs.appOf("notes");
  await assertRefused(redeemWith(theirs.redeemer, log, recordOf("a"), NOW), "key_expired", "key_unknown");
  await assertRefused(
    issueTokens(theirs, { app: notes, client, request: batch, nowSeconds: NOW }),
    "key_not_issuing",
    "store_unavailable",
  );
  // Not even with a new one of the same name, after a restart as little as before.
  await assertRefused(theirs.ringOf("notes").issuing(NOW), "store_unavailable");
  const restarted = await openService(behind, splitDeployment(HOURLY), kv);
  await assertRefused(restarted.ringOf("notes").issuing(NOW), "store_unavailable");
  assertEquals(await countClaims(theirs), 0);
  assertEquals(await Array.fromAsync(kv.list({ prefix: ["q"] })), []);
  assert((await rowsOf(kv)).every((row) => row.notBefore >= END));
});

Deno.test("a process whose clock is an hour ahead ends keys early, and the others respect it until the next epoch", async () => {
  using kv = await Deno.openKv(":memory:");
  const right = { seconds: NOW };
  const ahead = { seconds: NOW };
  const ours = await openService(right, splitDeployment(HOURLY), kv);
  const theirs = await openService(ahead, splitDeployment(HOURLY), kv);
  const token = await makeToken(ours);
  const batch = await batchOf(ours);
  ahead.seconds = NOW + 3_600;
  await destroyOverKeys(theirs.rotation, ahead.seconds);
  await assertRefused(redeemWith(ours.redeemer, signRedemption(token), recordOf("a"), NOW), "key_expired");
  const notes = ours.appOf("notes");
  await assertRefused(
    issueTokens(ours, { app: notes, client, request: batch, nowSeconds: NOW }),
    "key_not_issuing",
    "store_unavailable",
  );
  assertEquals([await countClaims(ours), await storedTexts(ours)], [0, []]);
  right.seconds = END;
  await issueTokens(ours, { app: notes, client, request: await batchOf(ours), nowSeconds: END });
  await redeemWith(ours.redeemer, signRedemption(await makeToken(ours)), recordOf("b"), END);
  assertEquals(await storedTexts(ours), ["b"]);
});

Deno.test("two processes that run on different sealing keys after a mistake of their operator do no harm", async () => {
  using kv = await Deno.openKv(":memory:");
  const ours = new KeyRing(await contextOn(kv), app, ISSUER);
  const theirs = new KeyRing(
    await contextOn(kv, { sealKeys: [new Uint8Array(32).fill(9)] }),
    app,
    ISSUER,
  );
  await ours.issuing(NOW);
  await assertRejects(() => theirs.issuing(NOW), SealError);
  await assertRejects(async () => theirs.redeeming((await ours.issuing(NOW)).keyId, NOW), SealError);
  await assertInOrder(kv, app, NOW);
  assertEquals((await kv.get(ORDINALS.key())).value, 4);
});
