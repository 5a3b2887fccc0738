/**
 * Seals what must never lie in the store in the clear: AES-256-GCM (NIST SP 800-38D) under keys that the operator holds,
 * bound to the place that the secret belongs to. The newest key seals; older ones only open, so that sealing keys can
 * be changed without downtime.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalPublic } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";

const KEY_LENGTH = 32;
const NAME_LENGTH = 4;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
/** Bytes that sealing adds: the key's name, the initialisation vector, the tag. */
export const SEAL_OVERHEAD: number = NAME_LENGTH + IV_LENGTH + TAG_LENGTH;

/** Something could not be opened: sealed under a key that is not configured, for another place, or damaged. */
export class SealError extends Error {
  override readonly name = "SealError";
}

interface SealingKey {
  readonly name: Uint8Array;
  readonly key: CryptoKey;
}

/** Seals and opens under a list of keys, newest first. */
export class Sealer {
  readonly #keys: readonly SealingKey[];
  readonly #newest: SealingKey;
  readonly #random: RandomSource;

  private constructor(newest: SealingKey, older: readonly SealingKey[], random: RandomSource) {
    this.#keys = [newest, ...older];
    this.#newest = newest;
    this.#random = random;
  }

  /**
   * Makes a sealer of keys of 32 bytes, newest first.
   * @throws {SealError} If there is none, or one has another length.
   */
  static async of(keys: readonly Uint8Array<ArrayBuffer>[], random: RandomSource): Promise<Sealer> {
    if (keys.some((key) => key.length !== KEY_LENGTH)) {
      throw new SealError(`A sealing key has not exactly ${KEY_LENGTH} bytes.`);
    }
    const [newest, ...older] = await Promise.all(keys.map(async (key) => ({
      // The name tells which key sealed a secret; a digest under a label of its own gives nothing of the key away.
      name: sha256(concat(new TextEncoder().encode("DIT/1 seal name"), key)).slice(0, NAME_LENGTH),
      key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]),
    })));
    if (newest === undefined) throw new SealError("There is no sealing key.");
    return new Sealer(newest, older, random);
  }

  /** Seals `plaintext` for the place that `context` names: SEAL_OVERHEAD bytes longer. */
  async seal(plaintext: Uint8Array<ArrayBuffer>, context: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const { name, key } = this.#newest;
    const iv = this.#random(IV_LENGTH);
    const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: context }, key, plaintext);
    return concat(name, iv, new Uint8Array(box));
  }

  /**
   * Opens what was sealed for `context`.
   * @throws {SealError} If no configured key opens it.
   */
  async open(sealed: Uint8Array, context: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const key = this.#keys.find(({ name }) => equalPublic(name, sealed.subarray(0, NAME_LENGTH)));
    if (key === undefined || sealed.length < SEAL_OVERHEAD) {
      throw new SealError(
        "A secret in the store is sealed under a key that DIT_SEAL_KEYS does not hold: add it as the last one, or set " +
          "DIT_KV to another store.",
      );
    }
    const iv = sealed.slice(NAME_LENGTH, NAME_LENGTH + IV_LENGTH);
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(
          { name: "AES-GCM", iv, additionalData: context },
          key.key,
          sealed.slice(NAME_LENGTH + IV_LENGTH),
        ),
      );
    } catch {
      throw new SealError("A secret in the store does not open: it is damaged or belongs to another place.");
    }
  }

  /** Whether `sealed` is under the newest key. */
  isNewest(sealed: Uint8Array): boolean {
    return equalPublic(this.#newest.name, sealed.subarray(0, NAME_LENGTH));
  }
}
