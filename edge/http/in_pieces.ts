/**
 * Large answers that are the same for everybody.
 *
 * @module
 */

/** Bytes handed to the runtime at once. */
const PIECE_BYTES = 16 * 1024;

/**
 * The body of a large answer: pieces of bytes that all answers share, each taken when the one before has gone. An answer
 * that is given whole lies in the runtime's memory until it is read, and somebody who reads none of hundreds holds it as
 * many times.
 */
export function inPieces(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(at, at += PIECE_BYTES));
      if (at >= bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
}
