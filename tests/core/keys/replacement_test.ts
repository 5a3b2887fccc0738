import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { isZeroed } from "../../../core/keys/key_row.ts";
import { replaceIssuingKey, revokeKeys } from "../../../core/keys/replacement.ts";
import { createMissingKeys, destroyOverKeys } from "../../../core/keys/rotation.ts";
import { ALIVE_KEYS, SIGNING_KEYS } from "../../../core/keys/families.ts";
import { applicationOf, assertInOrder, contextOn, EPOCH, NOW, rowsOf } from "../../support/service/keys.ts";
import { until, withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const app = applicationOf();

const names = async (kv: Deno.Kv) =>
  (await rowsOf(kv)).filter((row) => row.epoch === EPOCH).map((row) =>
    `${row.generation}${row.revokedAt === undefined ? "" : " revoked"}`
  );

async function assertRefused(work: Promise<unknown>, code: string): Promise<void> {
  assertEquals((await assertRejects(() => work, Refusal)).code, code);
}

Deno.test("replaceIssuingKey() starts the next generation and leaves the key before it to redeem", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const name = await replaceIssuingKey(context, app, NOW);
  assertEquals(name, { app: "notes", region: "local", epoch: EPOCH, generation: 1 });
  assertEquals(await names(kv), ["0", "1"]);
  await assertInOrder(kv, app, NOW);
});

Deno.test("replaceIssuingKey() refuses a replacement that no client would accept", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  await replaceIssuingKey(context, app, NOW);
  await replaceIssuingKey(context, app, NOW);
  await assertRefused(replaceIssuingKey(context, app, NOW), "replacement_refused");
  assertEquals(await names(kv), ["0", "1", "2"]);
});

Deno.test("ten replaceIssuingKey() at once, each commit replayed, leave no gap and no double", async () => {
  await withEndpoint(async (endpoint, open) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => open()));
    const contexts = await Promise.all(clients.map((client) => contextOn(client)));
    await createMissingKeys(contexts[0]!, app, NOW);
    endpoint.faults.replayWrite = Infinity;
    const outcomes = await Promise.allSettled(
      contexts.map((context) => replaceIssuingKey(context, app, NOW)),
    );
    // Those that looked when one was made already have asked for one more.
    const made = outcomes.filter((outcome) => outcome.status === "fulfilled")
      .map(({ value }) => String(value.generation));
    assertEquals(await names(clients[0]!), ["0", ...new Set(made.toSorted())]);
    await assertInOrder(clients[0]!, app, NOW);
  });
});

Deno.test("revokeKeys() ends a key at once and starts the next generation in the same commit", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const { ordinal } = (await rowsOf(kv))[0]!;
  assertEquals(await revokeKeys(context, app, EPOCH, 0, NOW), {
    revoked: [{ app: "notes", region: "local", epoch: EPOCH, generation: 0 }],
    replacement: { app: "notes", region: "local", epoch: EPOCH, generation: 1 },
  });
  const [revoked, next] = await rowsOf(kv);
  assert(isZeroed(revoked!));
  assertEquals((await kv.get(ALIVE_KEYS.key(ordinal))).versionstamp, null);
  const versions = await kv.getMany([
    SIGNING_KEYS.key("notes", "local", EPOCH, 0),
    SIGNING_KEYS.key("notes", "local", EPOCH, 1),
    ALIVE_KEYS.key(next!.ordinal),
  ]);
  assertEquals(new Set(versions.map(({ versionstamp }) => versionstamp)).size, 1);
  await assertInOrder(kv, app, NOW);
});

Deno.test("revokeKeys() may be repeated: its replacement is not revoked", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const first = await revokeKeys(context, app, EPOCH, 0, NOW);
  assertEquals(await revokeKeys(context, app, EPOCH, 0, NOW + 5), first);
  assertEquals(await names(kv), ["0 revoked", "1"]);
});

Deno.test("revokeKeys() whose commit is replayed or answered 503 revokes once", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    const context = await contextOn(kv);
    await createMissingKeys(context, app, NOW);
    endpoint.faults.unavailableAfterWrite = 1;
    endpoint.faults.replayWrite = Infinity;
    await revokeKeys(context, app, EPOCH, 0, NOW);
    await until(() => endpoint.faults.unavailableAfterWrite === 0);
    assertEquals(await names(kv), ["0 revoked", "1"]);
  });
});

