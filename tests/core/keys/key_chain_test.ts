import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { toBase64url } from "../../../core/base/bytes.ts";
import { renewKeys } from "../../../core/keys/after_restore.ts";
import { KEY_CHAINS, KEY_LEAVES } from "../../../core/keys/families.ts";
import {
  forgetLeaves,
  KeyHistories,
  linkOldKeys,
  MAX_LEAVES,
  readStretch,
} from "../../../core/keys/key_chain.ts";
import type { KeyRow } from "../../../core/keys/key_row.ts";
import { maintainKeys } from "../../../core/keys/maintenance.ts";
import { replaceIssuingKey, revokeKeys } from "../../../core/keys/replacement.ts";
import { restartChain, takeUpChain } from "../../../core/keys/restored_chain.ts";
import { createMissingKeys, readKeyRows } from "../../../core/keys/rotation.ts";
import { keyLeaf, LINK_LENGTH, nextLink } from "../../../core/token/key_chain.ts";
import { applicationOf, contextOn, EPOCH, NOW, rowsOf } from "../../support/service/keys.ts";

const app = applicationOf();
const DAY = 86_400;

/** The leaf of a row of ristretto255. */
function leafOf(row: KeyRow): Uint8Array {
  return keyLeaf(row.app, { ...row, tokenType: 5, publicKey: toBase64url(row.publicKey) });
}

/** Walks a region's rows and holds each against its link. */
async function assertChained(kv: Deno.Kv): Promise<void> {
  const context = await contextOn(kv);
  const { first, before, leaves } = (await readStretch(context, app.id))!;
  const rows = (await rowsOf(kv)).toSorted((a, b) => a.chain!.number - b.chain!.number);
  const numbers = new Set(rows.map((row) => row.chain!.number));
  assertEquals(numbers.size, rows.length, "two keys have one number");
  let link = before;
  for (const [at, leaf] of leaves.entries()) {
    link = nextLink(link, leaf);
    const row = rows.find(({ chain }) => chain!.number === first + at);
    if (row === undefined) continue;
    assertEquals(leafOf(row), leaf);
    assertEquals(row.chain!.link, link);
  }
  const head = (await kv.get<{ link: Uint8Array; number: number }>(KEY_CHAINS.key(app.id, "local"))).value!;
  assertEquals(head, { number: first + leaves.length - 1, link });
}

Deno.test("keyLeaf() and nextLink() are those of docs/protocol.md, section 7", () => {
  const key = {
    tokenType: 5,
    publicKey: "4mSi3Ru9F3zMG9M4AF8-X-FV4oG8hDFPMIj-8Jv8dAE",
    region: "local",
    epoch: 20_779,
    generation: 0,
    notBefore: 1_795_305_600,
    issueUntil: 1_795_392_000,
    redeemUntil: 1_795_478_400,
  };
  const leaf = keyLeaf("demo", key);
  assertEquals(toBase64url(leaf), "SLUNCXtAzMKSqzOHS4MjZ_OgCA_jVX-HuHyuu-a5V2s");
  assertEquals(
    toBase64url(nextLink(new Uint8Array(LINK_LENGTH), leaf)),
    "k6e3hFlywCMjuuazHNniF4utY5_U2KrKuwwlPQDIGXU",
  );
});

Deno.test("each key gets its link in the commit that makes it, those that end keep theirs", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  await assertChained(kv);
  await replaceIssuingKey(context, app, NOW);
  await revokeKeys(context, app, EPOCH + 1, 0, NOW);
  await assertChained(kv);
  const before = await readStretch(context, app.id);
  assertEquals(before!.leaves.length, 6);
  for (let day = 1; day < 9; day++) await maintainKeys(context, [app], NOW + day * DAY);
  await assertChained(kv);
  const after = await readStretch(context, app.id);
  assertEquals(after!.leaves.slice(0, 6), before!.leaves);
  assertEquals(after!.leaves.length, 14);
});

Deno.test("processes that make keys at the same time cannot let the chain fork", async () => {
  using kv = await Deno.openKv(":memory:");
  const contexts = await Promise.all(Array.from({ length: 8 }, () => contextOn(kv)));
  await Promise.all(contexts.map((context) => createMissingKeys(context, app, NOW)));
  await Promise.all(
    contexts.map((context, at) =>
      at % 2 === 0
        ? createMissingKeys(context, app, NOW + DAY)
        : revokeKeys(context, app, EPOCH + 1 + at % 3, 0, NOW)
    ),
  );
  await assertChained(kv);
  const { leaves } = (await readStretch(contexts[0]!, app.id))!;
  assertEquals(leaves.length, (await rowsOf(kv)).length);
});

