/**
 * Short-lived byte strings as views of larger buffers. An array of its own costs the runtime a third of a microsecond and
 * an allocation of the system, however short it is; a view costs a tenth of that. For servers: whatever clones a view, as a
 * browser's database does, clones the whole buffer behind it.
 *
 * @module
 */
import { decodeBase64url } from "./bytes.ts";

const SLAB_BYTES = 64 * 1024;

// Made when they are needed: a page that has the client has neither.
let encoder: TextEncoder | undefined;
let slab: ArrayBuffer | undefined;
let used = 0;

/**
 * So many zeros. No byte is handed out twice; a buffer goes when the last view of it does, so that what is kept for long
 * has to be copied.
 */
export function takeBytes(length: number): Uint8Array<ArrayBuffer> {
  const buffer = bufferFor(length);
  const bytes = new Uint8Array(buffer, used, length);
  used += length;
  return bytes;
}

/** The UTF-8 form of a text that has one, as all that `JSON.stringify` writes. */
export function takeUtf8(text: string): Uint8Array<ArrayBuffer> {
  encoder ??= new TextEncoder();
  // A code unit takes three bytes at most.
  const most = 3 * text.length;
  const buffer = bufferFor(most);
  const { written } = encoder.encodeInto(text, new Uint8Array(buffer, used, most));
  return takeBytes(written);
}

/** As `fromBase64url` of bytes.ts, where it is known how many bytes there are. @throws {DecodeError} */
export function takeBase64url(text: string, length: number): Uint8Array<ArrayBuffer> {
  return decodeBase64url(text, takeBytes(length));
}

/** A buffer that has room for so many bytes behind those that are used. */
function bufferFor(length: number): ArrayBuffer {
  if (slab === undefined || used + length > slab.byteLength) {
    slab = new ArrayBuffer(Math.max(SLAB_BYTES, length));
    used = 0;
  }
  return slab;
}
