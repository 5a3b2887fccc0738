/**
 * Writes and checks of the port as the parameters of the statements.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Check, Key, Write } from "../port.ts";
import { bigintArray, byteaArray, intArray } from "./arrays.ts";
import { POSTGRES_LIMITS } from "./limits.ts";
import { type Place, placeOf } from "./lots.ts";
import { encodeValue } from "./value_bytes.ts";

/** A parameter of `bytea` or `bytea[]`: `pg` knows a Buffer. */
export function bytea(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A stamp as the port has it. */
export function stampOf(stamp: unknown): string {
  return BigInt(stamp as string).toString(16).padStart(20, "0");
}

/** A stamp as the table has it; that of no row is -1. */
export function storedStamp(stamp: string | null): bigint {
  return stamp === null ? -1n : BigInt(`0x${stamp}`);
}

/** The place of a row. Throws a `RangeError` if its key is too long. */
export function boundedPlace(key: Key): Place {
  const place = placeOf(key);
  if (place.key.length > POSTGRES_LIMITS.bytesPerKey) throw new RangeError("Cannot use key: length");
  return place;
}

/** An encoded value. Throws a `RangeError` if it is too long. */
export function boundedValue(value: unknown): Uint8Array {
  const encoded = encodeValue(value);
  if (encoded.length > POSTGRES_LIMITS.bytesPerValue) throw new RangeError("Cannot write value: length");
  return encoded;
}

/** `check_lots`, `check_keys` and `check_stamps`. */
export function checkParameters(checks: readonly Check[]): Buffer[] {
  if (checks.length > POSTGRES_LIMITS.checksPerCommit) throw new RangeError("Cannot commit: too many checks");
  return [
    ...placeParameters(checks.map(({ key }) => boundedPlace(key))),
    bigintArray(checks.map(({ stamp }) => storedStamp(stamp))),
  ];
}

/** `set_lots`, `set_keys`, `set_values`, `gone_lots` and `gone_keys`: each key once, with the later of two writes. */
export function writeParameters(writes: readonly Write[]): Buffer[] {
  if (writes.length > POSTGRES_LIMITS.writesPerCommit) throw new RangeError("Cannot commit: too many writes");
  const last = new Map<string, Place & { value: Uint8Array | undefined }>();
  let bytes = 0;
  for (const write of writes) {
    const { lot, key } = boundedPlace(write.key);
    const value = write.type === "set" ? boundedValue(write.value) : undefined;
    bytes += key.length + (value?.length ?? 0);
    last.set(`${lot} ${key.toHex()}`, { lot, key, value });
  }
  if (bytes > POSTGRES_LIMITS.bytesPerCommit) throw new RangeError("Cannot commit: too many bytes");
  const rows = [...last.values()];
  const set = rows.flatMap(({ lot, key, value }) => value === undefined ? [] : [{ lot, key, value }]);
  return [
    ...placeParameters(set),
    byteaArray(set.map(({ value }) => value)),
    ...placeParameters(rows.filter(({ value }) => value === undefined)),
  ];
}

/** Lots and keys. */
export function placeParameters(places: readonly Place[]): [lots: Buffer, keys: Buffer] {
  return [intArray(places.map(({ lot }) => lot)), byteaArray(places.map(({ key }) => key))];
}
