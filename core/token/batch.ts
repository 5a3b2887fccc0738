/**
 * The wire format of amortized issuance (draft-ietf-privacypass-batched-tokens).
 *
 * @module
 */
import { concat, DecodeError, equalPublic, readU16, u16 } from "../base/bytes.ts";
import { type SuiteFacts, SUITES } from "../voprf/suites.ts";
import { decodeVarint, encodeVarint } from "../base/varint.ts";

/** Media type of a batch request. */
export const BATCH_REQUEST_TYPE = "application/private-token-amortized-batch-request";
/** Media type of a batch response. */
export const BATCH_RESPONSE_TYPE = "application/private-token-amortized-batch-response";

/** The lengths that a decoder needs to know of a suite. */
export type SuiteLengths = Pick<SuiteFacts, "tokenType" | "elementLength" | "scalarLength">;

/** Most elements of a batch that an application can allow. */
export const MAX_BATCH = 256;

/**
 * Bytes of a request of at most `maxBatch` elements of any suite, and one more: what has more need not be read. The
 * decoder is exact.
 */
export function maxRequestLength(maxBatch: number): number {
  return 3 + MAX_VARINT_LENGTH + longest("elementLength") * (maxBatch + 1);
}

/** Most bytes of a response of at most `maxBatch` elements of any suite. */
export function maxResponseLength(maxBatch: number): number {
  return MAX_VARINT_LENGTH + longest("elementLength") * maxBatch + 2 * longest("scalarLength");
}

/** Bytes of the length of the longest batch. */
const MAX_VARINT_LENGTH = 4;

function longest(part: "elementLength" | "scalarLength"): number {
  return Math.max(...Object.values(SUITES).map(({ [part]: length }) => length));
}

/** A decoded batch request. The elements are still only bytes: the suite checks each when it evaluates. */
export interface BatchRequest {
  /** The last byte of the id of the key that the client blinded for. */
  readonly truncatedKeyId: number;
  readonly blindedElements: Uint8Array[];
}

/** A decoded batch response. */
export interface BatchResponse {
  readonly evaluatedElements: Uint8Array[];
  /** `c | s`, 2 Ns bytes. */
  readonly proof: Uint8Array;
}

/**
 * Encodes
 *
 *     struct {
 *       uint16_t token_type;
 *       uint8_t truncated_token_key_id;
 *       BlindedElement blinded_elements<V>;
 *     } AmortizedBatchTokenRequest;
 */
export function encodeBatchRequest(suite: SuiteLengths, request: BatchRequest): Uint8Array<ArrayBuffer> {
  const { truncatedKeyId } = request;
  if (!Number.isInteger(truncatedKeyId) || truncatedKeyId < 0 || truncatedKeyId > 0xff) {
    throw new RangeError(`Cannot encode batch: ${truncatedKeyId} is not the last byte of a key id`);
  }
  return concat(
    u16(suite.tokenType),
    Uint8Array.of(truncatedKeyId),
    encodeElements(suite, request.blindedElements),
  );
}

/**
 * Decodes a batch request of 1..`maxBatch` elements.
 * @throws {DecodeError} If the type is another one, a length is wrong, or bytes are left over.
 */
export function decodeBatchRequest(suite: SuiteLengths, bytes: Uint8Array, maxBatch: number): BatchRequest {
  if (bytes.length < 3) throw new DecodeError("Cannot decode batch: the input ends inside its header");
  const tokenType = readU16(bytes);
  if (tokenType !== suite.tokenType) {
    throw new DecodeError(`Cannot decode batch: token type ${tokenType} is not ${suite.tokenType}`);
  }
  const { elements, next } = decodeElements(suite, bytes, 3, maxBatch);
  if (next !== bytes.length) throw new DecodeError("Cannot decode batch: bytes are left over");
  const [, , truncatedKeyId = 0] = bytes;
  return { truncatedKeyId, blindedElements: elements };
}

/**
 * Encodes
 *
 *     struct {
 *       EvaluatedElement evaluated_elements<V>;
 *       uint8_t evaluated_proof[Ns + Ns];
 *     } AmortizedBatchTokenResponse;
 */
export function encodeBatchResponse(suite: SuiteLengths, response: BatchResponse): Uint8Array<ArrayBuffer> {
  if (response.proof.length !== 2 * suite.scalarLength) {
    throw new RangeError(`Cannot encode batch: the proof has ${response.proof.length} bytes`);
  }
  return concat(encodeElements(suite, response.evaluatedElements), response.proof);
}

/**
 * Decodes a batch response of exactly `count` elements. Its length has one encoding, so that the beginning of every such
 * response is known.
 * @throws {DecodeError} If the count is another one, or a length is wrong.
 */
export function decodeBatchResponse(suite: SuiteLengths, bytes: Uint8Array, count: number): BatchResponse {
  const { elementLength, scalarLength } = suite;
  const start = encodeVarint(count * elementLength);
  const elementAt = (index: number) => start.length + index * elementLength;
  const proof = bytes.slice(elementAt(count));
  if (!equalPublic(bytes.subarray(0, start.length), start) || proof.length !== 2 * scalarLength) {
    throw new DecodeError(`Cannot decode batch: not ${count} elements and a proof`);
  }
  const evaluatedElements = Array.from(
    { length: count },
    (_, index) => bytes.slice(elementAt(index), elementAt(index + 1)),
  );
  return { evaluatedElements, proof };
}

function encodeElements(suite: SuiteLengths, elements: Uint8Array[]): Uint8Array<ArrayBuffer> {
  for (const element of elements) {
    if (element.length !== suite.elementLength) {
      throw new RangeError(`Cannot encode batch: an element has ${element.length} bytes`);
    }
  }
  return concat(encodeVarint(elements.length * suite.elementLength), ...elements);
}

function decodeElements(
  suite: SuiteLengths,
  bytes: Uint8Array,
  offset: number,
  maxBatch: number,
): { elements: Uint8Array[]; next: number } {
  const { value: length, next: start } = decodeVarint(bytes, offset);
  if (length === 0) throw new DecodeError("Cannot decode batch: it is empty");
  if (length % suite.elementLength !== 0) {
    throw new DecodeError(
      `Cannot decode batch: length ${length} is not a multiple of ${suite.elementLength}`,
    );
  }
  if (length / suite.elementLength > maxBatch) {
    throw new DecodeError(`Cannot decode batch: more than ${maxBatch} elements`);
  }
  const next = start + length;
  if (next > bytes.length) throw new DecodeError("Cannot decode batch: the input ends inside an element");
  const elements: Uint8Array[] = [];
  for (let at = start; at < next; at += suite.elementLength) {
    elements.push(bytes.slice(at, at + suite.elementLength));
  }
  return { elements, next };
}
