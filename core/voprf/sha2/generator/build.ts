/**
 * SHA-512, SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) of one message in memory.
 *
 * The message stands in the inner block's wake: before it is room for the block of a MAC's key, behind it for padding.
 * Nothing branches and nothing is addressed by what is hashed, only by how long it is.
 *
 * @module
 */
import {
  type Code,
  copy,
  type I32,
  i32,
  i32Add,
  i32And,
  i32Or,
  i32ShrU,
  i32Sub,
  type I64,
  i64,
  i64Add,
  i64And,
  i64Or,
  i64Shl,
  i64ShrU,
  i64Xor,
  load,
  load64,
  Module,
  store,
  store64,
  type V128,
  zero,
} from "../../kernel/generator/assembler.ts";
import type { BuiltModule } from "../../kernel/generator/source.ts";

/** The longest message, in bytes: an input of 64 KiB with every prefix of the protocol around it. */
const MESSAGE_LENGTH = 65536 + 1024;
const KEY_LENGTH = 32;
/** Bytes of a block of SHA-256, which a MAC's key is padded to. */
const BLOCK_256 = 64;
const BLOCK_512 = 128;

/** Round constants of SHA-512; the upper halves of the first 64 are those of SHA-256. */
// deno-fmt-ignore
const ROUNDS: readonly bigint[] = [
  0x428a2f98d728ae22n, 0x7137449123ef65cdn, 0xb5c0fbcfec4d3b2fn, 0xe9b5dba58189dbbcn,
  0x3956c25bf348b538n, 0x59f111f1b605d019n, 0x923f82a4af194f9bn, 0xab1c5ed5da6d8118n,
  0xd807aa98a3030242n, 0x12835b0145706fben, 0x243185be4ee4b28cn, 0x550c7dc3d5ffb4e2n,
  0x72be5d74f27b896fn, 0x80deb1fe3b1696b1n, 0x9bdc06a725c71235n, 0xc19bf174cf692694n,
  0xe49b69c19ef14ad2n, 0xefbe4786384f25e3n, 0x0fc19dc68b8cd5b5n, 0x240ca1cc77ac9c65n,
  0x2de92c6f592b0275n, 0x4a7484aa6ea6e483n, 0x5cb0a9dcbd41fbd4n, 0x76f988da831153b5n,
  0x983e5152ee66dfabn, 0xa831c66d2db43210n, 0xb00327c898fb213fn, 0xbf597fc7beef0ee4n,
  0xc6e00bf33da88fc2n, 0xd5a79147930aa725n, 0x06ca6351e003826fn, 0x142929670a0e6e70n,
  0x27b70a8546d22ffcn, 0x2e1b21385c26c926n, 0x4d2c6dfc5ac42aedn, 0x53380d139d95b3dfn,
  0x650a73548baf63den, 0x766a0abb3c77b2a8n, 0x81c2c92e47edaee6n, 0x92722c851482353bn,
  0xa2bfe8a14cf10364n, 0xa81a664bbc423001n, 0xc24b8b70d0f89791n, 0xc76c51a30654be30n,
  0xd192e819d6ef5218n, 0xd69906245565a910n, 0xf40e35855771202an, 0x106aa07032bbd1b8n,
  0x19a4c116b8d2d0c8n, 0x1e376c085141ab53n, 0x2748774cdf8eeb99n, 0x34b0bcb5e19b48a8n,
  0x391c0cb3c5c95a63n, 0x4ed8aa4ae3418acbn, 0x5b9cca4f7763e373n, 0x682e6ff3d6b2b8a3n,
  0x748f82ee5defb2fcn, 0x78a5636f43172f60n, 0x84c87814a1f0ab72n, 0x8cc702081a6439ecn,
  0x90befffa23631e28n, 0xa4506cebde82bde9n, 0xbef9a3f7b2c67915n, 0xc67178f2e372532bn,
  0xca273eceea26619cn, 0xd186b8c721c0c207n, 0xeada7dd6cde0eb1en, 0xf57d4f7fee6ed178n,
  0x06f067aa72176fban, 0x0a637dc5a2c898a6n, 0x113f9804bef90daen, 0x1b710b35131c471bn,
  0x28db77f523047d84n, 0x32caab7b40c72493n, 0x3c9ebe0a15c9bebcn, 0x431d67c49c100d4cn,
  0x4cc5d4becb3e42b6n, 0x597f299cfc657e2an, 0x5fcb6fab3ad6faecn, 0x6c44198c4a475817n,
];

