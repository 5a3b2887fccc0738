import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../../../core/base/bytes.ts";
import { ComparisonDomain } from "../../../../core/privacy/dp/comparison_domain.ts";

const secret = new Uint8Array(32).fill(7);
const value = utf8("linux");

Deno.test("ComparisonDomain gives one hash for one name, in every process", () => {
  const hash = new ComparisonDomain(secret, ["demo", "2969"]).hashValue(value);
  assertEquals(new ComparisonDomain(secret, ["demo", "2969"]).hashValue(value), hash);
});

Deno.test("ComparisonDomain keeps domains, secrets, and values and pseudonyms apart", () => {
  const hashes = [
    new ComparisonDomain(secret, ["demo", "2969"]).hashValue(value),
    new ComparisonDomain(secret, ["demo", "2969"]).hashPseudonym(value),
    new ComparisonDomain(secret, ["demo", "2970"]).hashValue(value),
    new ComparisonDomain(secret, ["demo2", "969"]).hashValue(value),
    new ComparisonDomain(secret, ["demo2969"]).hashValue(value),
    new ComparisonDomain(new Uint8Array(32).fill(8), ["demo", "2969"]).hashValue(value),
  ];
  for (const [i, a] of hashes.entries()) {
    for (const b of hashes.slice(i + 1)) assertNotEquals(a, b);
  }
});

Deno.test("ComparisonDomain refuses a short secret", () => {
  assertThrows(() => new ComparisonDomain(new Uint8Array(31), ["demo"]), RangeError, "31 bytes");
});
