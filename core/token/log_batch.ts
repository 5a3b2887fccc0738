/**
 * The wire format of several logs in one request (docs/protocol.md, section 5).
 *
 * @module
 */
import { concat, DecodeError, readU16, require32, u16 } from "../base/bytes.ts";
import type { Credential } from "./credential.ts";
import type { ContentEncoding } from "./mac.ts";

/** Media type of a batch of logs. */
export const LOG_BATCH_TYPE = "application/vnd.dit.logs";
/** Bytes of a log besides its body. */
export const LOG_OVERHEAD = 102;

/** The content encodings by their byte. */
const ENCODINGS: readonly ContentEncoding[] = ["", "gzip"];
/** Bytes of a length. */
const LENGTH_BYTES = 3;

/** A log of a batch: what a request of its own says in its headers, and the body. */
export interface BatchedLog {
  /** What the Authorization header would say. */
  readonly credential: Credential;
  /** How the body is encoded; undefined: in no way that the protocol has. */
  readonly contentEncoding: ContentEncoding | undefined;
  /** The exact bytes that the MAC covers. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Encodes
 *
 *     enum { identity(0), gzip(1), (255) } ContentEncoding;
 *
 *     struct {
 *       uint8_t token_key_id[32];
 *       uint8_t nonce[32];
 *       uint16_t use;
 *       uint8_t mac[32];
 *       ContentEncoding content_encoding;
 *       opaque body<0..2^24-1>;
 *     } BatchedLog;
 *
 *     BatchedLog logs<1..2^24-1>;
 */
export function encodeLogBatch(
  logs: readonly (BatchedLog & { readonly contentEncoding: ContentEncoding })[],
): Uint8Array<ArrayBuffer> {
  const encoded = concat(
    ...logs.flatMap(({ credential: { keyId, nonce, use, mac }, contentEncoding, body }) => {
      require32("batch of logs", keyId, nonce, mac);
      const encoding = Uint8Array.of(ENCODINGS.indexOf(contentEncoding));
      return [keyId, nonce, u16(use), mac, encoding, u24(body.length), body];
    }),
  );
  return concat(u24(encoded.length), encoded);
}

/**
 * Decodes a batch of at least one log. Their bodies are parts of `bytes`, not copied. What is wrong with one log alone is
 * left for its own answer to say.
 * @throws {DecodeError} If the lengths do not add up to exactly these bytes.
 */
export function decodeLogBatch(bytes: Uint8Array<ArrayBuffer>): BatchedLog[] {
  if (bytes.length <= LENGTH_BYTES || readU24(bytes, 0) !== bytes.length - LENGTH_BYTES) {
    throw new DecodeError("Cannot decode batch of logs: its length is another one");
  }
  const logs: BatchedLog[] = [];
  for (let at = LENGTH_BYTES; at < bytes.length;) {
    const start = at + LOG_OVERHEAD;
    const end = start > bytes.length ? Infinity : start + readU24(bytes, start - LENGTH_BYTES);
    if (end > bytes.length) throw new DecodeError("Cannot decode batch of logs: it ends inside a log");
    logs.push({
      credential: {
        keyId: bytes.subarray(at, at + 32),
        nonce: bytes.subarray(at + 32, at + 64),
        use: readU16(bytes, at + 64),
        mac: bytes.subarray(at + 66, at + 98),
      },
      contentEncoding: ENCODINGS[bytes[at + 98] ?? NaN],
      body: bytes.subarray(start, end),
    });
    at = end;
  }
  return logs;
}

/** An unsigned 24-bit integer, big-endian. Throws a `RangeError` from 2^24 on. */
function u24(value: number): Uint8Array {
  return concat(u16(value >> 8), Uint8Array.of(value));
}

function readU24(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) << 8 | (bytes[offset + 2] ?? 0);
}
