import { assertEquals, assertThrows } from "@std/assert";
import { MacKeyCache } from "../../../core/acs/mac_keys.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const nonce = (byte: number) => new Uint8Array(32).fill(byte);
const macKey = (byte: number) => new Uint8Array(32).fill(byte);

Deno.test("MacKeyCache forgets the key that was used the longest ago", () => {
  const cache = new MacKeyCache(random, 2);
  for (const byte of [1, 2]) cache.set(7, nonce(byte), macKey(byte));
  assertEquals(cache.get(7, nonce(1)), macKey(1));
  cache.set(7, nonce(3), macKey(3));
  assertEquals(cache.size, 2);
  assertEquals([1, 2, 3].map((byte) => cache.get(7, nonce(byte))), [macKey(1), undefined, macKey(3)]);
});

Deno.test("MacKeyCache tells keys of different ordinals apart, and clears one ordinal alone", () => {
  const cache = new MacKeyCache(random);
  for (const ordinal of [1, 11, 12]) cache.set(ordinal, nonce(1), macKey(ordinal));
  cache.clear(1);
  assertEquals([1, 11, 12].map((ordinal) => cache.get(ordinal, nonce(1))), [
    undefined,
    macKey(11),
    macKey(12),
  ]);
});

Deno.test("MacKeyCache overwrites only what is its own", () => {
  const cache = new MacKeyCache(random, 1);
  const given = macKey(1);
  cache.set(1, nonce(1), given);
  const got = cache.get(1, nonce(1));
  cache.set(1, nonce(2), macKey(2));
  cache.clear(1);
  assertEquals([given, got], [macKey(1), macKey(1)]);
  assertEquals(cache.size, 0);
});

Deno.test("MacKeyCache refuses a nonce that has not 32 bytes, whatever it was asked for before", () => {
  const cache = new MacKeyCache(random);
  cache.set(1, nonce(7), macKey(1));
  for (const length of [0, 31, 33]) {
    const other = new Uint8Array(length).fill(7);
    assertThrows(() => cache.get(1, other), RangeError, `${length} bytes, not 32`);
    assertThrows(() => cache.set(1, other, macKey(2)), RangeError, `${length} bytes, not 32`);
  }
  assertEquals([cache.get(1, nonce(7)), cache.size], [macKey(1), 1]);
});

Deno.test("MacKeyCache tells nonces apart by each of their bytes", () => {
  const cache = new MacKeyCache(random);
  cache.set(1, nonce(0), macKey(1));
  for (let at = 0; at < 32; at++) assertEquals(cache.get(1, nonce(0).with(at, 1)), undefined, `byte ${at}`);
});
