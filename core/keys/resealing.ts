/**
 * Changing sealing keys, and refusing the wrong ones before anything is written.
 *
 * @module
 */
import { equalPublic, utf8 } from "../base/bytes.ts";
import { SEAL_PROOFS, SIGNING_KEYS } from "./families.ts";
import type { Rows } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { isZeroed, type KeyRow, openSecret, sealSecret } from "./key_row.ts";
import { resealSecrets } from "./sealed_secret.ts";
import { type Sealer, SealError } from "./sealing.ts";

const PROOF_TEXT = utf8("DIT/1 seal proof");
const PROOF_CONTEXT = utf8("DIT/1 store");

/** What a run of {@linkcode resealKeys} found. */
export interface Resealing {
  /** Secrets, nearly all of them keys, that were sealed again. */
  readonly resealed: number;
  /** Secrets that do not open under any sealing key of this process. */
  readonly unreadable: number;
}

/** Seals under the newest sealing key what an older one sealed: keys and all other secrets of the store. Idempotent. */
export async function resealKeys(store: Store, sealer: Sealer): Promise<Resealing> {
  let { resealed, unreadable } = await resealSecrets(store, sealer);
  for await (const { key, value: row, stamp } of store.list<KeyRow>(SIGNING_KEYS.all())) {
    if (isZeroed(row) || sealer.isNewest(row.sealed)) continue;
    try {
      const { secretKey, pepper } = await openSecret(sealer, row);
      const sealed = await sealSecret(sealer, row, secretKey, pepper);
      const done = await store.commit((operation) =>
        operation.check({ key, stamp }).set(key, { ...row, sealed })
      );
      if (done !== undefined) resealed++;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      unreadable++;
    }
  }
  // The proof comes last: it says of all the others that they are done.
  if (unreadable === 0) await resealProof(store, sealer);
  return { resealed, unreadable };
}

async function resealProof(store: Store, sealer: Sealer): Promise<void> {
  const proof = await store.get<Uint8Array>(SEAL_PROOFS.key());
  if (proof.value === null || sealer.isNewest(proof.value)) return;
  const sealed = await sealer.seal(PROOF_TEXT, PROOF_CONTEXT);
  await store.commit((operation) => operation.check(proof).set(proof.key, sealed));
}

/** What of a store shows under which sealing keys it is. */
export interface SealedRows {
  /** Its keys. */
  readonly keys: readonly KeyRow[];
  /** The proof that the first process ever left there; null where there was none. */
  readonly proof: Uint8Array | null;
}

/** Reads it. */
export async function readSealed(rows: Rows): Promise<SealedRows> {
  const keys: KeyRow[] = [];
  for await (const { value } of rows.list<KeyRow>(SIGNING_KEYS.all())) keys.push(value);
  return { keys, proof: (await rows.get<Uint8Array>(SEAL_PROOFS.key())).value };
}

/**
 * Makes sure that every secret, and the proof where there is one, opens.
 * @throws {SealError} If something does not.
 */
export async function requireSealingKeys({ keys, proof }: SealedRows, sealer: Sealer): Promise<void> {
  for (const row of keys) if (!isZeroed(row)) await openSecret(sealer, row);
  if (proof === null) return;
  if (!equalPublic(await sealer.open(proof, PROOF_CONTEXT), PROOF_TEXT)) {
    throw new SealError("The store's proof of its sealing key is damaged.");
  }
}

/**
 * Makes sure that this process has the sealing keys of the store, so that a service with the wrong ones does not start:
 * it opens the proof that the first process ever left there, and every secret. Writes only the first proof, and that
 * before any key is made.
 * @throws {SealError} If something does not open.
 */
export async function proveSealingKeys(store: Store, sealer: Sealer): Promise<void> {
  const found = await readSealed(store);
  await requireSealingKeys(found, sealer);
  if (found.proof !== null) return;
  const sealed = await sealer.seal(PROOF_TEXT, PROOF_CONTEXT);
  const key = SEAL_PROOFS.key();
  await store.commit((operation) => operation.check({ key, stamp: null }).set(key, sealed));
  // Another process may have been faster, with other sealing keys.
  const { value } = await store.get<Uint8Array>(key);
  await requireSealingKeys({ keys: [], proof: value ?? new Uint8Array() }, sealer);
}
