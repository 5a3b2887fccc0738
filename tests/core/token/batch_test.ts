import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, DecodeError, u16 } from "../../../core/base/bytes.ts";
import {
  type BatchRequest,
  type BatchResponse,
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
  type SuiteLengths,
} from "../../../core/token/batch.ts";
import { encodeVarint } from "../../../core/base/varint.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import { assertStrict, bytesOf, flipBit, SUITES } from "../../support/base/arbitraries.ts";

const MAX_BATCH = 8;

function requests(suite: SuiteLengths): fc.Arbitrary<BatchRequest> {
  return fc.record({
    truncatedKeyId: fc.nat(255),
    blindedElements: fc.array(bytesOf(suite.elementLength), { minLength: 1, maxLength: MAX_BATCH }),
  });
}

function responses(suite: SuiteLengths): fc.Arbitrary<BatchResponse> {
  return fc.record({
    evaluatedElements: fc.array(bytesOf(suite.elementLength), { minLength: 1, maxLength: MAX_BATCH }),
    proof: bytesOf(2 * suite.scalarLength),
  });
}

Deno.test("both suites have the token types and lengths of the protocol", () => {
  for (const suite of [nobleRistretto255, nobleP384]) {
    const { tokenType, elementLength, scalarLength } = suite;
    assertEquals({ tokenType, elementLength, scalarLength }, SUITES[suite.name]);
  }
  assertEquals([nobleRistretto255.outputLength, nobleP384.outputLength], [64, 48]);
});

