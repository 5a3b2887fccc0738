/**
 * The body of a log (docs/protocol.md, section 5), padded to a size.
 *
 * @module
 */
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { wireEvent } from "./encoding.ts";
import { bodySize, padGzip } from "./padding.ts";
import type { EncodedEvent } from "../storage/records.ts";

/** Most events of a body. */
export const MAX_EVENTS = 100;
/** Most bytes that the events of one body have together: it then fits 16 KiB, what a page may send as it is hidden. */
export const MAX_EVENTS_BYTES = 15_360;
/** Most bytes of a body. */
const MAX_BODY_BYTES = 65_536;
/** Bytes of a salt. */
const SALT_LENGTH = 16;
/** `,"pad":""`, which a padded body has besides the padding itself. */
const PAD_OVERHEAD = 9;

/** A body, ready to be signed. */
export interface Body {
  /** The bytes as they will be sent. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How they are packed. */
  readonly contentEncoding: "" | "gzip";
}

/** Bytes that an event takes in a body. */
export function eventLength(event: EncodedEvent): number {
  return utf8(JSON.stringify(wireEvent(event))).length + 1;
}

/** What becomes a body. */
export interface BodyContent {
  readonly events: readonly EncodedEvent[];
  /** Base64url, or empty where none is collected. */
  readonly pseudonym: string;
  /** Binds the token's nonce to the pseudonym, base64url; absent where there is none. */
  readonly binding?: string | undefined;
  readonly random: RandomSource;
  /** Whether it may be compressed: it is only when that makes its padded size smaller. */
  readonly gzip: boolean;
}

/** Makes a body of 1..100 events with a fresh salt; undefined when no size holds it. */
export async function buildBody(
  { events, pseudonym, binding, random, gzip }: BodyContent,
): Promise<Body | undefined> {
  const envelope = {
    salt: toBase64url(random(SALT_LENGTH)),
    // What is undefined is not in JSON.
    pseudonym: pseudonym === "" ? undefined : pseudonym,
    binding,
    events: events.map(wireEvent),
  };
  const plain = utf8(JSON.stringify(envelope));
  if (plain.length > MAX_BODY_BYTES) return undefined;
  const length = plain.length + PAD_OVERHEAD;
  const size = bodySize(length);
  if (gzip && size !== bodySize(0)) {
    const packed = padGzip(await compress(plain));
    if (size === undefined || packed.length < size) return { bytes: packed, contentEncoding: "gzip" };
  }
  if (size === undefined) return undefined;
  const pad = "0".repeat(size - length);
  return { bytes: utf8(JSON.stringify({ ...envelope, pad })), contentEncoding: "" };
}

async function compress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
