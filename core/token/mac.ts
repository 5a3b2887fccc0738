/**
 * The key and the transcript of a log's MAC (docs/protocol.md, section 5).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, DecodeError, equalPublic, readU16, require32, u16, utf8 } from "../base/bytes.ts";
import { type Hashes, hmacSha256, plainHashes } from "../base/hmac.ts";

/** HKDF's info and the number of the only block of output: what the second HMAC of a MAC key is over. */
const MAC_KEY_BLOCK = utf8("DIT/1 log mac\x01");
const TRANSCRIPT_PREFIX = "DIT/1\0";

/** The content encodings that a log may have; absent is `""`. */
export type ContentEncoding = "" | "gzip";

/** What a MAC covers besides the constants. */
export interface Transcript {
  /** An application's id: ASCII, at most 63 characters. */
  readonly app: string;
  readonly contentEncoding: ContentEncoding;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly use: number;
  /** SHA-256 of the body exactly as sent, 32 bytes. */
  readonly bodyDigest: Uint8Array;
}

/**
 * HKDF-SHA-256 (RFC 5869) of the authenticator: 32 bytes that sign every use of one token. One block of output is two
 * HMACs, which keeps the general construction out of what clients ship.
 */
export function deriveMacKey(authenticator: Uint8Array, hashes: Hashes = plainHashes): Uint8Array {
  return hashes.hmacSha256(hashes.hmacSha256(new Uint8Array(32), authenticator), MAC_KEY_BLOCK);
}

/** The literal path of the transcript, wherever the service is mounted. */
export function logPath(app: string): string {
  return `/v1/apps/${app}/logs`;
}

/**
 * Encodes
 *
 *     "DIT/1" 0x00 | lp("POST") | lp("/v1/apps/{app}/logs") | lp("application/json") | lp("" or "gzip") |
 *     token_key_id | nonce | u16 use | SHA-256(body)
 */
export function encodeTranscript(transcript: Transcript): Uint8Array<ArrayBuffer> {
  return concat(...transcriptParts(transcript));
}

/** The parts of {@linkcode encodeTranscript}, not joined: an array of more than 64 bytes costs more than its MAC. */
export function transcriptParts(transcript: Transcript): Uint8Array<ArrayBufferLike>[] {
  // These three stand without a length, so a byte that moved from one to the next would not show.
  const { app, contentEncoding, keyId, nonce, use, bodyDigest } = transcript;
  require32("transcript", keyId, nonce, bodyDigest);
  return [headOf(app, contentEncoding), keyId, nonce, u16(use), bodyDigest];
}

/** The last head that was made: it is the same for all logs of an application. */
let lastHead: { app: string; contentEncoding: ContentEncoding; bytes: Uint8Array<ArrayBuffer> } | undefined;

function headOf(app: string, contentEncoding: ContentEncoding): Uint8Array<ArrayBuffer> {
  if (lastHead?.app !== app || lastHead.contentEncoding !== contentEncoding) {
    lastHead = { app, contentEncoding, bytes: makeHead(app, contentEncoding) };
  }
  return lastHead.bytes;
}

function makeHead(app: string, contentEncoding: ContentEncoding): Uint8Array<ArrayBuffer> {
  // All text is short and ASCII, lengths included.
  const text = ["POST", logPath(app), "application/json", contentEncoding];
  return utf8(text.reduce(
    (joined, part) => `${joined}\0${String.fromCharCode(part.length)}${part}`,
    TRANSCRIPT_PREFIX,
  ));
}

/**
 * Decodes a transcript completely, for an ACS that redeems for somebody else.
 * @throws {DecodeError} If any byte is not as {@linkcode encodeTranscript} writes it.
 */
export function decodeTranscript(bytes: Uint8Array): Transcript {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bytes.length) {
      throw new DecodeError("Cannot decode transcript: the input ends inside it");
    }
    return bytes.slice(offset, offset += length);
  };
  const takeText = (): string => {
    const length = take(2);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        take(readU16(length)),
      );
    } catch (error) {
      if (error instanceof DecodeError) throw error;
      throw new DecodeError("Cannot decode transcript: a text is not UTF-8");
    }
  };
  if (!equalPublic(take(TRANSCRIPT_PREFIX.length), utf8(TRANSCRIPT_PREFIX))) {
    throw new DecodeError("Cannot decode transcript: it is not of DIT/1");
  }
  if (takeText() !== "POST") throw new DecodeError("Cannot decode transcript: the method is not POST");
  const [, app] = /^\/v1\/apps\/([a-z][a-z0-9-]{0,62})\/logs$/.exec(takeText()) ?? [];
  if (app === undefined) throw new DecodeError("Cannot decode transcript: the path is not that of a log");
  if (takeText() !== "application/json") {
    throw new DecodeError("Cannot decode transcript: the type is not JSON");
  }
  const contentEncoding = takeText();
  if (contentEncoding !== "" && contentEncoding !== "gzip") {
    throw new DecodeError("Cannot decode transcript: the encoding is neither absent nor gzip");
  }
  const keyId = take(32);
  const nonce = take(32);
  const use = take(2);
  const bodyDigest = take(32);
  if (offset !== bytes.length) throw new DecodeError("Cannot decode transcript: bytes are left over");
  return { app, contentEncoding, keyId, nonce, use: readU16(use), bodyDigest };
}

/** HMAC-SHA-256 over the encoded transcript, 32 bytes. */
export function computeMac(macKey: Uint8Array, encodedTranscript: Uint8Array): Uint8Array {
  return hmacSha256(macKey, encodedTranscript);
}

/** SHA-256 of a body exactly as sent. */
export function digestBody(body: Uint8Array): Uint8Array {
  return sha256(body);
}
