import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../../core/base/errors.ts";
import { runMaintenance } from "../../../../core/jobs/maintenance.ts";
import { REMOTE_KEYS } from "../../../../core/acs/families.ts";
import { rotate } from "../../../../core/operations/actions/keys.ts";
import { SIGNING_KEYS } from "../../../../core/keys/families.ts";
import type { KeyRow } from "../../../../core/keys/key_row.ts";
import { createMissingKeys } from "../../../../core/keys/rotation.ts";
import { tokenKeyId } from "../../../../core/token/token.ts";
import { present } from "../../../support/base/present.ts";
import { CLAIMS } from "../../../../core/ledger/families.ts";
import { dyingKv, NOW } from "../../../support/service/keys.ts";
import {
  countClaims,
  makeToken,
  makeTokenOf,
  recordOf,
  redeemWith,
  signRedemption,
  startSplit,
  storedTexts,
} from "../../../support/service/split.ts";

async function assertUnknownOutcome(work: Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(() => work, Refusal)).code, "store_unavailable");
}

Deno.test("a log that was claimed and not stored is completed by the client's retry, once", async () => {
  await using split = await startSplit();
  const { acs, logs } = split;
  const log = signRedemption(await makeToken(acs));
  // One commit, that of the key's number, goes through; the one with the record never does.
  using crashing = await Deno.openKv(":memory:");
  const crashed = split.openLogServer(dyingKv(crashing, 1, false));
  await assertUnknownOutcome(redeemWith(crashed.redeemer, log, recordOf("a"), NOW));
  assertEquals([await countClaims(acs), await storedTexts(logs)], [1, []]);
  // The ACS says "replayed", this store says "not here": it is stored now, and counts as a first success.
  assertEquals(await redeemWith(logs.redeemer, log, recordOf("a"), NOW), { replayed: false });
  assertEquals(await redeemWith(logs.redeemer, log, recordOf("a"), NOW), { replayed: true });
  assertEquals([await countClaims(acs), await storedTexts(logs)], [1, ["a"]]);
});

for (const landing of [false, true]) {
  const where = landing ? "right after" : "right before";
  Deno.test(`a log server killed ${where} any commit neither loses nor doubles a log`, async () => {
    let killed = true;
    let commits = 0;
    for (; killed; commits++) {
      await using split = await startSplit();
      const log = signRedemption(await makeToken(split.acs));
      const dying = split.openLogServer(dyingKv(split.logsKv, commits, landing));
      killed = await redeemWith(dying.redeemer, log, recordOf("a"), NOW).then(() => false, () => true);
      await redeemWith(split.logs.redeemer, log, recordOf("a"), NOW);
      assertEquals(await redeemWith(split.logs.redeemer, log, recordOf("a"), NOW), { replayed: true });
      assertEquals([await countClaims(split.acs), await storedTexts(split.logs)], [1, ["a"]]);
    }
    assert(commits > 2, "the log server was never killed");
  });
}

Deno.test("a log whose claim was answered into the void is completed by the retry", async () => {
  await using split = await startSplit();
  const log = signRedemption(await makeToken(split.acs));
  split.network = async (request, reach) => {
    await (await reach(request)).body?.cancel();
    throw new TypeError("connection reset");
  };
  await assertUnknownOutcome(redeemWith(split.logs.redeemer, log, recordOf("a"), NOW));
  assertEquals([await countClaims(split.acs), await storedTexts(split.logs)], [1, []]);
  split.network = (request, reach) => reach(request);
  assertEquals(await redeemWith(split.logs.redeemer, log, recordOf("a"), NOW), { replayed: false });
  assertEquals([await countClaims(split.acs), await storedTexts(split.logs)], [1, ["a"]]);
});

Deno.test("two log servers on one store that get the same log at once store it once", async () => {
  await using split = await startSplit();
  const other = split.openLogServer();
  for (let round = 0; round < 10; round++) {
    const text = `log ${round}`;
    const log = signRedemption(await makeToken(split.acs), 0, text);
    const answers = await Promise.all(
      [split.logs, other].map(({ redeemer }) => redeemWith(redeemer, log, recordOf(text), NOW)),
    );
    assertEquals(answers.filter(({ replayed }) => replayed).length, 1);
  }
  assertEquals((await storedTexts(split.logs)).length, 10);
  // Both gave the key the same number.
  assertEquals((await Array.fromAsync(split.logs.store.list(REMOTE_KEYS.all()))).length, 1);
});

Deno.test("a log server whose store does not answer spends no use", async () => {
  await using split = await startSplit();
  using kv = await Deno.openKv(":memory:");
  const hanging = new Proxy(kv, {
    get: (target, name) =>
      name === "atomic"
        ? () => Object.assign(target.atomic(), { commit: () => new Promise(() => {}) })
        : Reflect.get(target, name).bind(target),
  });
  const server = split.openLogServer(hanging, { storeMs: 200 });
  // Its first logs find out that it hangs; what follows is refused before the ACS hears of it.
  const first = await Promise.allSettled(
    Array.from(
      { length: 8 },
      async (_, log) =>
        redeemWith(
          server.redeemer,
          signRedemption(await makeToken(split.acs), 0, `${log}`),
          recordOf("x"),
          NOW,
        ),
    ),
  );
  assert(first.every(({ status }) => status === "rejected"));
  const claimed = await countClaims(split.acs);
  await assertUnknownOutcome(
    redeemWith(server.redeemer, signRedemption(await makeToken(split.acs)), recordOf("a"), NOW),
  );
  assertEquals(await countClaims(split.acs), claimed);
});