/** The initial value of SHA-512, whose upper halves are that of SHA-256. */
// deno-fmt-ignore
const INITIAL: readonly bigint[] = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];

/** The instructions of one word size, as far as the two hashes share their form. */
interface Words<T extends "i32" | "i64"> {
  readonly type: T;
  readonly length: number;
  add(a: Code<T>, b: Code<T>): Code<T>;
  and(a: Code<T>, b: Code<T>): Code<T>;
  or(a: Code<T>, b: Code<T>): Code<T>;
  xor(a: Code<T>, b: Code<T>): Code<T>;
  shiftRight(a: Code<T>, bits: number): Code<T>;
  rotateRight(a: Code<T>, bits: number): Code<T>;
  load(address: I32, offset?: number): Code<T>;
  store(address: I32, value: Code<T>, offset?: number): Code<"void">;
}

/** Where in memory: no alignment is promised. An offset in LEB128, of two bytes at most here. */
const place = (offset: number) => [0, ...offset < 128 ? [offset] : [(offset & 127) | 128, offset >> 7]];

const LONG: Words<"i64"> = {
  type: "i64",
  length: 8,
  add: i64Add,
  and: i64And,
  or: i64Or,
  xor: i64Xor,
  shiftRight: (a, bits) => i64ShrU(a, i64(BigInt(bits))),
  rotateRight: (a, bits) => [...a, ...i64(BigInt(bits)), 0x8a],
  load: load64,
  store: store64,
};

const SHORT: Words<"i32"> = {
  type: "i32",
  length: 4,
  add: i32Add,
  and: i32And,
  or: i32Or,
  xor: (a, b) => [...a, ...b, 0x73],
  shiftRight: (a, bits) => i32ShrU(a, i32(bits)),
  rotateRight: (a, bits) => [...a, ...i32(bits), 0x78],
  load: (address, offset = 0) => [...address, 0x28, ...place(offset)],
  store: (address, value, offset = 0) => [...address, ...value, 0x36, ...place(offset)],
};

/** The big-endian words of a vector in the machine's order, or the other way round. */
function swapBytes(vector: V128, wordLength: number): V128 {
  const order = Array.from({ length: 16 }, (_, byte) => byte ^ (wordLength - 1));
  return [...vector, ...vector, 0xfd, 0x0d, ...order];
}

/** Two rotations and a third, or a shift in its place, combined: the sigmas of FIPS 180-4, section 4.1. */
interface Sigmas {
  readonly large0: readonly [number, number, number];
  readonly large1: readonly [number, number, number];
  readonly small0: readonly [number, number, number];
  readonly small1: readonly [number, number, number];
  readonly rounds: number;
}
const SHA_512: Sigmas = {
  large0: [28, 34, 39],
  large1: [14, 18, 41],
  small0: [1, 8, 7],
  small1: [19, 61, 6],
  rounds: 80,
};
const SHA_256: Sigmas = {
  large0: [2, 13, 22],
  large1: [6, 11, 25],
  small0: [7, 18, 3],
  small1: [17, 19, 10],
  rounds: 64,
};

