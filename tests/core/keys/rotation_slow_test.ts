import { assert, assertEquals, assertRejects } from "@std/assert";
import { concat, u32 } from "../../../core/base/bytes.ts";
import type { Application } from "../../../core/config/types.ts";
import { isZeroed, openSecret } from "../../../core/keys/key_row.ts";
import { revokeKeys } from "../../../core/keys/replacement.ts";
import {
  createMissingKeys,
  destroyOverKeys,
  type KeyEvent,
  type RotationContext,
} from "../../../core/keys/rotation.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { maintainKeys } from "../../../core/keys/maintenance.ts";
import { quotaKey, quotasOf } from "../../../core/acs/families.ts";
import { sweepEndedKeys } from "../../../core/jobs/ended_keys.ts";
import { ENDED_KEYS } from "../../../core/keys/families.ts";
import { CLAIMS, claimsOf } from "../../../core/ledger/families.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { tokenKeyId, truncatedKeyId } from "../../../core/token/token.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import type { KeyPair, Suite } from "../../../core/voprf/suite.ts";
import {
  applicationOf,
  assertInOrder,
  contextOn,
  dyingKv,
  EPOCH,
  Killed,
  NOW,
  platformRandom,
  rowsOf,
} from "../../support/service/keys.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { TOKEN, withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const DAY = 86_400;
const app = applicationOf();
const pace = { rowsPerCommit: 3, pause: () => Promise.resolve() };

/** Everything that cron does to keys. */
async function run(context: RotationContext, nowSeconds: number, apps: Application[] = [app]): Promise<void> {
  await maintainKeys(context, apps, nowSeconds);
  await sweepEndedKeys(context.store, nowSeconds, pace);
}

/** What use leaves behind under each key: quota rows and claims. */
async function useKeys(kv: Deno.Kv): Promise<void> {
  for (const { ordinal } of await rowsOf(kv)) {
    for (let client = 0; client < 7; client++) {
      await kv.set(quotaKey(ordinal, platformRandom(16)), { granted: 1, requests: [], exp: 0 });
      const value = concat(platformRandom(16), u32(EPOCH));
      await kv.set(CLAIMS.key(claimId(ordinal, platformRandom(32), client)), value);
    }
  }
}

Deno.test("maintainKeys() fills the horizon, and a second run changes nothing", async () => {
  using kv = await Deno.openKv(":memory:");
  const events: KeyEvent[] = [];
  const context = await contextOn(kv, { onKeyEvent: (event) => events.push(event) });
  await run(context, NOW);
  assertEquals((await rowsOf(kv)).map((row) => [row.epoch, row.generation]), [
    [EPOCH, 0],
    [EPOCH + 1, 0],
    [EPOCH + 2, 0],
    [EPOCH + 3, 0],
  ]);
  assertEquals(events.map(({ event, epoch }) => [event, epoch]), [
    ["key_made", EPOCH],
    ["key_made", EPOCH + 1],
    ["key_made", EPOCH + 2],
    ["key_made", EPOCH + 3],
  ]);
  await assertInOrder(kv, app, NOW);
  const before = await Array.fromAsync(kv.list({ prefix: [] }));
  await run(context, NOW + 1);
  assertEquals(await Array.fromAsync(kv.list({ prefix: [] })), before);
});

Deno.test("maintainKeys() ends a key at the second that it is over, not before", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await run(context, NOW);
  const end = (EPOCH + 2) * DAY;
  await run(context, end - 1);
  assertEquals((await rowsOf(kv))[0]!.epoch, EPOCH);
  await run(context, end);
  assertEquals((await rowsOf(kv))[0]!.epoch, EPOCH + 1);
  await assertInOrder(kv, app, end);
});

Deno.test("maintainKeys() ends the keys of an application that is no longer configured", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  const retired = applicationOf({}, "retired");
  await run(context, NOW, [app, retired]);
  assertEquals((await rowsOf(kv, "retired")).length, 4);
  await run(context, NOW + 10 * DAY, [app]);
  assertEquals(await rowsOf(kv, "retired"), []);
  await assertInOrder(kv, app, NOW + 10 * DAY);
});

Deno.test("quota rows go with their key, claims an hour later", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await run(context, NOW);
  await useKeys(kv);
  const { ordinal } = (await rowsOf(kv))[0]!;
  const count = async (selector: Deno.KvListSelector) => (await Array.fromAsync(kv.list(selector))).length;
  const end = (EPOCH + 2) * DAY;
  await run(context, end);
  assertEquals(await count(quotasOf(ordinal)), 0);
  assertEquals(await count(claimsOf(ordinal)), 7);
  await run(context, end + 3_599);
  assertEquals(await count(claimsOf(ordinal)), 7);
  await run(context, end + 3_600);
  assertEquals(await count(claimsOf(ordinal)), 0);
  await assertInOrder(kv, app, end + 3_600);
});

