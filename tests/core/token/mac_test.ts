import { assert, assertEquals, assertFalse, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHmac, hkdfSync } from "node:crypto";
import { concat, DecodeError, equalPublic, lengthPrefixed, toHex, utf8 } from "../../../core/base/bytes.ts";
import { type Credential, formatCredential, parseCredential } from "../../../core/token/credential.ts";
import {
  computeMac,
  type ContentEncoding,
  decodeTranscript,
  deriveMacKey,
  digestBody,
  encodeTranscript,
  logPath,
  type Transcript,
} from "../../../core/token/mac.ts";
import { digestBody as digestNatively } from "../../../core/token/body_digest.ts";
import { type Hashes, plainHashes } from "../../../core/base/hmac.ts";
import { loadRistretto255 } from "../../../core/voprf/libsodium.ts";
import { appIds, assertStrict, bytesOf, flipBit } from "../../support/base/arbitraries.ts";

const transcripts: fc.Arbitrary<Transcript> = fc.record({
  app: appIds(),
  contentEncoding: fc.constantFrom<ContentEncoding>("", "gzip"),
  keyId: bytesOf(32),
  nonce: bytesOf(32),
  use: fc.nat(0xffff),
  bodyDigest: bytesOf(32),
});

const DEMO: Transcript = {
  app: "demo",
  contentEncoding: "",
  keyId: new Uint8Array(32).fill(0x11),
  nonce: new Uint8Array(32).fill(0x22),
  use: 0,
  bodyDigest: digestBody(utf8("{}")),
};

// The transcript's bytes by hand, and the keys and MACs worked out with Python's hmac and hashlib from
// docs/protocol.md, section 5; the authenticator is 00 01 02 ...
const PREFIX = "4449542f3100" + "0004504f5354" + "00122f76312f617070732f64656d6f2f6c6f6773" +
  "00106170706c69636174696f6e2f6a736f6e";
const ID_AND_NONCE = "11".repeat(32) + "22".repeat(32);
const EMPTY_OBJECT = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const PLAIN = `${PREFIX}0000${ID_AND_NONCE}0000${EMPTY_OBJECT}`;
const GZIP = `${PREFIX}0004677a6970${ID_AND_NONCE}003f${EMPTY_OBJECT}`;
const MAC_KEY = "d2feabeec64755f2a6269ab15c470ac0f592cfd0ccb8530c932b58744c914db1";
const MAC_KEY_P384 = "58a0c8e53f04a67986a6a22a6ccf31b98a282ad8ad71464483b03ee1b99217de";
const PLAIN_MAC = "1c1515fc931c66f3db286457bb394ab7f997b7d06cf6715cfcf8c6da90b0ef59";
const GZIP_MAC = "c0b634fe2bda5dd42d5949b3eb146153bbeb15b6d4cf138c28714067f5607978";

Deno.test("deriveMacKey(), encodeTranscript() and computeMac() give the protocol's bytes", () => {
  const macKey = deriveMacKey(Uint8Array.from({ length: 64 }, (_, index) => index));
  assertEquals(toHex(macKey), MAC_KEY);
  assertEquals(toHex(deriveMacKey(Uint8Array.from({ length: 48 }, (_, index) => index))), MAC_KEY_P384);
  assertEquals(toHex(encodeTranscript(DEMO)), PLAIN);
  assertEquals(toHex(computeMac(macKey, encodeTranscript(DEMO))), PLAIN_MAC);
  const gzip = encodeTranscript({ ...DEMO, contentEncoding: "gzip", use: 63 });
  assertEquals(toHex(gzip), GZIP);
  assertEquals(toHex(computeMac(macKey, gzip)), GZIP_MAC);
});

Deno.test("deriveMacKey() and computeMac() agree with the platform's HKDF and HMAC", () => {
  fc.assert(fc.property(fc.constantFrom(48, 64).chain(bytesOf), fc.uint8Array(), (authenticator, message) => {
    const macKey = deriveMacKey(authenticator);
    const expected = hkdfSync("sha256", authenticator, new Uint8Array(), "DIT/1 log mac", 32);
    assertEquals(toHex(macKey), toHex(new Uint8Array(expected)));
    assertEquals(
      toHex(computeMac(macKey, message)),
      createHmac("sha256", macKey).update(message).digest("hex"),
    );
  }));
});