Deno.test("what a log server stores tells nothing of nonce, MAC or use of another store", async () => {
  await using split = await startSplit();
  const token = await makeToken(split.acs);
  const log = signRedemption(token, 5);
  await redeemWith(split.logs.redeemer, log, recordOf("a"), NOW);
  const [acsClaim] = await Array.fromAsync(split.acs.store.list<Uint8Array>(CLAIMS.all()));
  const [ownClaim] = await Array.fromAsync(split.logs.store.list<Uint8Array>(CLAIMS.all()));
  const digest = (claim: typeof acsClaim) => (claim!.key[1] as Uint8Array).slice(4, 20).toHex();
  const tag = (claim: typeof acsClaim) => claim!.value.slice(0, 16).toHex();
  for (const secret of [digest(acsClaim), tag(acsClaim), token.nonce.toHex(), log.credential.mac.toHex()]) {
    assert(!digest(ownClaim).includes(secret) && !tag(ownClaim).includes(secret));
  }
});

Deno.test("a log server whose clock was ahead for days, and believed, never stores a log a second time", async () => {
  await using split = await startSplit();
  const { acs, logs, clock } = split;
  const log = signRedemption(await makeToken(acs));
  await redeemWith(logs.redeemer, log, recordOf("a"), NOW);
  for (const hours of [50, 52, 80, 82]) {
    clock.seconds = NOW + hours * 3_600;
    await runMaintenance(logs);
    // The clock is right again: the ACS still redeems, and says that this very request had claimed its use.
    clock.seconds = NOW + 60;
    const restarted = split.openLogServer();
    const refused = await assertRejects(
      () => redeemWith(restarted.redeemer, log, recordOf("a"), clock.seconds),
      Refusal,
    );
    assertEquals([refused.code, await storedTexts(logs)], ["key_expired", ["a"]]);
  }
  assertEquals(await countClaims(logs), 0);
});

/** An answer of the ACS as one of version 0.1.0 gives it. */
async function withoutEnd(response: Response): Promise<Response> {
  const { not_before: _, redeem_until: __, ...answer } = await response.json();
  return Response.json(answer);
}

for (const isOlder of [false, true]) {
  const which = isOlder ? "an ACS that does not say its end" : "its ACS";
  Deno.test(`a key from before a change of the epoch's length redeems at a log server for as long as at ${which}`, async () => {
    await using split = await startSplit({ epochSeconds: 3_600 });
    const { clock, acs, logs } = split;
    if (isOlder) {
      split.network = async (request, reach) => {
        const response = await reach(request);
        return request.url.endsWith("/redeem") && response.ok ? await withoutEnd(response) : response;
      };
    }
    // What the ACS has from before the change: a key of a day.
    const app = acs.appOf("notes");
    await createMissingKeys(acs.rotation, { ...app, epochSeconds: 86_400, horizonEpochs: 1 }, NOW);
    acs.ringOf("notes").forget();
    const rows = await Array.fromAsync(acs.store.list<KeyRow>(SIGNING_KEYS.prefix("notes")));
    const { value: row } = present(
      rows.find(({ value }) => value.issueUntil - value.notBefore === 86_400 && value.notBefore <= NOW),
    );
    const token = makeTokenOf(await acs.ringOf("notes").redeeming(tokenKeyId(row.publicKey), NOW));
    const log = signRedemption(token);
    await redeemWith(logs.redeemer, log, recordOf("a"), NOW);
    let use = 0;
    for (let at = NOW + 3_600; at < row.redeemUntil; at += 3 * 3_600) {
      clock.seconds = at;
      await runMaintenance(logs);
      const { redeemer } = split.openLogServer();
      assertEquals(await redeemWith(redeemer, log, recordOf("a"), at), { replayed: true });
      const fresh = signRedemption(token, ++use);
      assertEquals(await redeemWith(redeemer, fresh, recordOf(`${use}`), at), { replayed: false });
    }
    assert(use > 8);
  });
}

Deno.test("logs are stored again under the key that the ACS makes after a log server's clock was ahead", async () => {
  await using split = await startSplit();
  const { acs, logs, clock } = split;
  await redeemWith(logs.redeemer, signRedemption(await makeToken(acs)), recordOf("a"), NOW);
  clock.seconds = NOW + 82 * 3_600;
  await runMaintenance(logs);
  clock.seconds = NOW;
  await rotate(acs, { name: "alice", via: "api" }, { app: "notes" });
  const restarted = split.openLogServer();
  assertEquals(
    await redeemWith(restarted.redeemer, signRedemption(await makeToken(acs)), recordOf("b"), NOW),
    { replayed: false },
  );
  assertEquals(await storedTexts(logs), ["a", "b"]);
});