Deno.test("revokeKeys() of an epoch in its overlap makes no replacement", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const later = NOW + 86_400;
  await createMissingKeys(context, app, later);
  assertEquals(Object.keys(await revokeKeys(context, app, EPOCH, 0, later)), ["revoked"]);
  assertEquals(await names(kv), ["0 revoked"]);
  await createMissingKeys(context, app, later);
  assertEquals(await names(kv), ["0 revoked"]);
});

Deno.test("revokeKeys() of a scheduled epoch replaces its key before anybody used it", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const { replacement } = await revokeKeys(context, app, EPOCH + 2, 0, NOW);
  assertEquals(replacement?.generation, 1);
  await assertInOrder(kv, app, NOW);
});

Deno.test("revokeKeys() takes every generation up to the one it is given", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  await replaceIssuingKey(context, app, NOW);
  const { revoked, replacement } = await revokeKeys(context, app, EPOCH, 1, NOW);
  assertEquals([revoked.length, replacement?.generation], [2, 2]);
  // A revocation is never refused, though clients will wait for the next epoch.
  assertEquals((await revokeKeys(context, app, EPOCH, 2, NOW)).replacement?.generation, 3);
  await assertInOrder(kv, app, NOW);
});

Deno.test("revokeKeys() of a generation that nobody has made is refused, however often, and ends nothing", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  for (let call = 0; call < 3; call++) {
    await assertRefused(revokeKeys(context, app, EPOCH, 7, NOW), "generation_unknown");
  }
  assertEquals(await names(kv), ["0"]);
  // A race of a right call and of one that reaches beyond it ends what the right one names.
  const both = await Promise.allSettled(
    [0, 2].map((through) => revokeKeys(context, app, EPOCH, through, NOW)),
  );
  assertEquals(both.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(await names(kv), ["0 revoked", "1"]);
});

Deno.test("ten revokeKeys() at once, each commit replayed, end one key and make one", async () => {
  await withEndpoint(async (endpoint, open) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => open()));
    const contexts = await Promise.all(clients.map((client) => contextOn(client)));
    await createMissingKeys(contexts[0]!, app, NOW);
    endpoint.faults.replayWrite = Infinity;
    const answers = await Promise.all(contexts.map((context) => revokeKeys(context, app, EPOCH, 0, NOW)));
    assertEquals(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
    assertEquals(await names(clients[0]!), ["0 revoked", "1"]);
  });
});

Deno.test("replaceIssuingKey() of a named key may be repeated, and makes that one alone", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const named = { epoch: EPOCH, generation: 1 };
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => replaceIssuingKey(context, app, NOW, named)),
  );
  assertEquals(answers, Array(5).fill({ app: "notes", region: "local", ...named }));
  assertEquals(await replaceIssuingKey(context, app, NOW + 86_400, named), answers[0]);
  assertEquals(await names(kv), ["0", "1"]);
  for (
    const wrong of [{ epoch: EPOCH, generation: 3 }, { epoch: EPOCH, generation: 0 }, {
      epoch: 7,
      generation: 1,
    }]
  ) {
    await assertRefused(replaceIssuingKey(context, app, NOW, wrong), "replacement_refused");
  }
  assertEquals(await names(kv), ["0", "1"]);
});

Deno.test("revokeKeys() of an epoch without a key says so", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  await assertRefused(revokeKeys(context, app, EPOCH - 9, 0, NOW), "epoch_unknown");
});

Deno.test("keys that a clock ahead of its time ended are made again under names of their own, also after the overlap grew", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  const short = applicationOf({ overlapEpochs: 0 });
  await createMissingKeys(context, short, NOW);
  await destroyOverKeys(context, NOW + 2 * 86_400);
  assertEquals((await rowsOf(kv)).map(({ epoch }) => epoch), [EPOCH + 2, EPOCH + 3]);
  // By the new calendar they would not have ended: this process has no way to know that they have.
  await createMissingKeys(context, applicationOf({ overlapEpochs: 2 }), NOW);
  assertEquals((await rowsOf(kv)).map(({ epoch, generation }) => [epoch - EPOCH, generation]), [
    [0, 1],
    [1, 1],
    [2, 0],
    [3, 0],
  ]);
});