const HASHES: Record<string, Hashes> = {
  "hmac.ts": plainHashes,
  libsodium: await loadRistretto255(),
};
for (const [name, hashes] of Object.entries(HASHES)) {
  Deno.test(`${name} computes what mac.ts computes`, () => {
    const messages = fc.tuple(fc.constantFrom(48, 64).chain(bytesOf), fc.uint8Array(), fc.uint8Array());
    fc.assert(fc.property(messages, ([authenticator, head, tail]) => {
      const macKey = deriveMacKey(authenticator);
      assertEquals(deriveMacKey(authenticator, hashes), macKey);
      assertEquals(hashes.hmacSha256(macKey, head, tail), computeMac(macKey, concat(head, tail)));
      assertEquals(digestNatively(head), digestBody(head));
    }));
    // Nothing that others share: neither a Buffer nor a view on more than its own bytes.
    const given = [
      hashes.hmacSha256(new Uint8Array(32)),
      deriveMacKey(new Uint8Array(64), hashes),
      digestNatively(new Uint8Array(64)),
    ];
    for (const bytes of given) {
      assertEquals([bytes.constructor, bytes.buffer.byteLength], [Uint8Array, 32]);
    }
    assertThrows(() => hashes.hmacSha256(new Uint8Array(65), new Uint8Array()), RangeError);
  });
}

Deno.test("decodeTranscript() reverses encodeTranscript()", () => {
  fc.assert(fc.property(transcripts, (transcript) => {
    assertEquals(decodeTranscript(encodeTranscript(transcript)), transcript);
  }));
});

Deno.test("decodeTranscript() refuses each fault with its own message", () => {
  const text = (...texts: string[]) => concat(...texts.map((one) => lengthPrefixed(utf8(one))));
  const start = utf8("DIT/1\0");
  const end = new Uint8Array(98);
  const notUtf8 = concat(start, Uint8Array.of(0, 1, 0xff));
  const path = logPath("demo");
  const json = "application/json";
  const faults: [Uint8Array, string][] = [
    [new Uint8Array(), "the input ends inside it"],
    [utf8("DIT/2\0".padEnd(200)), "it is not of DIT/1"],
    [utf8("DIT/1".padEnd(200)), "it is not of DIT/1"],
    [notUtf8, "a text is not UTF-8"],
    [concat(start, text("GET", path, json, ""), end), "the method is not POST"],
    [concat(start, text("post", path, json, ""), end), "the method is not POST"],
    [concat(start, text("\ufeffPOST", path, json, ""), end), "the method is not POST"],
    ...[
      "/v1/apps/Demo/logs",
      "/v1/apps//logs",
      "/v1/apps/demo/logs/",
      "/v1/apps/demo/logs\n",
      "/v1/apps/demo/logs?x=1",
      "/v1/apps/de%6do/logs",
      "/acs/v1/apps/demo/logs",
      `/v1/apps/${"a".repeat(64)}/logs`,
      "",
    ].map((other): [Uint8Array, string] => [
      concat(start, text("POST", other, json, ""), end),
      "the path is not that of a log",
    ]),
    [concat(start, text("POST", path, "application/json; charset=utf-8", ""), end), "the type is not JSON"],
    [concat(start, text("POST", path, "Application/JSON", ""), end), "the type is not JSON"],
    [concat(start, text("POST", path, json, "br"), end), "the encoding is neither absent nor gzip"],
    [concat(start, text("POST", path, json, "GZIP"), end), "the encoding is neither absent nor gzip"],
    [concat(start, text("POST", path, json, "")), "the input ends inside it"],
    [concat(start, text("POST", path, json, ""), end.slice(1)), "the input ends inside it"],
    [concat(start, text("POST", path, json, ""), end, Uint8Array.of(0)), "bytes are left over"],
  ];
  for (const [bytes, message] of faults) {
    assertThrows(() => decodeTranscript(bytes), DecodeError, `Cannot decode transcript: ${message}`);
  }
});

Deno.test("encodeTranscript() refuses a part that has not 32 bytes", () => {
  for (const name of ["keyId", "nonce", "bodyDigest"] as const) {
    for (const length of [0, 31, 33]) {
      assertThrows(
        () => encodeTranscript({ ...DEMO, [name]: new Uint8Array(length) }),
        RangeError,
        `a part has ${length} bytes, not 32`,
      );
    }
  }
  assertThrows(() => encodeTranscript({ ...DEMO, use: 0x10000 }), RangeError);
});

