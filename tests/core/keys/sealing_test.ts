import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { utf8 } from "../../../core/base/bytes.ts";
import { type KeyRow, openSecret, sealSecret } from "../../../core/keys/key_row.ts";
import { proveSealingKeys, resealKeys } from "../../../core/keys/resealing.ts";
import { createMissingKeys } from "../../../core/keys/rotation.ts";
import { CLIENT_SECRET, MONITOR_SECRET, openSealedSecret } from "../../../core/keys/sealed_secret.ts";
import { SEAL_OVERHEAD, Sealer, SealError } from "../../../core/keys/sealing.ts";
import { SEAL_PROOFS } from "../../../core/keys/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { applicationOf, contextOn, NOW, platformRandom, rowsOf } from "../../support/service/keys.ts";

const [OLD, NEW, FOREIGN] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];
const sealer = (...keys: Uint8Array<ArrayBuffer>[]) => Sealer.of(keys, platformRandom);
const app = applicationOf();
const snapshot = (kv: Deno.Kv) => Array.fromAsync(kv.list({ prefix: [] }));

Deno.test("Sealer opens what it sealed, and the same text never looks the same twice", async () => {
  const seal = await sealer(OLD);
  const [text, place] = [utf8("secret"), utf8("place")];
  const first = await seal.seal(text, place);
  assertEquals(await seal.open(first, place), text);
  assertEquals(first.length, text.length + SEAL_OVERHEAD);
  assertNotEquals(await seal.seal(text, place), first);
});

Deno.test("Sealer refuses every changed byte, another place, another key and a cut", async () => {
  const seal = await sealer(OLD);
  const sealed = await seal.seal(utf8("secret"), utf8("place"));
  for (let index = 0; index < sealed.length; index++) {
    const changed = sealed.slice();
    changed[index]! ^= 1;
    await assertRejects(() => seal.open(changed, utf8("place")), SealError);
  }
  await assertRejects(() => seal.open(sealed, utf8("places")), SealError);
  for (let length = 0; length < sealed.length; length++) {
    await assertRejects(() => seal.open(sealed.slice(0, length), utf8("place")), SealError);
  }
  const other = await sealer(FOREIGN);
  await assertRejects(() => other.open(sealed, utf8("place")), SealError, "DIT_SEAL_KEYS does not hold");
});

Deno.test("Sealer.of() refuses no key and a key of another length", async () => {
  await assertRejects(() => sealer(), SealError, "no sealing key");
  await assertRejects(() => sealer(new Uint8Array(31)), SealError, "32 bytes");
});

Deno.test("a secret that is moved to another app, region, epoch or generation does not open", async () => {
  const seal = await sealer(OLD);
  const name = { app: "notes", region: "local", epoch: 7, generation: 0 };
  const secretKey = platformRandom(32);
  const pepper = platformRandom(32);
  const sealed = await sealSecret(seal, name, secretKey, pepper);
  const row = { ...name, sealed } as KeyRow;
  assertEquals(await openSecret(seal, row), { secretKey, pepper });
  for (const change of [{ app: "other" }, { region: "eu" }, { epoch: 8 }, { generation: 1 }]) {
    await assertRejects(() => openSecret(seal, { ...row, ...change }), SealError, "another place");
  }
});

Deno.test("the store never holds a secret in the clear", async () => {
  using kv = await Deno.openKv(":memory:");
  const context = await contextOn(kv);
  await createMissingKeys(context, app, NOW);
  for (const row of await rowsOf(kv)) {
    const { secretKey, pepper } = await openSecret(context.sealer, row);
    const bytes = row.sealed.toHex();
    assert(!bytes.includes(secretKey.toHex()) && !bytes.includes(pepper.toHex()));
    assertEquals(row.sealed.length, 64 + SEAL_OVERHEAD);
  }
});