Deno.test("keys of a store from before there were chains are linked, once, and the next one follows them", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  for await (const { key, value } of kv.list<KeyRow>({ prefix: ["k"] })) {
    const { chain: _, ...old } = value;
    await kv.set(key, old);
  }
  for await (const { key } of kv.list({ prefix: ["kl"] })) await kv.delete(key);
  await kv.delete(KEY_CHAINS.key(app.id, "local"));

  const rows = await readKeyRows(context.store, app.id, "local");
  await Promise.all([linkOldKeys(context, rows), linkOldKeys(await contextOn(kv), rows)]);
  await assertChained(kv);
  const linked = await Array.fromAsync(kv.list({ prefix: [] }));
  await createMissingKeys(context, app, NOW);
  assertEquals(await Array.fromAsync(kv.list({ prefix: [] })), linked);
  await createMissingKeys(context, app, NOW + DAY);
  await assertChained(kv);
  assertEquals((await readStretch(context, app.id))!.leaves.length, 5);
});

/** What a backup of a day ago lacks: it is put back, and keys are made in it. Gives the stretches of before and after. */
async function restore(
  mend: (
    context: Awaited<ReturnType<typeof contextOn>>,
    published: { stretch: Awaited<ReturnType<typeof readStretch>> },
  ) => Promise<unknown>,
) {
  using lost = await Deno.openKv(":memory:");
  using restored = await Deno.openKv(":memory:");
  const [before, after] = [await contextOn(lost), await contextOn(restored)];
  await createMissingKeys(before, app, NOW);
  for await (const { key, value } of lost.list({ prefix: [] })) await restored.set(key, value);
  await createMissingKeys(before, app, NOW + DAY);
  await replaceIssuingKey(before, app, NOW + DAY);
  const stretch = (await readStretch(before, app.id))!;
  await mend(after, { stretch });
  await renewKeys(after, app, NOW + DAY, () => 1);
  await assertChained(restored);
  return { published: stretch, restored: (await readStretch(after, app.id))! };
}

Deno.test("a restored store gives no number that was published a second link", async () => {
  const { published, restored } = await restore((context) => restartChain(context, app.id, NOW + DAY));
  assert(restored.first > published.first + published.leaves.length);
  assertEquals(restored.before, new Uint8Array(LINK_LENGTH));
});

Deno.test("a restored store goes on from the chain that was published", async () => {
  const { published, restored } = await restore(async (context, { stretch }) => {
    assertEquals(await takeUpChain(context, app.id, stretch!), true);
  });
  assertEquals(restored.first, published.first);
  assertEquals(restored.leaves.slice(0, published.leaves.length), published.leaves);
  assert(restored.leaves.length > published.leaves.length);
});

Deno.test("a restored store does not take up a chain that is another, or ends before its own", async () => {
  await restore(async (context, { stretch }) => {
    const { leaves } = stretch!;
    const other = { ...stretch!, leaves: [new Uint8Array(LINK_LENGTH), ...leaves.slice(1)] };
    const older = { ...stretch!, leaves: leaves.slice(0, 2) };
    for (const published of [other, older]) {
      assertEquals(await takeUpChain(context, app.id, published), false);
    }
    await restartChain(context, app.id, NOW + DAY);
  });
});

Deno.test("a history is made anew when its chain has grown, and has at most 4,096 leaves", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  const histories = new KeyHistories(context);
  const first = await histories.of(app.id);
  assertEquals(await histories.of(app.id), first);
  await createMissingKeys(context, app, NOW + DAY);
  assertNotEquals((await histories.of(app.id)).etag, first.etag);

  const head = (await kv.get<{ number: number }>(KEY_CHAINS.key(app.id, "local"))).value!;
  const leaf = { before: new Uint8Array(LINK_LENGTH), leaf: new Uint8Array(LINK_LENGTH) };
  let batch = kv.atomic();
  for (let ahead = 1; ahead <= MAX_LEAVES; ahead++) {
    batch.set(KEY_LEAVES.key(app.id, "local", head.number + ahead), leaf);
    if (ahead % 512 === 0) {
      await batch.commit();
      batch = kv.atomic();
    }
  }
  await kv.set(KEY_CHAINS.key(app.id, "local"), { ...head, number: head.number + MAX_LEAVES });
  const { first: oldest, leaves } = (await readStretch(context, app.id))!;
  assertEquals([oldest, leaves.length], [head.number + 1, MAX_LEAVES]);
  await forgetLeaves(context);
  assertEquals((await Array.fromAsync(kv.list({ prefix: ["kl"] }))).length, MAX_LEAVES);
});
