/**
 * A ledger in memory for tests of what reads it: keys, and claims with their records as requests leave them.
 *
 * @module
 */
import { concat, u32, utf8 } from "../../../core/base/bytes.ts";
import type { KeyRow } from "../../../core/keys/key_row.ts";
import { destroyOverKeys, type RotationContext } from "../../../core/keys/rotation.ts";
import { Committer } from "../../../core/ledger/committer.ts";
import { ALIVE_KEYS, SIGNING_KEYS } from "../../../core/keys/families.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { Guard } from "../../../core/store/claims.ts";
import type { Store } from "../../../core/store/store.ts";
import { setRow } from "./rows.ts";

/** Cryptographic randomness. */
export const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** A ledger of the applications `demo` (keys 1 and 2) and `other` (key 3). */
export interface Ledger {
  readonly store: Store;
  /** What the store lies on. */
  readonly kv: Deno.Kv;
  readonly committer: Committer;
  /** Claims uses of one token of a key and stores their records, in as many commits as `commits` says. */
  add(
    wish: { ordinal?: number; day?: number; uses: number; commits?: number; records?: boolean },
  ): Promise<void>;
}

/** The day on which claims arrive unless a test says another. */
export const DAY = 20_000;

const OWNERS: Record<number, string> = { 1: "demo", 2: "demo", 3: "other" };

/** Runs a test on a ledger of its own. */
export async function withLedger(run: (ledger: Ledger) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  const committer = new Committer(store, random);
  const alive = new Map<number, Guard>();
  try {
    for (const [text, app] of Object.entries(OWNERS)) {
      const ordinal = Number(text);
      await setRow(store, SIGNING_KEYS.key(app, "local", ordinal, 0), keyRow(app, ordinal));
      const key = ALIVE_KEYS.key(ordinal);
      alive.set(ordinal, { key, stamp: await setRow(store, key, true) });
    }
    await run({
      store,
      kv,
      committer,
      async add({ ordinal = 1, day = DAY, uses, commits = 1, records = true }) {
        const guard = alive.get(ordinal);
        if (guard === undefined) throw new Error(`There is no key ${ordinal}.`);
        for (let commit = 0; commit < commits; commit++) {
          const token = random(16);
          const claims = Array.from({ length: uses }, (_, use) => ({
            id: claimId(ordinal, token, use),
            tag: concat(u32(use), new Uint8Array(12)),
            guard,
            app: OWNERS[ordinal]!,
            day,
            ...(records ? { record: utf8(JSON.stringify({ pseudonym: random(16).toHex(), use })) } : {}),
          }));
          await Promise.all(claims.map((claim) => committer.submit(claim)));
        }
      },
    });
  } finally {
    store.close();
  }
}

function keyRow(app: string, ordinal: number): KeyRow {
  return {
    app,
    region: "local",
    epoch: ordinal,
    generation: 0,
    notBefore: (DAY - 1) * 86_400,
    issueUntil: (DAY + 1) * 86_400,
    redeemUntil: (DAY + 2) * 86_400,
    ordinal,
    suite: "ristretto255-SHA512",
    publicKey: random(32),
    sealed: random(100),
    usesPerToken: 64,
    tokensPerClient: 4,
  };
}

/** Ends the keys of `demo`, as rotation does at `nowSeconds`. Their claims stay until they are swept. */
export async function endKeys({ store }: Pick<Ledger, "store">, nowSeconds: number): Promise<void> {
  await destroyOverKeys(
    { store, region: "local", confirmedSeconds: () => Infinity } as RotationContext,
    nowSeconds,
    "demo",
  );
}