Deno.test("resealKeys() seals everything under the newest key, after which the old one is needed no more", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  await proveSealingKeys(store, await sealer(OLD));
  await createMissingKeys(await contextOn(kv, { sealKeys: [OLD] }), app, NOW);
  const secrets = async (seal: Sealer) => Promise.all((await rowsOf(kv)).map((row) => openSecret(seal, row)));
  const before = await secrets(await sealer(OLD));
  await assertRejects(async () => proveSealingKeys(store, await sealer(NEW)), SealError);
  const both = await sealer(NEW, OLD);
  await proveSealingKeys(store, both);
  assertEquals(await resealKeys(store, both), { resealed: 4, unreadable: 0 });
  assertEquals(await resealKeys(store, both), { resealed: 0, unreadable: 0 });
  const newest = await sealer(NEW);
  await proveSealingKeys(store, newest);
  assertEquals(await secrets(newest), before);
  await assertRejects(async () => proveSealingKeys(store, await sealer(OLD)), SealError);
});

Deno.test("resealKeys() counts what it cannot open and leaves it, and the proof, as they are", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  await proveSealingKeys(store, await sealer(OLD));
  await createMissingKeys(await contextOn(kv, { sealKeys: [OLD] }), app, NOW);
  await createMissingKeys(await contextOn(kv, { sealKeys: [FOREIGN] }), app, NOW + 86_400);
  const proof = await kv.get(SEAL_PROOFS.key());
  assertEquals(await resealKeys(store, await sealer(NEW, OLD)), { resealed: 4, unreadable: 1 });
  assertEquals(await kv.get(SEAL_PROOFS.key()), proof);
});

Deno.test("proveSealingKeys() with the wrong key refuses and leaves the store untouched", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  await proveSealingKeys(store, await sealer(OLD));
  await createMissingKeys(await contextOn(kv, { sealKeys: [OLD] }), app, NOW);
  const before = await snapshot(kv);
  await assertRejects(async () => proveSealingKeys(store, await sealer(FOREIGN)), SealError);
  assertEquals(await snapshot(kv), before);
});

Deno.test("of two deployments with different sealing keys on one empty store, one starts", async () => {
  for (let round = 0; round < 20; round++) {
    using kv = await Deno.openKv(":memory:");
    const outcomes = await Promise.allSettled(
      [OLD, FOREIGN].map(async (key) => proveSealingKeys(storeOver(kv), await sealer(key))),
    );
    assertEquals(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const refused = outcomes.find((outcome) => outcome.status === "rejected")!;
    assert(refused.reason instanceof SealError);
    // And the same one again: the other never gets to make a key.
    const again = await Promise.allSettled(
      [OLD, FOREIGN].map(async (key) => proveSealingKeys(storeOver(kv), await sealer(key))),
    );
    assertEquals(again.map(({ status }) => status), outcomes.map(({ status }) => status));
    assertEquals((await snapshot(kv)).length, 1);
  }
});

Deno.test("resealKeys() takes along the store's other secrets, which stay what they are", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  const open = (seal: Sealer) =>
    Promise.all(
      [MONITOR_SECRET, CLIENT_SECRET].map((name) => openSealedSecret(store, seal, platformRandom, name)),
    );
  const before = await open(await sealer(OLD));
  assertNotEquals(before[0], before[1]);
  assertEquals(await resealKeys(store, await sealer(FOREIGN)), { resealed: 0, unreadable: 2 });
  assertEquals(await resealKeys(store, await sealer(NEW, OLD)), { resealed: 2, unreadable: 0 });
  assertEquals(await open(await sealer(NEW)), before);
  await assertRejects(async () => open(await sealer(OLD)), SealError);
  // Many processes that open one at once make one.
  await kv.delete(CLIENT_SECRET.key);
  const seal = await sealer(NEW);
  const made = await Promise.all(
    Array.from({ length: 10 }, () => openSealedSecret(store, seal, platformRandom, CLIENT_SECRET)),
  );
  assertEquals(new Set(made.map((secret) => secret.toHex())).size, 1);
});