/** Builds the module; the same bytes every time. */
export function buildSha2(): BuiltModule {
  const module = new Module();
  const output = module.reserve(64);
  const key = module.reserve(KEY_LENGTH);
  const state = module.reserve(64);
  const schedule = module.reserve(SHA_512.rounds * 8);
  const outer = module.reserve(2 * BLOCK_256);
  const inner = module.reserve(BLOCK_256 + MESSAGE_LENGTH + 2 * BLOCK_512);
  const message = inner + BLOCK_256;

  const bytesOf = (words: readonly bigint[], length: number) =>
    words.flatMap((word) =>
      Array.from({ length }, (_, byte) => Number((word >> BigInt(64 - 8 * length + 8 * byte)) & 255n))
    );
  const initial512 = module.constant(bytesOf(INITIAL, 8));
  const initial256 = module.constant(bytesOf(INITIAL, 4));

  const compress512 = defineCompression(module, "compress512", LONG, SHA_512, {
    state,
    schedule,
    constants: module.constant(bytesOf(ROUNDS, 8)),
  });
  const compress256 = defineCompression(module, "compress256", SHORT, SHA_256, {
    state,
    schedule,
    constants: module.constant(bytesOf(ROUNDS.slice(0, 64), 4)),
  });

  /** Writes the padding behind a message of a length; the number of blocks. The length has an eighth of a block. */
  const pad = (name: string, blockBits: number) =>
    module.function(name, 2, "i32", (body, at, length) => {
      const block = 1 << blockBits;
      const blocks = body.let(
        "i32",
        i32ShrU(i32Add(length, i32(block + (block >> 3))), i32(blockBits)),
      );
      const end = body.let("i32", i32Add(at, length));
      const last = body.let("i32", i32Add(at, [...blocks, ...i32(blockBits), 0x74]));
      body.do(
        zero(end, i32Sub(last, end)),
        store8(end, i32(0x80)),
        store64(i32Sub(last, i32(8)), bigEndian(i64Shl(extend(length), i64(3n)))),
      );
      return blocks;
    });
  const pad512 = pad("pad512", 7);
  const pad256 = pad("pad256", 6);

  module.function("sha512", 1, "void", (body, length) => {
    body.do(copy(i32(state), i32(initial512), i32(64)));
    const block = body.local("i32");
    block.set(i32(message));
    body.repeat(pad512(i32(message), length), () => {
      body.do(compress512(block.get));
      block.set(i32Add(block.get, i32(BLOCK_512)));
    });
    for (let at = 0; at < 64; at += 16) body.do(store(i32(output + at), swapBytes(load(i32(state + at)), 8)));
    return [];
  }, true);

  const sha256 = module.function("sha256", 3, "void", (body, at, length, to) => {
    body.do(copy(i32(state), i32(initial256), i32(32)));
    const block = body.local("i32");
    block.set(at);
    body.repeat(pad256(at, length), () => {
      body.do(compress256(block.get));
      block.set(i32Add(block.get, i32(BLOCK_256)));
    });
    for (const half of [0, 16]) body.do(store(i32Add(to, i32(half)), swapBytes(load(i32(state + half)), 4)));
    return [];
  });

  module.function("hmacSha256", 1, "void", (body, length) => {
    for (let at = 0; at < BLOCK_256; at += 8) {
      const padded = at < KEY_LENGTH ? load64(i32(key + at)) : i64(0n);
      body.do(
        store64(i32(inner + at), i64Xor(padded, i64(0x3636363636363636n))),
        store64(i32(outer + at), i64Xor(padded, i64(0x5c5c5c5c5c5c5c5cn))),
      );
    }
    body.do(
      sha256(i32(inner), i32Add(length, i32(BLOCK_256)), i32(outer + BLOCK_256)),
      sha256(i32(outer), i32(BLOCK_256 + 32), i32(output)),
    );
    return [];
  }, true);

  /** Overwrites all that came of a message: itself, its padding, the key, the schedule, the chaining value, the result. */
  module.function("wipe", 1, "void", (body, length) => {
    body.do(
      zero(i32(output), i32(inner - output)),
      zero(i32(inner), i32Add(length, i32(BLOCK_256 + 2 * BLOCK_512))),
    );
    return [];
  }, true);

  return {
    bytes: module.bytes(),
    layout: { OUTPUT: output, KEY: key, MESSAGE: message, MESSAGE_LENGTH },
    words: { of: "the hashes", layout: "Addresses, and the most bytes that a message has" },
  };
}

