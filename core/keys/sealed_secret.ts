/**
 * Secrets of a store besides its signing keys: made once, the same for every process, and sealed, so that the store
 * without the sealing keys gives nothing away.
 *
 * @module
 */
import { utf8 } from "../base/bytes.ts";
import { CLIENT_SECRETS, MONITOR_SECRETS } from "./families.ts";
import type { Key } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import type { RandomSource } from "../base/random.ts";
import { type Sealer, SealError } from "./sealing.ts";

/** Bytes of such a secret. */
const SECRET_LENGTH = 32;

/** Which secret, and the label that binds its seal to its place. */
interface SecretName {
  readonly key: Key;
  readonly label: string;
}

/** From which the risk sketches' hash keys are derived: without it no guess can be tested against a sketch. */
export const MONITOR_SECRET: SecretName = {
  key: MONITOR_SECRETS.key(),
  label: "DIT/1 monitor secret",
};
/** On a log server: under which it tells an ACS elsewhere of its clients. */
export const CLIENT_SECRET: SecretName = { key: CLIENT_SECRETS.key(), label: "DIT/1 client secret" };

/**
 * Opens a secret of 32 bytes, or makes it. Under a new sealing key it is sealed again.
 * @throws {SealError} If it is sealed under a key that is not configured.
 */
export async function openSealedSecret(
  store: Store,
  sealer: Sealer,
  random: RandomSource,
  { key, label }: SecretName,
): Promise<Uint8Array> {
  // A process that is overtaken opens what the other one wrote.
  const { result } = await store.update<Uint8Array, Uint8Array>(key, async (row, commit) => {
    const secret = row.value === null ? random(SECRET_LENGTH) : await sealer.open(row.value, utf8(label));
    const isNewest = row.value !== null && sealer.isNewest(row.value);
    if (!isNewest) commit.set(row.key, await sealer.seal(secret, utf8(label)));
    return secret;
  });
  return result;
}

/** Seals under the newest sealing key what is there. Gives how many it sealed again, and how many do not open. */
export async function resealSecrets(
  store: Store,
  sealer: Sealer,
): Promise<{ resealed: number; unreadable: number }> {
  const count = { resealed: 0, unreadable: 0 };
  for (const { key, label } of [MONITOR_SECRET, CLIENT_SECRET]) {
    const row = await store.get<Uint8Array>(key);
    if (row.value === null || sealer.isNewest(row.value)) continue;
    try {
      const sealed = await sealer.seal(await sealer.open(row.value, utf8(label)), utf8(label));
      const done = await store.commit((operation) => operation.check(row).set(row.key, sealed));
      if (done !== undefined) count.resealed++;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      count.unreadable++;
    }
  }
  return count;
}
