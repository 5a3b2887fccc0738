import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { acceptLog } from "../../../core/acs/accept_log.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { revokeKeys } from "../../../core/keys/replacement.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import type { Redeemer } from "../../../core/acs/redeemer.ts";
import type { Server, Service } from "../../../core/service.ts";
import { logBody } from "../../support/client/protocol_client.ts";
import { EPOCH, NOW, platformRandom } from "../../support/service/keys.ts";
import {
  countClaims,
  makeToken,
  openService,
  recordOf,
  redeemWith,
  signRedemption,
  startSplit,
  storedTexts,
} from "../../support/service/split.ts";

/** One table of tests for both implementations of the seam: what clients see must not tell them apart. */
interface Stage extends AsyncDisposable {
  readonly clock: { seconds: number };
  /** Who holds the keys and the claims. */
  readonly acs: Service;
  /** Who holds the records. */
  readonly logs: Server;
  readonly redeemer: Redeemer;
}

async function local(): Promise<Stage> {
  const clock = { seconds: NOW };
  const service = await openService(clock);
  return {
    clock,
    acs: service,
    logs: service,
    redeemer: service.redeemer,
    async [Symbol.asyncDispose]() {
      await service.committer.drain();
      service.store.close();
    },
  };
}

async function remote(): Promise<Stage> {
  const split = await startSplit();
  const { clock, acs, logs } = split;
  return {
    clock,
    acs,
    logs,
    redeemer: logs.redeemer,
    [Symbol.asyncDispose]: () => split[Symbol.asyncDispose](),
  };
}

async function assertRefused(work: Promise<unknown>, ...codes: string[]): Promise<void> {
  const { code } = await assertRejects(() => work, Refusal);
  assert(codes.includes(code), `${code} instead of ${codes.join(" or ")}`);
}

const snapshot = (server: Server) => Array.fromAsync(server.store.list({ prefix: [] }));

