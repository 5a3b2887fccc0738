/**
 * The rows of keys, and of the secrets that are sealed as they are.
 *
 * @module
 */
import { type Family, family } from "../store/families.ts";

/** The counter from which key ordinals come: u32 as number. */
export const ORDINALS: Family<[]> = family("o", "counter of keys");
/** Signing keys: KeyRow. */
export const SIGNING_KEYS: Family<[app: string, region: string, epoch: number, generation: number]> = family(
  "k",
  "signing keys",
);
/** Seconds up to which keys of an application have ended: none that would end before is ever made again. */
export const KEY_ENDS: Family<[app: string, region: string]> = family("e", "ends of keys");
/** Replacements that are destroyed, by which the names that were given away are known: their redeemUntil. */
export const ENDED_REPLACEMENTS: Family<[app: string, region: string, epoch: number, generation: number]> =
  family("er", "replacements that ended");
/** The last link of the chain of an application's keys: KeyLink. */
export const KEY_CHAINS: Family<[app: string, region: string]> = family("kc", "chains of keys");
/** The leaves of that chain, by their numbers, each with the link before it. */
export const KEY_LEAVES: Family<[app: string, region: string, number: number]> = family(
  "kl",
  "leaves of chains of keys",
);
/** Written once when a key is made and deleted first when it ends. */
export const ALIVE_KEYS: Family<[ordinal: number]> = family("a", "keys that are alive");
/** Keys that ended and whose quota rows and claims are still to be swept: EndedKey. */
export const ENDED_KEYS: Family<[ordinal: number]> = family("d", "keys to sweep after");
/** Something sealed under the newest sealing key: a process that cannot open it has the wrong sealing keys. */
export const SEAL_PROOFS: Family<[]> = family("v", "proofs of the sealing key");
/** The sealed secret from which the hash keys of the risk sketches come. */
export const MONITOR_SECRETS: Family<[]> = family("m", "monitor secret");
/** On a log server: the key under which it tells an ACS elsewhere of its clients, 32 bytes. */
export const CLIENT_SECRETS: Family<[]> = family("h", "keys to the names of clients");
