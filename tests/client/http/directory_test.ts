import { assertEquals, assertThrows } from "@std/assert";
import { issuingKey, keyName, parseDirectory } from "../../../client/http/directory.ts";
import { DecodeError, toBase64url } from "../../../core/base/bytes.ts";
import { tokenKeyId } from "../../../core/token/token.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { present } from "../../support/base/present.ts";

type Members = Record<string, unknown>;
const DAY = 86_400;
const EPOCH = 20_779;

/** A directory's key of one epoch; its public key only has to be 32 bytes. */
function directoryKey(epoch = EPOCH, generation = 0, changes: Members = {}): Members {
  const key = sha256(new TextEncoder().encode(`${epoch} ${generation}`));
  return {
    "token-type": 5,
    "token-key": toBase64url(key),
    "token-key-id": toBase64url(tokenKeyId(key)),
    region: "local",
    epoch,
    generation,
    "not-before": epoch * DAY,
    "issue-until": (epoch + 1) * DAY,
    "redeem-until": (epoch + 2) * DAY,
    ...changes,
  };
}

function document(keys: unknown, changes: Members = {}): string {
  return JSON.stringify({
    issuer: "telemetry.example",
    app: "notes",
    region: "local",
    "epoch-seconds": DAY,
    "uses-per-token": 64,
    "max-batch": 32,
    "tokens-per-client": 4,
    "token-keys": keys,
    ...changes,
  });
}

Deno.test("parseDirectory() reads the example of the protocol", () => {
  const directory = parseDirectory(document([directoryKey()]), "notes");
  assertEquals(directory.issuer, "telemetry.example");
  assertEquals(directory.usesPerToken, 64);
  const key = present(directory.keys[0]);
  assertEquals(keyName(key), `local/${EPOCH}/0`);
  assertEquals(
    [key.notBefore, key.issueUntil, key.redeemUntil],
    [EPOCH, EPOCH + 1, EPOCH + 2].map((e) => e * DAY),
  );
});

Deno.test("parseDirectory() passes over members that it does not know", () => {
  assertEquals(
    parseDirectory(document([directoryKey(EPOCH, 0, { extra: 1 })], { extra: 1 }), "notes").keys.length,
    1,
  );
});

Deno.test("parseDirectory() refuses each fault", () => {
  const key = directoryKey();
  const faulty: Record<string, string> = {
    "no JSON": "{",
    "no object": "null",
    "another application's": document([key], { app: "other" }),
    "no list of keys": document({ 0: key }),
    "too many keys": document(Array.from({ length: 1025 }, (_, index) => directoryKey(index))),
    "a key that is none": document([null]),
    "one name with two keys": document([key, { ...directoryKey(EPOCH, 1), generation: 0 }]),
    "one key with two names": document([key, { ...key, generation: 1 }]),
    "an id that is not the hash": document([{ ...key, "token-key-id": toBase64url(new Uint8Array(32)) }]),
    "a padded key": document([{ ...key, "token-key": `${key["token-key"]}=` }]),
    "no region": document([{ ...key, region: "" }]),
    "a region with a slash": document([{ ...key, region: "a/b" }]),
    "an epoch that is no number": document([{ ...key, epoch: String(EPOCH) }]),
    "a negative generation": document([{ ...key, generation: -1 }]),
    "a key that issues before its epoch": document([{ ...key, "not-before": EPOCH * DAY - 1 }]),
    "a key that issues late": document([{ ...key, "not-before": EPOCH * DAY + 1 }]),
    "a key that issues after its epoch": document([{ ...key, "issue-until": (EPOCH + 1) * DAY + 1 }]),
    "a key that stops early": document([{ ...key, "issue-until": (EPOCH + 1) * DAY - 1 }]),
    "a key that redeems less than it issues": document([{ ...key, "redeem-until": EPOCH * DAY }]),
    "a key that redeems for a second of its own": document([{
      ...key,
      "redeem-until": (EPOCH + 2) * DAY + 1,
    }]),
    "a key that redeems too long": document([{ ...key, "redeem-until": (EPOCH + 10) * DAY }]),
    "no region that answered": document([key], { region: undefined }),
    "no issuer": document([key], { issuer: "" }),
    "no uses": document([key], { "uses-per-token": 0 }),
    "too many uses": document([key], { "uses-per-token": 1025 }),
    "half a batch": document([key], { "max-batch": 0.5 }),
    "no epoch length": document([key], { "epoch-seconds": 0 }),
    "an epoch of a year": document([], { "epoch-seconds": 366 * DAY }),
    "no quota": document([key], { "tokens-per-client": null }),
  };
  for (const [fault, text] of Object.entries(faulty)) {
    assertThrows(() => parseDirectory(text, "notes"), Error, undefined, fault);
  }
  assertThrows(() => parseDirectory(present(faulty["no uses"]), "notes"), DecodeError, "uses-per-token");
});

Deno.test("issuingKey() takes the newest generation of now, two replacements at most", () => {
  const noon = EPOCH * DAY + DAY / 2;
  const choose = (keys: Members[], type = 5, now = noon) =>
    issuingKey(parseDirectory(document(keys), "notes"), type, now)?.generation;
  assertEquals(choose([directoryKey()]), 0);
  assertEquals(choose([directoryKey(EPOCH, 0), directoryKey(EPOCH, 1)]), 1);
  assertEquals(choose([directoryKey(EPOCH, 1), directoryKey(EPOCH, 2), directoryKey(EPOCH, 0)]), 2);
  assertEquals(choose([directoryKey(EPOCH, 3)]), undefined);
  assertEquals(choose([directoryKey(EPOCH + 1)]), undefined);
  assertEquals(choose([directoryKey()], 1), undefined);
  assertEquals(choose([directoryKey()], 5, EPOCH * DAY), 0);
  assertEquals(choose([directoryKey()], 5, EPOCH * DAY - 1), undefined);
  assertEquals(choose([directoryKey()], 5, (EPOCH + 1) * DAY), undefined);
});

Deno.test("issuingKey() takes a key of the region that answered", () => {
  const here = directoryKey();
  const there = { ...directoryKey(EPOCH, 1), region: "there" };
  const choose = (region: string) =>
    issuingKey(parseDirectory(document([there, here], { region }), "notes"), 5, EPOCH * DAY)?.region;
  assertEquals(choose("local"), "local");
  assertEquals(choose("there"), "there");
  assertEquals(choose("nowhere"), undefined);
});

Deno.test("parseDirectory() takes every overlap that an application may have, also of two keys of one epoch", () => {
  const keys = Array.from(
    { length: 9 },
    (_, overlap) => directoryKey(EPOCH, overlap, { "redeem-until": (EPOCH + 1 + overlap) * DAY }),
  );
  const ends = parseDirectory(document(keys), "notes").keys.map(({ redeemUntil }) => redeemUntil / DAY);
  assertEquals(ends, Array.from({ length: 9 }, (_, overlap) => EPOCH + 1 + overlap));
});