Deno.test("twenty processes that rotate at once leave exactly one key an epoch", async () => {
  const quick = applicationOf({ epochSeconds: 3_600 });
  await withEndpoint(async (_endpoint, open) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
    const contexts = await Promise.all(clients.map((client) => contextOn(client)));
    const kv = clients[0]!;
    for (const at of [NOW, NOW + 3_600, NOW + 9 * 3_600]) {
      await Promise.all(contexts.map((context) => run(context, at, [quick])));
      const epoch = Math.floor(at / 3_600);
      assertEquals(
        (await rowsOf(kv)).filter((row) => row.epoch >= epoch).map((row) => [row.epoch, row.generation]),
        [[epoch, 0], [epoch + 1, 0], [epoch + 2, 0], [epoch + 3, 0]],
      );
      await assertInOrder(kv, quick, at);
    }
  });
});

Deno.test("twenty real processes that rotate at once leave exactly one key an epoch", async () => {
  await withEndpoint(async (endpoint, open) => {
    const child = new URL("../../support/service/rotate_once.ts", import.meta.url).pathname;
    const processes = Array.from({ length: 20 }, () =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-net=127.0.0.1", "--allow-env", child, endpoint.url, String(NOW)],
        env: { DENO_KV_ACCESS_TOKEN: TOKEN },
      }).output());
    for (const { code, stderr } of await Promise.all(processes)) {
      assertEquals(code, 0, new TextDecoder().decode(stderr));
    }
    const kv = await open();
    assertEquals((await rowsOf(kv)).length, 4);
    await assertInOrder(kv, app, NOW);
  });
});

Deno.test("a replayed commit makes no second key", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    const context = await contextOn(kv);
    endpoint.faults.replayWrite = Infinity;
    endpoint.faults.unavailableAfterWrite = 0.3;
    await run(context, NOW);
    await assertInOrder(kv, app, NOW);
    assertEquals((await rowsOf(kv)).map((row) => row.generation), [0, 0, 0, 0]);
  });
});

/** What is done to the keys before the process is killed; each leaves work of another kind. */
const SCENES: Record<string, { at: number; act: (context: RotationContext) => Promise<unknown> }> = {
  "an empty store": { at: NOW, act: (context) => run(context, NOW) },
  "keys that are over": { at: NOW + 3 * DAY, act: (context) => run(context, NOW + 3 * DAY) },
  "a revocation": { at: NOW, act: (context) => revokeKeys(context, app, EPOCH, 0, NOW) },
  "an older sealing key": { at: NOW, act: (context) => run(context, NOW) },
};

for (const [scene, { at, act }] of Object.entries(SCENES)) {
  for (const landing of [false, true]) {
    const where = landing ? "right after" : "right before";
    Deno.test(`a process killed ${where} any commit on ${scene} leaves nothing that the next run does not mend`, async () => {
      let killed = true;
      let commits = 0;
      for (; killed; commits++) {
        using kv = await Deno.openKv(":memory:");
        const context = await contextOn(kv);
        if (scene !== "an empty store") {
          await run(context, NOW);
          await useKeys(kv);
        }
        const sealKeys = scene === "an older sealing key"
          ? [new Uint8Array(32).fill(8), new Uint8Array(32).fill(7)]
          : [new Uint8Array(32).fill(7)];
        const dying = await contextOn(dyingKv(kv, commits, landing), { sealKeys });
        // The store reports a dead database as unavailable, as it does every other failure.
        killed = await act(dying).then(() => false, (error) => {
          if (error instanceof Killed || error.code === "store_unavailable") return true;
          throw error;
        });
        await run(await contextOn(kv, { sealKeys }), at + 1);
        await assertInOrder(kv, app, at + 1);
        await run(await contextOn(kv, { sealKeys }), at + 3_602);
        await assertInOrder(kv, app, at + 3_602);
        assertEquals(await Array.fromAsync(kv.list(ENDED_KEYS.all())), []);
        const newest = await Sealer.of(sealKeys.slice(0, 1), platformRandom);
        for (const row of await rowsOf(kv)) if (!isZeroed(row)) await openSecret(newest, row);
      }
      assert(commits > 1, "the process was never killed");
    });
  }
}

