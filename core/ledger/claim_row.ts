/**
 * The value of a claim: few raw bytes, since small rows commit faster.
 *
 * @module
 */
import { takeBytes } from "../base/byte_slab.ts";

/** Bytes of a MAC's tag. */
export const TAG_LENGTH = 16;
const CLAIM_LENGTH = TAG_LENGTH + 4 + 1;

/** What a claim says. */
export interface ClaimRow {
  /** The first 16 bytes of the MAC: tells one request from another. */
  readonly tag: Uint8Array;
  /** The day of arrival, days since 1970. */
  readonly day: number;
  /** Whether a record was stored in the same commit; not where another server keeps it. */
  readonly recorded: boolean;
}

/** Encodes a claim: tag (16) | u32 day | u8 1 if a record was stored with it, else 0. */
export function encodeClaim({ tag, day, recorded }: ClaimRow): Uint8Array<ArrayBuffer> {
  const row = takeBytes(CLAIM_LENGTH);
  row.set(tag.subarray(0, TAG_LENGTH));
  // By hand, since a view for four bytes costs more.
  row[16] = day >>> 24;
  row[17] = day >>> 16;
  row[18] = day >>> 8;
  row[19] = day;
  row[20] = recorded ? 1 : 0;
  return row;
}

/** Reads what {@linkcode encodeClaim} wrote; undefined when the bytes are no claim. */
export function decodeClaim(value: unknown): ClaimRow | undefined {
  if (!(value instanceof Uint8Array) || value.length !== CLAIM_LENGTH) return undefined;
  const view = new DataView(value.buffer, value.byteOffset);
  const recorded = view.getUint8(CLAIM_LENGTH - 1);
  if (recorded > 1) return undefined;
  return { tag: value.subarray(0, TAG_LENGTH), day: view.getUint32(TAG_LENGTH), recorded: recorded === 1 };
}