Deno.test("decodeTranscript() takes one encoding and gives a DecodeError for any other bytes", () => {
  const encode = (transcript: Transcript): Uint8Array => encodeTranscript(transcript);
  fc.assert(fc.property(transcripts, fc.nat(), fc.nat(), (transcript, bit, cut) => {
    const encoded = encodeTranscript(transcript);
    assertStrict(flipBit(encoded, bit % (encoded.length * 8)) as Uint8Array, decodeTranscript, encode);
    assertThrows(() => decodeTranscript(encoded.slice(0, cut % encoded.length)), DecodeError);
    assertThrows(() => decodeTranscript(concat(encoded, Uint8Array.of(cut & 0xff))), DecodeError);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 250 }), (bytes) => {
    assertStrict(bytes as Uint8Array, decodeTranscript, encode);
    assertStrict(concat(utf8("DIT/1\0"), bytes) as Uint8Array, decodeTranscript, encode);
  }));
});

Deno.test("a flipped bit anywhere in the transcript is another MAC", () => {
  const encoded = encodeTranscript(DEMO);
  const macKey = Uint8Array.fromHex(MAC_KEY);
  const macs = new Set([PLAIN_MAC]);
  for (let bit = 0; bit < encoded.length * 8; bit++) {
    macs.add(toHex(computeMac(macKey, flipBit(encoded, bit))));
  }
  assertEquals(macs.size, encoded.length * 8 + 1);
});

/** A log as a server meets it. */
interface SentLog {
  readonly app: string;
  readonly contentEncoding: ContentEncoding;
  readonly header: string;
  readonly body: Uint8Array;
}

/** Signs as a client does: everything that is sent goes into the MAC. */
function sign(macKey: Uint8Array, transcript: Transcript, body: Uint8Array): SentLog {
  const { app, contentEncoding, keyId, nonce, use } = transcript;
  const mac = computeMac(macKey, encodeTranscript({ ...transcript, bodyDigest: digestBody(body) }));
  return { app, contentEncoding, header: formatCredential({ keyId, nonce, use, mac }), body };
}

/** Verifies as a server does: the transcript is rebuilt from nothing but what was sent. */
function verifies(macKey: Uint8Array, { app, contentEncoding, header, body }: SentLog): boolean {
  const { keyId, nonce, use, mac } = parseCredential(header);
  const transcript = { app, contentEncoding, keyId, nonce, use, bodyDigest: digestBody(body) };
  return equalPublic(computeMac(macKey, encodeTranscript(transcript)), mac);
}

Deno.test("a flipped bit in app, encoding, key, nonce, use, MAC or body makes the MAC of a sent log fail", () => {
  const uses = fc.nat(9_999);
  fc.assert(fc.property(
    bytesOf(32),
    transcripts,
    uses,
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc.nat(),
    (macKey, transcript, use, body, random) => {
      const log = sign(macKey, { ...transcript, use }, body);
      assert(verifies(macKey, log));
      const credential = parseCredential(log.header);
      const bit = random % 256;
      const otherCredentials: Credential[] = [
        { ...credential, keyId: flipBit(credential.keyId, bit) },
        { ...credential, nonce: flipBit(credential.nonce, bit) },
        { ...credential, mac: flipBit(credential.mac, bit) },
        { ...credential, use: credential.use ^ 1 },
        { ...credential, use: (use + 1 + random % 9_999) % 10_000 },
      ];
      const others: SentLog[] = [
        ...otherCredentials.map((other) => ({ ...log, header: formatCredential(other) })),
        { ...log, contentEncoding: log.contentEncoding === "" ? "gzip" : "" },
        { ...log, app: String.fromCharCode(log.app.charCodeAt(0) ^ 1) + log.app.slice(1) },
        { ...log, app: `${log.app}-` },
        { ...log, body: flipBit(body, random % (body.length * 8)) },
        { ...log, body: concat(body, Uint8Array.of(0)) },
        { ...log, body: body.slice(0, -1) },
      ];
      for (const other of others) assertFalse(verifies(macKey, other));
      assertFalse(verifies(flipBit(macKey, bit), log));
    },
  ));
});

Deno.test("deriveMacKey() gives another key for another authenticator", () => {
  fc.assert(fc.property(bytesOf(64), fc.nat(511), (authenticator, bit) => {
    assertNotEquals(deriveMacKey(authenticator), deriveMacKey(flipBit(authenticator, bit)));
  }));
});
