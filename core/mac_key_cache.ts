/**
 * MAC keys of tokens that have been used, so that the second and later uses of a token cost an HMAC and no curve
 * arithmetic. Memory is only a cache: losing it costs time, never correctness.
 *
 * @module
 */
import { binaryText } from "./bytes.ts";

/**
 * A bounded least-recently-used map from (key, nonce) to MAC key. It takes and gives copies: what it overwrites in the
 * end is nobody else's, least of all one that is on its way to another server.
 */
export class MacKeyCache {
  readonly #entries = new Map<string, Uint8Array>();

  /** Holds at most `capacity` MAC keys; 50,000 by default (some 10 MB). */
  constructor(private readonly capacity = 50_000) {}

  /** The MAC key of a token whose MAC has verified before. */
  get(ordinal: number, nonce: Uint8Array): Uint8Array | undefined {
    const name = nameOf(ordinal, nonce);
    const macKey = this.#entries.get(name);
    if (macKey === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, macKey);
    return macKey.slice();
  }

  /** Remembers a MAC key. Only after a MAC has verified under it: any nonce evaluates to some key. */
  set(ordinal: number, nonce: Uint8Array, macKey: Uint8Array): void {
    const name = nameOf(ordinal, nonce);
    this.#drop(name);
    this.#entries.set(name, macKey.slice());
    if (this.#entries.size <= this.capacity) return;
    const [oldest] = this.#entries.keys();
    this.#drop(oldest!);
  }

  /** Forgets all MAC keys of a signing key, overwriting them. */
  clear(ordinal: number): void {
    const prefix = `${ordinal} `;
    for (const name of this.#entries.keys()) if (name.startsWith(prefix)) this.#drop(name);
  }

  /** How many it holds. */
  get size(): number {
    return this.#entries.size;
  }

  #drop(name: string): void {
    this.#entries.get(name)?.fill(0);
    this.#entries.delete(name);
  }
}

function nameOf(ordinal: number, nonce: Uint8Array): string {
  return `${ordinal} ${binaryText(nonce)}`;
}