const store8 = (address: I32, value: I32): Code<"void"> => [...address, ...value, 0x3a, 0, 0];
/** An unsigned number of 32 bits in 64. */
const extend = (a: I32): I64 => [...a, 0xad];
/** A number below 2^32 with its bytes in the other order. */
function bigEndian(value: I64): I64 {
  const vector: V128 = [...value, 0xfd, 0x12];
  return [...swapBytes(vector, 8), 0xfd, 0x1d, 0];
}

type Eight<V> = readonly [V, V, V, V, V, V, V, V];

/** The variables by the names that they have after a number of rounds: each is the next one's. */
const rotated = <V>(variables: readonly V[], rounds: number) =>
  [...variables.slice(8 - rounds), ...variables.slice(0, 8 - rounds)] as unknown as Eight<V>;

/** The compression function of one block: what both hashes share, on words of either size. */
function defineCompression<T extends "i32" | "i64">(
  module: Module,
  name: string,
  words: Words<T>,
  { large0, large1, small0, small1, rounds }: Sigmas,
  at: { readonly state: number; readonly schedule: number; readonly constants: number },
) {
  const { type, length, add, and, or, xor, rotateRight, shiftRight } = words;
  const sum = (first: Code<T>, ...others: Code<T>[]) => others.reduce(add, first);
  const large = (a: Code<T>, [x, y, z]: Sigmas["large0"]) =>
    xor(xor(rotateRight(a, x), rotateRight(a, y)), rotateRight(a, z));
  const small = (a: Code<T>, [x, y, z]: Sigmas["small0"]) =>
    xor(xor(rotateRight(a, x), rotateRight(a, y)), shiftRight(a, z));

  return module.function(name, 1, "void", (body, block) => {
    for (let offset = 0; offset < 16 * length; offset += 16) {
      body.do(store(i32(at.schedule + offset), swapBytes(load(block, offset), length)));
    }
    const word = body.local("i32");
    word.set(i32(at.schedule));
    body.repeat(i32((rounds - 16) / 8), () => {
      // Eight at a time, so that a loop's turn is a small part of its work.
      for (let step = 0; step < 8; step++) {
        const before = (back: number) => words.load(word.get, (16 - back + step) * length);
        const far = body.let(type, before(15));
        const near = body.let(type, before(2));
        body.do(
          words.store(
            word.get,
            sum(before(16), small(far, small0), before(7), small(near, small1)),
            (16 + step) * length,
          ),
        );
      }
      word.set(i32Add(word.get, i32(8 * length)));
    });

    const variables = Array.from({ length: 8 }, (_, index) => {
      const variable = body.local(type);
      variable.set(words.load(i32(at.state + index * length)));
      return variable;
    });
    const offset = body.local("i32");
    offset.set(i32(0));
    body.repeat(i32(rounds / 8), () => {
      // After eight rounds every variable is in its own place again, so that none is ever moved.
      for (let step = 0; step < 8; step++) {
        const [a, b, c, d, e, f, g, h] = rotated(variables, step);
        const chosen = xor(g.get, and(e.get, xor(f.get, g.get)));
        const majority = or(and(a.get, b.get), and(c.get, or(a.get, b.get)));
        const first = body.let(
          type,
          sum(
            h.get,
            large(e.get, large1),
            chosen,
            words.load(offset.get, at.constants + step * length),
            words.load(offset.get, at.schedule + step * length),
          ),
        );
        d.set(add(d.get, first));
        h.set(sum(first, large(a.get, large0), majority));
      }
      offset.set(i32Add(offset.get, i32(8 * length)));
    });
    variables.forEach((variable, index) => {
      const address = i32(at.state + index * length);
      body.do(words.store(address, add(words.load(address), variable.get)));
    });
    return [];
  });
}
