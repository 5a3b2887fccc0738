/**
 * Claims that are committed together: what a group writes, and how it is found out which of them it could not have.
 *
 * @module
 */
import type { RandomSource } from "../base/random.ts";
import { decodeClaim, encodeClaim } from "./claim_row.ts";
import { ALIVE_KEYS } from "../keys/families.ts";
import { CLAIMS, LOG_ROWS } from "./families.ts";
import { logRowId } from "./row_ids.ts";
import type { Commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import { packRecords } from "./pack_records.ts";

/** One use of a token to be claimed, with the record that goes with it. */
export interface ClaimRequest {
  /** Packed id of the claim, 22 bytes. */
  readonly id: Uint8Array;
  /** What the uses of one token have in common: each lane has its turn. It is never stored. By default part of the id. */
  readonly lane?: string;
  /** The first 16 bytes of the MAC: tells this very request from another one. */
  readonly tag: Uint8Array;
  /** The signing key's ordinal. */
  readonly ordinal: number;
  /** The stamp of the key's alive row when it was read. */
  readonly aliveStamp: string;
  /** The application's id. */
  readonly app: string;
  /** The day of arrival, days since 1970. */
  readonly day: number;
  /** The hour of arrival, 0..23: the record is moved once it is over. 0 by default. */
  readonly hour?: number;
  /** The record, at most 60 KiB; absent where another server keeps it. */
  readonly record?: Uint8Array | undefined;
}

/** What the store says of a claim: nobody has it, somebody has it under a tag, or its key is over. */
export type ClaimState =
  | { readonly is: "free" | "key_over" }
  /** There is no tag where the row cannot be read. */
  | { readonly is: "taken"; readonly tag: Uint8Array | undefined };

/**
 * Adds a group to a commit, which goes through only if every key is alive and every claim is free. The records share
 * rows, shuffled; each claim stands for itself.
 */
export function writeGroup(
  group: readonly ClaimRequest[],
  operation: Commit,
  random: RandomSource,
): void {
  for (const [ordinal, stamp] of aliveRows(group)) {
    operation.check({ key: ALIVE_KEYS.key(ordinal), stamp });
  }
  for (const row of packRecords(group, random)) {
    operation.set(LOG_ROWS.key(row.app, row.day, logRowId(row.hour, random)), row.bytes);
  }
  for (const request of group) {
    const key = CLAIMS.key(request.id);
    const recorded = request.record !== undefined;
    operation.check({ key, stamp: null });
    operation.set(key, encodeClaim({ tag: request.tag, day: request.day, recorded }));
  }
}

/** Reads how each claim of a group stands, whose commit did not go through. Throws `StoreUnavailable`. */
export async function readGroup(group: readonly ClaimRequest[], store: Store): Promise<ClaimState[]> {
  const alive = [...aliveRows(group)];
  const [claims, keys] = await Promise.all([
    store.getMany<Uint8Array>(group.map(({ id }) => CLAIMS.key(id))),
    store.getMany<unknown>(alive.map(([ordinal]) => ALIVE_KEYS.key(ordinal))),
  ]);
  const current = new Map(alive.map(([ordinal], index) => [ordinal, keys[index]!.stamp]));
  return group.map(({ ordinal, aliveStamp }, index): ClaimState => {
    const { value } = claims[index]!;
    if (value !== null) return { is: "taken", tag: decodeClaim(value)?.tag };
    return { is: current.get(ordinal) === aliveStamp ? "free" : "key_over" };
  });
}

/** The stamp of each key's alive row. It is written once, so all who have seen it saw the same. */
function aliveRows(group: readonly ClaimRequest[]): Map<number, string> {
  return new Map(group.map(({ ordinal, aliveStamp }) => [ordinal, aliveStamp]));
}
