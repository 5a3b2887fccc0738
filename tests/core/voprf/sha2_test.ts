import { assertEquals, assertThrows } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { loadSha2 } from "../../../core/voprf/sha2/sha2.ts";
import { buildSha2 } from "../../../core/voprf/sha2/generator/build.ts";
import { sourceOfBinary } from "../../../core/voprf/kernel/generator/source.ts";
import { seededRandom } from "./suites.ts";

const hashes = loadSha2();
const random = seededRandom("messages");

Deno.test("sha512() and hmacSha256() give what node:crypto gives for every length of up to five blocks, and the longest", () => {
  for (const length of [...Array(5 * 128 + 1).keys(), 65_535, 65_536 + 1_024]) {
    const message = random(Math.min(length, 1_000));
    const whole = new Uint8Array(length);
    for (let at = 0; at < length; at += message.length) {
      whole.set(message.subarray(0, Math.min(message.length, length - at)), at);
    }
    const key = random(32);
    const parts = [whole.subarray(0, length / 3), new Uint8Array(), whole.subarray(length / 3)];
    assertEquals(hashes.sha512(...parts).toHex(), createHash("sha512").update(whole).digest("hex"));
    assertEquals(
      hashes.hmacSha256(key, ...parts).toHex(),
      createHmac("sha256", key).update(whole).digest("hex"),
    );
  }
});

Deno.test("sha2/binary.ts is, bit for bit, what its generator builds (deno task kernel)", async () => {
  const file = new URL("../../../core/voprf/sha2/binary.ts", import.meta.url);
  assertEquals(await Deno.readTextFile(file), sourceOfBinary(buildSha2()));
});

Deno.test("the memory of sha2 holds nothing of a message, a key or a hash afterwards", () => {
  const { Instance } = WebAssembly;
  let memory: WebAssembly.Memory | undefined;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module) {
      super(module);
      memory = this.exports["memory"] as WebAssembly.Memory;
    }
  };
  try {
    const own = loadSha2();
    const clean = new Uint8Array(memory!.buffer.slice(0));
    for (const length of [0, 1, 55, 56, 64, 111, 112, 1_000, 66_560]) {
      own.sha512(new Uint8Array(length).fill(0xa5));
      own.hmacSha256(new Uint8Array(32).fill(0x5a), new Uint8Array(length).fill(0xa5));
      assertEquals(
        new Uint8Array(memory!.buffer).findIndex((byte, at) => byte !== clean[at]),
        -1,
        `${length}`,
      );
    }
  } finally {
    WebAssembly.Instance = Instance;
  }
});

Deno.test("sha512() and hmacSha256() refuse a message that does not fit and a key of another length", () => {
  const long = new Uint8Array(65_536 + 1_025);
  assertThrows(() => hashes.sha512(long), RangeError, "the message is too long");
  assertThrows(() => hashes.hmacSha256(new Uint8Array(32), new Uint8Array(1), long), RangeError, "too long");
  for (const length of [0, 31, 33, 64]) {
    assertThrows(() => hashes.hmacSha256(new Uint8Array(length)), RangeError, "a key of");
  }
  assertEquals(hashes.sha512().toHex(), createHash("sha512").digest("hex"));
});