const CASES: Record<string, (stage: Stage) => Promise<void>> = {
  "stores a log once and knows it again": async ({ acs, logs, redeemer }) => {
    const log = signRedemption(await makeToken(acs));
    assertEquals(await redeemWith(redeemer, log, recordOf("a"), NOW), { replayed: false });
    assertEquals(await redeemWith(redeemer, log, recordOf("a"), NOW), { replayed: true });
    assertEquals(await storedTexts(logs), ["a"]);
    assertEquals(await countClaims(acs), 1);
  },

  "expects a log, and one that it has had, and writes nothing of it": async ({ acs, logs, redeemer }) => {
    const log = signRedemption(await makeToken(acs));
    for (let sent = 0; sent < 2; sent++) {
      const before = [await snapshot(acs), await snapshot(logs)];
      await redeemer.expect(log, NOW);
      assertEquals([await snapshot(acs), await snapshot(logs)], before);
      await redeemWith(redeemer, log, recordOf("a"), NOW);
    }
  },

  "answers ten sends at once with one success and nine replays": async ({ acs, logs, redeemer }) => {
    const log = signRedemption(await makeToken(acs));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => redeemWith(redeemer, log, recordOf("a"), NOW)),
    );
    assertEquals(answers.filter(({ replayed }) => !replayed).length, 1);
    assertEquals(await storedTexts(logs), ["a"]);
  },

  "gives every use to one log only": async ({ acs, logs, redeemer }) => {
    const token = await makeToken(acs);
    await redeemWith(redeemer, signRedemption(token, 3, "first"), recordOf("first"), NOW);
    await assertRefused(
      redeemWith(redeemer, signRedemption(token, 3, "other"), recordOf("other"), NOW),
      "use_taken",
    );
    await redeemWith(redeemer, signRedemption(token, 4, "other"), recordOf("other"), NOW);
    assertEquals(await storedTexts(logs), ["first", "other"]);
  },

  "gives a use that many logs want at once to one of them": async ({ acs, logs, redeemer }) => {
    const token = await makeToken(acs);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, log) => {
        const text = String(log);
        return redeemWith(redeemer, signRedemption(token, 0, text), recordOf(text), NOW);
      }),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    assertEquals(refused.map(({ reason }) => reason.code), Array(19).fill("use_taken"));
    const winner = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
    assertEquals(await storedTexts(logs), [String(winner)]);
  },

  "takes 64 logs of a token and no more": async ({ acs, logs, redeemer }) => {
    const token = await makeToken(acs);
    const texts = Array.from({ length: 64 }, (_, use) => `log ${use}`);
    await Promise.all(
      texts.map((text, use) => redeemWith(redeemer, signRedemption(token, use, text), recordOf(text), NOW)),
    );
    await assertRefused(
      redeemWith(redeemer, signRedemption(token, 64), recordOf("x"), NOW),
      "use_out_of_range",
    );
    assertEquals(await storedTexts(logs), texts.toSorted());
    assertEquals(await countClaims(acs), 64);
  },

  "refuses every changed part of what the MAC covers, and writes nothing": async (stage) => {
    const { acs, logs, redeemer } = stage;
    const log = signRedemption(await makeToken(acs));
    const before = [await snapshot(acs), await snapshot(logs)];
    const { credential, body } = log;
    const flip = (bytes: Uint8Array) => bytes.with(0, bytes[0]! ^ 1);
    for (
      const changed of [
        { ...log, credential: { ...credential, mac: flip(credential.mac) } },
        { ...log, credential: { ...credential, nonce: flip(credential.nonce) } },
        { ...log, credential: { ...credential, use: 1 } },
        { ...log, body: { ...body, bodyDigest: flip(body.bodyDigest) } },
        { ...log, body: { ...body, contentEncoding: "gzip" as const } },
      ]
    ) await assertRefused(redeemWith(redeemer, changed, recordOf("a"), NOW), "mac_invalid");
    const unknown = { ...log, credential: { ...credential, keyId: platformRandom(32) } };
    await assertRefused(redeemWith(redeemer, unknown, recordOf("a"), NOW), "key_unknown");
    assertEquals([await snapshot(acs), await snapshot(logs)], before);
  },

  "refuses a log of one application at another, and writes nothing": async ({ acs, logs, redeemer }) => {
    const log = signRedemption(await makeToken(acs, "notes"));
    const before = [await snapshot(acs), await snapshot(logs)];
    await assertRefused(redeemWith(redeemer, { ...log, app: "vault" }, recordOf("a"), NOW), "key_unknown");
    assertEquals([await snapshot(acs), await snapshot(logs)], before);
  },

  "spends no use on a body that is refused": async ({ acs, logs, redeemer }) => {
    const token = await makeToken(acs);
    const body = logBody(token, { events: [{ name: "never_declared", fields: {} }] });
    const log = signRedemption(token, 0, new TextDecoder().decode(body));
    const { credential, body: { contentEncoding } } = log;
    const sent = { app: logs.appOf("notes"), credential, contentEncoding, body, nowSeconds: NOW };
    await assertRefused(acceptLog(logs, sent), "events_invalid");
    assertEquals([await countClaims(acs), await storedTexts(logs)], [0, []]);
    assertEquals(await redeemWith(redeemer, log, recordOf("a"), NOW), { replayed: false });
  },

  "takes a token to the last second of its key's overlap and never after": async (stage) => {
    const { acs, clock, redeemer } = stage;
    const token = await makeToken(acs);
    const end = (EPOCH + 2) * 86_400;
    clock.seconds = end - 1;
    assertEquals(await redeemWith(redeemer, signRedemption(token, 0), recordOf("a"), end - 1), {
      replayed: false,
    });
    clock.seconds = end;
    for (const use of [0, 1]) {
      const late = redeemWith(redeemer, signRedemption(token, use), recordOf("b"), end);
      await assertRefused(late, "key_expired", "key_unknown");
    }
    await runMaintenance(acs);
    await assertRefused(
      redeemWith(redeemer, signRedemption(token, 2), recordOf("c"), end),
      "key_expired",
      "key_unknown",
    );
  },

  "ends with a revocation, for uses that were claimed before as well": async (stage) => {
    const { acs, redeemer, logs } = stage;
    const token = await makeToken(acs);
    await redeemWith(redeemer, signRedemption(token, 0), recordOf("a"), NOW);
    await revokeKeys(acs.rotation, acs.appOf("notes"), EPOCH, 0, NOW);
    await assertRefused(
      redeemWith(redeemer, signRedemption(token, 1), recordOf("b"), NOW),
      "key_expired",
      "key_unknown",
    );
    acs.ringOf("notes").forget();
    await assertRefused(
      redeemWith(redeemer, signRedemption(token, 0), recordOf("a"), NOW),
      "key_expired",
      "key_unknown",
    );
    assertEquals(await storedTexts(logs), ["a"]);
    const next = await makeToken(acs);
    assertNotEquals(next.keyId, token.keyId);
    await redeemWith(redeemer, signRedemption(next, 0), recordOf("c"), NOW);
    assertEquals(await storedTexts(logs), ["a", "c"]);
  },

  "leaves nothing of a key an hour after its end but the records": async ({ acs, logs, clock, redeemer }) => {
    const token = await makeToken(acs);
    for (let use = 0; use < 5; use++) {
      await redeemWith(redeemer, signRedemption(token, use), recordOf(`${use}`), clock.seconds);
    }
    const count = async () => await countClaims(acs) + (acs === logs ? 0 : await countClaims(logs));
    const all = await count();
    assert(all >= 5);
    const end = (EPOCH + 2) * 86_400;
    for (const [at, left] of [[end - 1, all], [end, all], [end + 3_599, all], [end + 3_600, 0]] as const) {
      clock.seconds = at;
      await runMaintenance(acs);
      if (logs !== acs) await runMaintenance(logs);
      assertEquals(await count(), left, `at ${at - end} s of the end`);
    }
  },
};

for (const [kind, open] of Object.entries({ local, remote })) {
  for (const [what, run] of Object.entries(CASES)) {
    Deno.test(`the ${kind} redeemer ${what}`, async () => {
      await using stage = await open();
      await run(stage);
    });
  }
}