Deno.test("a process whose clock is behind makes no key that has ended for others", async () => {
  using kv = await Deno.openKv(":memory:");
  const hourly = applicationOf({ epochSeconds: 3_600, overlapEpochs: 0 });
  const right = await contextOn(kv);
  await run(right, NOW, [hourly]);
  await run(right, NOW + 3_600, [hourly]);
  const before = await rowsOf(kv);
  const epoch = Math.floor(NOW / 3_600);
  assertEquals(before[0]!.epoch, epoch + 1);
  // An hour behind: its epoch is over for everybody else, and so is its key.
  const behind = await contextOn(kv);
  assertEquals(await createMissingKeys(behind, hourly, NOW), 0);
  assertEquals(await rowsOf(kv), before);
});

Deno.test("a process whose clock is ahead ends no name twice: what it ended early is not made again", async () => {
  using kv = await Deno.openKv(":memory:");
  const hourly = applicationOf({ epochSeconds: 3_600, overlapEpochs: 0 });
  const context = await contextOn(kv);
  await run(context, NOW, [hourly]);
  const first = (await rowsOf(kv))[0]!;
  await run(context, NOW + 3_600, [hourly]);
  await run(context, NOW, [hourly]);
  const again = (await rowsOf(kv)).filter((row) => row.epoch === first.epoch);
  assertEquals(again, []);
  await run(context, NOW + 3_600, [hourly]);
  await assertInOrder(kv, hourly, NOW + 3_600);
});

Deno.test("a change of the epoch's length brings keys of the new calendar and lets the old ones end in their time", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await run(context, NOW);
  const hourly = applicationOf({ epochSeconds: 3_600 });
  await run(context, NOW, [hourly]);
  const hour = Math.floor(NOW / 3_600);
  assertEquals((await rowsOf(kv)).map((row) => row.epoch), [
    ...[EPOCH, EPOCH + 1, EPOCH + 2, EPOCH + 3],
    ...[hour, hour + 1, hour + 2, hour + 3],
  ]);
  for (let at = NOW; at < NOW + 6 * DAY; at += 3_600) await run(context, at, [hourly]);
  await assertInOrder(kv, hourly, NOW + 6 * DAY - 3_600);
  assertEquals((await rowsOf(kv)).filter((row) => row.epoch <= EPOCH + 3), []);
  // And back.
  await run(context, NOW + 6 * DAY);
  assert((await rowsOf(kv)).some((row) => row.epoch === EPOCH + 6 && row.revokedAt === undefined));
});

/** Gives the pairs of a list in turn, then fresh ones. */
function suiteThatDraws(pairs: KeyPair[]): Suite {
  return {
    ...nobleRistretto255,
    generateKeyPair: (random) => pairs.shift() ?? nobleRistretto255.generateKeyPair(random),
  };
}

Deno.test("a key whose truncated id is taken is drawn again", async () => {
  using kv = await Deno.openKv(":memory:");
  const random = seededRandom(11).bytes;
  const byId = Map.groupBy(
    Array.from({ length: 1_200 }, () => nobleRistretto255.generateKeyPair(random)),
    (pair) => truncatedKeyId(tokenKeyId(pair.publicKey)),
  );
  const [crowded] = [...byId.values()].toSorted((a, b) => b.length - a.length);
  const [other] = [...byId.values()].filter((pairs) => pairs !== crowded);
  assert(crowded!.length >= 6);
  // Current, scheduled and (later) previous keys: all draw the same truncated id at first.
  const script = [crowded![0]!, crowded![1]!, crowded![2]!, other![0]!, crowded![3]!];
  const context = await contextOn(kv, { suite: suiteThatDraws(script) });
  await createMissingKeys(context, app, NOW);
  await assertInOrder(kv, app, NOW);
  const late = await contextOn(kv, { suite: suiteThatDraws([crowded![4]!, other![1]!]) });
  await createMissingKeys(late, app, NOW + DAY);
  await assertInOrder(kv, app, NOW + DAY);
  assertEquals((await rowsOf(kv)).length, 5);
});

Deno.test("createMissingKeys() gives up when no truncated id is free", async () => {
  using kv = await Deno.openKv(":memory:");
  const only = nobleRistretto255.generateKeyPair(platformRandom);
  const stuck: Suite = { ...nobleRistretto255, generateKeyPair: () => only };
  const context = await contextOn(kv, { suite: stuck });
  await assertRejects(() => createMissingKeys(context, app, NOW), Error, "free truncated id");
});

Deno.test("destroyOverKeys() leaves other regions' keys alone", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const elsewhere = { ...context, region: "eu", store: storeOver(kv) };
  assertEquals(await destroyOverKeys(elsewhere, NOW + 30 * DAY), 0);
  assertEquals((await rowsOf(kv)).length, 4);
});