for (const [name, suite] of Object.entries(SUITES)) {
  const { elementLength, scalarLength, tokenType } = suite;
  const header = (bytes: number) => concat(u16(tokenType), Uint8Array.of(7), encodeVarint(bytes));
  const elements = (count: number) => new Uint8Array(count * elementLength);

  Deno.test(`encodeBatchRequest() lays out type, truncated key id, length and elements (${name})`, () => {
    const [first, second] = [elements(1).fill(1), elements(1).fill(2)];
    assertEquals(
      encodeBatchRequest(suite, { truncatedKeyId: 7, blindedElements: [first, second] }),
      concat(header(2 * elementLength), first, second),
    );
  });

  Deno.test(`decodeBatchRequest() reverses encodeBatchRequest() (${name})`, () => {
    fc.assert(fc.property(requests(suite), (request) => {
      assertEquals(decodeBatchRequest(suite, encodeBatchRequest(suite, request), MAX_BATCH), request);
    }));
  });

  Deno.test(`decodeBatchResponse() reverses encodeBatchResponse() (${name})`, () => {
    fc.assert(fc.property(responses(suite), (response) => {
      const encoded = encodeBatchResponse(suite, response);
      assertEquals(decodeBatchResponse(suite, encoded, response.evaluatedElements.length), response);
    }));
  });

  Deno.test(`decodeBatchRequest() refuses each fault with its own message (${name})`, () => {
    const length = elementLength;
    const twice = concat(u16(tokenType), Uint8Array.of(7), Uint8Array.of(0x80, 0, 0, length), elements(1));
    const faults: [Uint8Array, string][] = [
      [new Uint8Array(), "Cannot decode batch: the input ends inside its header"],
      [header(0).slice(0, 2), "Cannot decode batch: the input ends inside its header"],
      [concat(u16(2), header(length).slice(2), elements(1)), `token type 2 is not ${tokenType}`],
      [header(0).slice(0, 3), "Cannot decode varint: the input ends before it"],
      [header(64).slice(0, 4), "Cannot decode varint: the input ends inside it"],
      [twice, "Cannot decode varint: not in its minimum size"],
      [header(0), "Cannot decode batch: it is empty"],
      [concat(header(length - 1), elements(1)), `length ${length - 1} is not a multiple of ${length}`],
      [concat(header(length + 1), elements(2)), `length ${length + 1} is not a multiple of ${length}`],
      [concat(header((MAX_BATCH + 1) * length), elements(MAX_BATCH + 1)), "more than 8 elements"],
      [concat(header(length * 2 ** 20)), "more than 8 elements"],
      [concat(header(2 * length), elements(1)), "Cannot decode batch: the input ends inside an element"],
      [concat(header(length), elements(1), Uint8Array.of(0)), "Cannot decode batch: bytes are left over"],
    ];
    for (const [bytes, message] of faults) {
      assertThrows(() => decodeBatchRequest(suite, bytes, MAX_BATCH), DecodeError, message);
    }
  });

  Deno.test(`decodeBatchResponse() refuses another number, another length and another spelling of it (${name})`, () => {
    const proof = new Uint8Array(2 * scalarLength);
    const two = concat(encodeVarint(2 * elementLength), elements(2));
    const faults: [Uint8Array, number][] = [
      [concat(two, proof), 1],
      [concat(two, proof), 3],
      [concat(two, proof.slice(1)), 2],
      [concat(two, proof, Uint8Array.of(0)), 2],
      [concat(encodeVarint(2 * elementLength + 1), elements(2), proof), 2],
      [concat(Uint8Array.of(0x80, 0, 0, 2 * elementLength), elements(2), proof), 2],
      [two, 2],
      [concat(encodeVarint(0), proof), 1],
      [new Uint8Array(), 1],
    ];
    for (const [bytes, count] of faults) {
      const message = `Cannot decode batch: not ${count} elements and a proof`;
      assertThrows(() => decodeBatchResponse(suite, bytes, count), DecodeError, message);
    }
  });

  Deno.test(`batch decoders take one encoding of a value and no other bytes (${name})`, () => {
    const decodeRequest = (bytes: Uint8Array) => decodeBatchRequest(suite, bytes, MAX_BATCH);
    const encodeRequest = (request: BatchRequest): Uint8Array => encodeBatchRequest(suite, request);
    fc.assert(fc.property(requests(suite), fc.nat(), fc.nat(), (request, bit, cut) => {
      const encoded = encodeBatchRequest(suite, request);
      assertStrict(flipBit(encoded, bit % (encoded.length * 8)), decodeRequest, encodeRequest);
      assertThrows(() => decodeRequest(encoded.slice(0, cut % encoded.length)), DecodeError);
      assertThrows(() => decodeRequest(concat(encoded, Uint8Array.of(cut & 0xff))), DecodeError);
    }));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const typed = concat(u16(tokenType), bytes);
      for (const input of [bytes as Uint8Array, typed]) assertStrict(input, decodeRequest, encodeRequest);
    }));
    fc.assert(fc.property(responses(suite), fc.nat(), fc.nat(), (response, bit, cut) => {
      const count = response.evaluatedElements.length;
      const decode = (bytes: Uint8Array) => decodeBatchResponse(suite, bytes, count);
      const encoded = encodeBatchResponse(suite, response);
      assertStrict(
        flipBit(encoded, bit % (encoded.length * 8)) as Uint8Array,
        decode,
        (value: BatchResponse): Uint8Array => encodeBatchResponse(suite, value),
      );
      assertThrows(() => decode(encoded.slice(0, cut % encoded.length)), DecodeError);
      assertThrows(() => decode(concat(encoded, Uint8Array.of(cut & 0xff))), DecodeError);
    }));
  });

  Deno.test(`batch encoders refuse lengths that no decoder would take (${name})`, () => {
    const short = new Uint8Array(elementLength - 1);
    const proof = new Uint8Array(2 * scalarLength - 1);
    assertThrows(
      () => encodeBatchRequest(suite, { truncatedKeyId: 0, blindedElements: [short] }),
      RangeError,
      `an element has ${elementLength - 1} bytes`,
    );
    assertThrows(
      () => encodeBatchRequest(suite, { truncatedKeyId: 256, blindedElements: [elements(1)] }),
      RangeError,
      "256 is not the last byte of a key id",
    );
    assertThrows(
      () => encodeBatchResponse(suite, { evaluatedElements: [elements(1)], proof }),
      RangeError,
      `the proof has ${proof.length} bytes`,
    );
  });
}

Deno.test("decodeBatchRequest() gives copies, so that a reused buffer changes no element", () => {
  const suite = SUITES["ristretto255-SHA512"]!;
  const encoded = encodeBatchRequest(suite, { truncatedKeyId: 1, blindedElements: [new Uint8Array(32)] });
  const { blindedElements } = decodeBatchRequest(suite, encoded, 1);
  encoded.fill(0xff);
  assertEquals(blindedElements, [new Uint8Array(32)]);
});
