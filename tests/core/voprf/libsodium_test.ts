import { assert, assertEquals, assertThrows } from "@std/assert";
import libsodium from "libsodium-sumo";
import { createRequire } from "node:module";
import {
  embeddedBinary,
  type Libsodium,
  loadRistretto255,
  ristretto255Of,
} from "../../../core/voprf/libsodium.ts";

Deno.test("embeddedBinary() finds the binary, so that a cold start does not decode it in JavaScript", () => {
  const binary = embeddedBinary();
  assert(binary !== undefined && WebAssembly.validate(binary));
});

const one = Uint8Array.fromHex("01".padEnd(64, "0"));
/** The generator and its double (RFC 9496, appendix A.1). */
const GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
const DOUBLE = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919";

/** libsodium's CommonJS build, which falls back to plain JS by itself where WebAssembly fails. */
type FallingBack = Libsodium & { readonly ready: Promise<void>; useBackupModule(): Promise<void> };

Deno.test("ristretto255Of() takes libsodium as WebAssembly and refuses its plain-JS fallback", async () => {
  const require = createRequire(import.meta.resolve("libsodium-sumo"));
  const module: FallingBack = require("libsodium-sumo");
  await module.ready;
  assertEquals(ristretto255Of(module).multiplyBase(one)?.toHex(), GENERATOR);
  await module.useBackupModule();
  // It works, which is the trap: only the speed and the side channels differ.
  assertEquals(module._sodium_init(), 0);
  assertThrows(
    () => ristretto255Of(module),
    Error,
    "Cannot use libsodium: it runs as plain JavaScript and not as WebAssembly",
  );
});

Deno.test("ristretto255 on libsodium gives the multiples of RFC 9496", async () => {
  const group = await loadRistretto255();
  const generator = group.multiplyBase(one)!;
  assertEquals(generator.toHex(), GENERATOR);
  assertEquals(group.add(generator, generator)?.toHex(), DOUBLE);
  assertEquals(group.multiply(one.with(0, 2), generator)?.toHex(), DOUBLE);
});

Deno.test("ristretto255 on libsodium has no product for zero, the identity or what is no element", async () => {
  const group = await loadRistretto255();
  const zero = new Uint8Array(32);
  const generator = Uint8Array.fromHex(GENERATOR);
  assertEquals(group.multiplyBase(zero), undefined);
  assertEquals(group.multiply(zero, generator), undefined);
  assertEquals(group.multiply(one, zero), undefined);
  assertEquals(group.multiply(one, one), undefined);
  assertEquals(group.add(generator, one), undefined);
  assertEquals(group.scalarInvert(zero), undefined);
  assertEquals(group.isElement(zero), false);
  assertEquals(group.isElement(generator), true);
});

Deno.test("ristretto255 on libsodium refuses arguments of another length instead of reading a neighbour", async () => {
  const group = await loadRistretto255();
  const short = new Uint8Array(31);
  const long = new Uint8Array(33);
  for (const wrong of [short, long]) {
    assertThrows(() => group.multiply(wrong, one), RangeError);
    assertThrows(() => group.multiply(one, wrong), RangeError);
    assertThrows(() => group.add(one, wrong), RangeError);
    assertThrows(() => group.isElement(wrong), RangeError);
    assertThrows(() => group.fromUniform(wrong), RangeError);
    assertThrows(() => group.scalarReduce(wrong), RangeError);
  }
  assertThrows(() => group.sha512(new Uint8Array(66561)), RangeError, "the message is too long");
});

Deno.test("sha512() hashes its parts as one message", async () => {
  const group = await loadRistretto255();
  const message = new Uint8Array(66560).fill(0x61);
  for (const length of [0, 1, 111, 112, 128, 300, 66560]) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", message.subarray(0, length)));
    const [head, tail] = [message.subarray(0, length >> 1), message.subarray(length >> 1, length)];
    assertEquals(group.sha512(head, tail).toHex(), digest.toHex());
  }
});

Deno.test("ristretto255 on libsodium leaves no secret in its memory", async () => {
  const module: Libsodium = await libsodium();
  const group = ristretto255Of(module);
  const secret = crypto.getRandomValues(new Uint8Array(32)).with(31, 0);
  const generator = Uint8Array.fromHex(GENERATOR);
  group.isNonzeroScalar(secret);
  group.scalarMultiply(secret, one);
  group.scalarSubtract(secret, one);
  const product = group.multiply(secret, generator)!;
  const digest = group.sha512(secret, product);
  const found = (bytes: Uint8Array) => indexOf(module.HEAPU8, bytes) >= 0;
  assertEquals([secret, product, digest].map(found), [false, false, false]);
});

/** The first place of `needle` in `haystack`, or -1. */
function indexOf(haystack: Uint8Array, needle: Uint8Array): number {
  for (let at = haystack.indexOf(needle[0]!); at >= 0; at = haystack.indexOf(needle[0]!, at + 1)) {
    if (needle.every((byte, index) => haystack[at + index] === byte)) return at;
  }
  return -1;
}
