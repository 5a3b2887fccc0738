/**
 * Writes and checks of the port as the parameters of the statements.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Check, Key, Write } from "../port.ts";
import { bigintArray, byteaArray } from "./arrays.ts";
import { encodeKey } from "./key_bytes.ts";
import { POSTGRES_LIMITS } from "./limits.ts";
import { lotOf } from "./lots.ts";
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

/** An encoded key. Throws a `RangeError` if it is too long. */
export function boundedKey(key: Key): Uint8Array {
  const encoded = encodeKey(key);
  if (encoded.length > POSTGRES_LIMITS.bytesPerKey) throw new RangeError("Cannot use key: length");
  return bytea(encoded);
}

/** An encoded value. Throws a `RangeError` if it is too long. */
export function boundedValue(value: unknown): Uint8Array {
  const encoded = encodeValue(value);
  if (encoded.length > POSTGRES_LIMITS.bytesPerValue) throw new RangeError("Cannot write value: length");
  return bytea(encoded);
}

/** `check_keys`, `check_lots` and `check_stamps`. */
export function checkParameters(checks: readonly Check[]): Buffer[] {
  if (checks.length > POSTGRES_LIMITS.checksPerCommit) throw new RangeError("Cannot commit: too many checks");
  return [
    byteaArray(checks.map(({ key }) => boundedKey(key))),
    bigintArray(checks.map(({ key }) => lotOf(key))),
    bigintArray(checks.map(({ stamp }) => storedStamp(stamp))),
  ];
}

/** `set_keys`, `set_lots`, `set_values`, `gone_keys` and `gone_lots`: each key once, with the later of two writes. */
export function writeParameters(writes: readonly Write[]): Buffer[] {
  if (writes.length > POSTGRES_LIMITS.writesPerCommit) throw new RangeError("Cannot commit: too many writes");
  const last = new Map<string, { key: Uint8Array; lot: number; value: Uint8Array | undefined }>();
  let bytes = 0;
  for (const write of writes) {
    const key = boundedKey(write.key);
    const value = write.type === "set" ? boundedValue(write.value) : undefined;
    bytes += key.length + (value?.length ?? 0);
    last.set(key.toHex(), { key, lot: lotOf(write.key), value });
  }
  if (bytes > POSTGRES_LIMITS.bytesPerCommit) throw new RangeError("Cannot commit: too many bytes");
  const rows = [...last.values()];
  const set = rows.flatMap(({ key, lot, value }) => value === undefined ? [] : [{ key, lot, value }]);
  const gone = rows.filter(({ value }) => value === undefined);
  return [
    byteaArray(set.map(({ key }) => key)),
    bigintArray(set.map(({ lot }) => lot)),
    byteaArray(set.map(({ value }) => value)),
    byteaArray(gone.map(({ key }) => key)),
    bigintArray(gone.map(({ lot }) => lot)),
  ];
}
