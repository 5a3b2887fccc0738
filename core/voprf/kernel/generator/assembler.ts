/**
 * A small assembler for WebAssembly: what the kernel needs, and nothing between what is written here and the bytes of
 * the module. There is no optimizer whose work a reviewer would have to trust; registers are the engine's matter.
 *
 * An expression is the list of the bytes that leave its value on the stack, with its type for the type checker. Writing
 * an expression twice computes it twice: what is used again goes into a local.
 *
 * @module
 */

/** The types of values: integers of 32 and 64 bits, and a vector of two lanes of 64 bits. */
export type Type = "i32" | "i64" | "v128";
const TYPE_CODES: Readonly<Record<Type, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

declare const TYPE: unique symbol;
/** Bytes of code that leave a value of type `T`; `void` for a statement. */
export type Code<T extends Type | "void"> = readonly number[] & { readonly [TYPE]?: T };
/** A 32-bit number or address. */
export type I32 = Code<"i32">;
/** A 64-bit number. */
export type I64 = Code<"i64">;
/** Two lanes. */
export type V128 = Code<"v128">;

/** An unsigned number in LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value !== 0);
  return bytes;
}

/** A signed number of at most 64 bits in LEB128. */
function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = Number(value & 127n);
    value >>= 7n;
    if ((value === 0n && low < 64) || (value === -1n && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** The bytes of a number, the lowest first. */
export function littleEndian(value: bigint, length: number): number[] {
  return Array.from({ length }, (_, byte) => Number((value >> BigInt(8 * byte)) & 255n));
}

/** What the binary format calls a vector: its length, then its items. */
const vector = (items: readonly (readonly number[])[]) => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const named = (name: string) => sized([...new TextEncoder().encode(name)]);

const SIMD = 0xfd;
/** An instruction of one byte, or of the SIMD page. */
const instruction = (code: number, simd = false) => simd ? [SIMD, ...unsigned(code)] : [code];

type Binary<T extends Type, R extends Type = T> = (a: Code<T>, b: Code<T>) => Code<R>;
function binary<T extends Type, R extends Type = T>(code: number, simd = false): Binary<T, R> {
  return (a, b) => [...a, ...b, ...instruction(code, simd)];
}

/** Constant numbers. */
export const i32 = (value: number): I32 => [0x41, ...signed(BigInt(value | 0))];
/** A constant of 64 bits, given signed or unsigned. */
export const i64 = (value: bigint): I64 => [0x42, ...signed(BigInt.asIntN(64, value))];

/** Arithmetic on 32 bits. */
export const i32Add = binary<"i32">(0x6a);
/** Difference of 32 bits. */
export const i32Sub = binary<"i32">(0x6b);
/** Product of 32 bits: of addresses and counters. */
export const i32Mul = binary<"i32">(0x6c);
/** Logical shift right. */
export const i32ShrU = binary<"i32">(0x76);
/** Less than, unsigned: 1 or 0. */
export const i32LtU = binary<"i32">(0x49);
/** Equal: 1 or 0. */
export const i32Eq = binary<"i32">(0x46);
/** Bitwise and. */
export const i32And = binary<"i32">(0x71);
/** Bitwise or. */
export const i32Or = binary<"i32">(0x72);
/** The low half of 64 bits. */
export const i32Wrap = (a: I64): I32 => [...a, 0xa7];

/** Arithmetic on 64 bits. */
export const i64Add = binary<"i64">(0x7c);
/** Difference of 64 bits. */
export const i64Sub = binary<"i64">(0x7d);
/** The low 64 bits of a product. */
export const i64Mul = binary<"i64">(0x7e);
/** Bitwise and. */
export const i64And = binary<"i64">(0x83);
/** Bitwise or. */
export const i64Or = binary<"i64">(0x84);
/** Bitwise exclusive or. */
export const i64Xor = binary<"i64">(0x85);
/** Whether two differ: 1 or 0. */
export const i64Ne = binary<"i64", "i32">(0x52);
/** Shift left. */
export const i64Shl = binary<"i64">(0x86);
/** Arithmetic shift right. */
export const i64ShrS = binary<"i64">(0x87);
/** Logical shift right. */
export const i64ShrU = binary<"i64">(0x88);

/** Bitwise and of all 128 bits. */
export const and = binary<"v128">(0x4e, true);
/** `a` without the bits of `b`. */
export const andNot = binary<"v128">(0x4f, true);
/** Bitwise or. */
export const or = binary<"v128">(0x50, true);
/** Bitwise exclusive or. */
export const xor = binary<"v128">(0x51, true);
/** The bits of `a` where `mask` has ones, those of `b` elsewhere. */
export const select = (mask: V128, a: V128, b: V128): V128 => [
  ...a,
  ...b,
  ...mask,
  ...instruction(0x52, true),
];
/** Sums of lanes as integers. */
export const i64x2Add = binary<"v128">(0xce, true);
/** Differences of lanes as integers. */
export const i64x2Sub = binary<"v128">(0xd1, true);
/** All bits of a lane where two are equal, none elsewhere. */
export const i64x2Eq = binary<"v128">(0xd6, true);
/** Sums of lanes as doubles. */
export const f64x2Add = binary<"v128">(0xf0, true);
/** Differences of lanes as doubles. */
export const f64x2Sub = binary<"v128">(0xf1, true);
/** Lanes as integers, shifted left by a number of bits. */
export const i64x2Shl = (a: V128, bits: number): V128 => [...a, ...i32(bits), ...instruction(0xcb, true)];
/** The same to the right, with the sign. */
export const i64x2ShrS = (a: V128, bits: number): V128 => [...a, ...i32(bits), ...instruction(0xcc, true)];
/** The same to the right, with zeros. */
export const i64x2ShrU = (a: V128, bits: number): V128 => [...a, ...i32(bits), ...instruction(0xcd, true)];
/** `a * b + c` of doubles, in one rounding where the CPU has the instruction (relaxed SIMD). */
export const relaxedMadd = (a: V128, b: V128, c: V128): V128 => [
  ...a,
  ...b,
  ...c,
  ...instruction(0x107, true),
];
/** Both lanes the same number. */
export const i64x2Splat = (a: I64): V128 => [...a, ...instruction(0x12, true)];
/** One lane as a number. */
export const i64x2Lane = (a: V128, lane: 0 | 1): I64 => [...a, ...instruction(0x1d, true), lane];
/** A lane of `a`, then a lane of `b`; lanes 0 and 1 are those of `a`, 2 and 3 those of `b`. */
export const lanes = (a: V128, b: V128, first: number, second: number): V128 => [
  ...a,
  ...b,
  ...instruction(0x0d, true),
  ...[first, second].flatMap((lane) => Array.from({ length: 8 }, (_, byte) => 8 * lane + byte)),
];

/** Where in memory: an address and a constant offset. `align` is the logarithm of the alignment. */
const memarg = (align: number, offset: number) => [...unsigned(align), ...unsigned(offset)];
/** A vector of memory. */
export const load = (address: I32, offset = 0): V128 => [
  ...address,
  ...instruction(0x00, true),
  ...memarg(4, offset),
];
/** Writes a vector. */
export const store = (address: I32, value: V128, offset = 0): Code<"void"> => [
  ...address,
  ...value,
  ...instruction(0x0b, true),
  ...memarg(4, offset),
];
/** A number of 64 bits of memory. */
export const load64 = (address: I32, offset = 0): I64 => [...address, 0x29, ...memarg(3, offset)];
/** Writes a number of 64 bits. */
export const store64 = (address: I32, value: I64, offset = 0): Code<"void"> => [
  ...address,
  ...value,
  0x37,
  ...memarg(3, offset),
];
/** 32 bits of memory, as an unsigned number of 64. */
export const load32 = (address: I32, offset = 0): I64 => [...address, 0x35, ...memarg(2, offset)];
/** Writes the low 32 bits. */
export const store32 = (address: I32, value: I64, offset = 0): Code<"void"> => [
  ...address,
  ...value,
  0x3e,
  ...memarg(2, offset),
];
/** 64 bits of memory in both lanes. */
export const loadSplat = (address: I32, offset = 0): V128 => [
  ...address,
  ...instruction(0x0a, true),
  ...memarg(3, offset),
];
/** A vector with one lane read from memory. */
export const loadLane = (address: I32, into: V128, lane: 0 | 1, offset = 0): V128 => [
  ...address,
  ...into,
  ...instruction(0x57, true),
  ...memarg(3, offset),
  lane,
];
/** Writes one lane. */
export const storeLane = (address: I32, value: V128, lane: 0 | 1, offset = 0): Code<"void"> => [
  ...address,
  ...value,
  ...instruction(0x5b, true),
  ...memarg(3, offset),
  lane,
];
/** Copies `length` bytes of memory. */
export const copy = (to: I32, from: I32, length: I32): Code<"void"> => [
  ...to,
  ...from,
  ...length,
  0xfc,
  10,
  0,
  0,
];
/** Zeroes `length` bytes of memory. */
export const zero = (to: I32, length: I32): Code<"void"> => [...to, ...i32(0), ...length, 0xfc, 11, 0];

/** A local variable of a function. */
export interface Local<T extends Type> {
  /** Reads it. */
  readonly get: Code<T>;
  /** Writes it. */
  set(value: Code<T>): void;
}

/** A function under construction: statements are added in their order. */
export class Body {
  readonly #locals: Type[] = [];
  readonly #parameters: number;
  readonly #code: number[] = [];
  readonly #free = new Map<Type, number[]>();
  #scope: [Type, number][] = [];

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Adds a statement. */
  do(...statements: Code<"void">[]): void {
    for (const statement of statements) this.#code.push(...statement);
  }

  /** A local; it is to be set before it is read. */
  local<T extends Type>(type: T): Local<T> {
    const slot = this.#free.get(type)?.pop() ?? this.#locals.push(type) - 1;
    this.#scope.push([type, slot]);
    const index = unsigned(this.#parameters + slot);
    return {
      get: [0x20, ...index],
      set: (value) => this.#code.push(...value, 0x21, ...index),
    };
  }

  /** Runs `write`; the locals that it makes may serve others after it. */
  scope(write: () => void): void {
    const outer = this.#scope;
    this.#scope = [];
    write();
    for (const [type, slot] of this.#scope) {
      const free = this.#free.get(type) ?? [];
      this.#free.set(type, [...free, slot]);
    }
    this.#scope = outer;
  }

  /** A value in a local of its own, to be used several times. */
  let<T extends Type>(type: T, value: Code<T>): Code<T> {
    const local = this.local(type);
    local.set(value);
    return local.get;
  }

  /** Runs `body` for a counter from 0 up to `count`, which is public and not 0. */
  repeat(count: I32, body: (counter: I32) => void): void {
    const counter = this.local("i32");
    const end = this.let("i32", count);
    counter.set(i32(0));
    this.#code.push(0x03, 0x40);
    body(counter.get);
    counter.set(i32Add(counter.get, i32(1)));
    this.#code.push(...i32LtU(counter.get, end), 0x0d, 0, 0x0b);
  }

  /** Runs `body` if a condition holds that is public. */
  when(condition: I32, body: () => void): void {
    this.#code.push(...condition, 0x04, 0x40);
    body();
    this.#code.push(0x0b);
  }

  /** The function's entry in the code section. */
  bytes(result: readonly number[]): number[] {
    const locals = this.#locals.map((type) => [1, TYPE_CODES[type]]);
    return sized([...vector(locals), ...this.#code, ...result, 0x0b]);
  }
}

/** A function that was added to a module: calling it is an expression. */
export type Call<R extends Type | "void"> = (...args: I32[]) => Code<R>;

interface FunctionEntry {
  readonly name: string;
  readonly parameters: number;
  readonly result: Type | "void";
  readonly exported: boolean;
  readonly bytes: number[];
}

/** A module under construction. Its memory has a fixed size, and all parameters of its functions are addresses or counts. */
export class Module {
  readonly #functions: FunctionEntry[] = [];
  readonly #data: number[] = [];
  readonly #dataAt = new Map<string, number>();
  #memory = 0;

  /** Reserves zeroed memory, aligned to 64 bytes; its address. */
  reserve(length: number): number {
    const address = Math.max(this.#memory, DATA_LENGTH);
    this.#memory = (address + length + 63) & ~63;
    return address;
  }

  /** Where the reserved memory ends. */
  get end(): number {
    return this.#memory;
  }

  /** Constant bytes in memory, aligned to 16; their address. Equal ones are kept once. */
  constant(bytes: readonly number[]): number {
    const key = bytes.join();
    const known = this.#dataAt.get(key);
    if (known !== undefined) return known;
    const address = this.#data.length;
    this.#dataAt.set(key, address);
    this.#data.push(...bytes, ...Array.from({ length: -bytes.length & 15 }, () => 0));
    if (this.#data.length > DATA_LENGTH) throw new RangeError("Cannot assemble: too many constants");
    return address;
  }

  /** Constant vectors in memory, each a number of 64 bits in both lanes; their address. */
  vectors(...values: bigint[]): number {
    return this.constant(values.flatMap((value) => {
      const lane = littleEndian(value, 8);
      return [...lane, ...lane];
    }));
  }

  /** Adds a function. `build` writes it and gives the expression of its result, if it has one. */
  function<R extends Type | "void">(
    name: string,
    parameters: number,
    result: R,
    build: (body: Body, ...parameters: I32[]) => Code<R>,
    exported = false,
  ): Call<R> {
    const body = new Body(parameters);
    const value = build(body, ...Array.from({ length: parameters }, (_, index) => [0x20, index]));
    const index = unsigned(this.#functions.length);
    this.#functions.push({ name, parameters, result, exported, bytes: body.bytes(value) });
    return (...args) => [...args.flat(), 0x10, ...index];
  }

  /** The names of the functions in the order of their indices. */
  names(): string[] {
    return this.#functions.map(({ name }) => name);
  }

  /** The binary. */
  bytes(): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: readonly number[]) => [id, ...sized(content)];
    const pages = unsigned(Math.ceil(this.#memory / 65536));
    const types = this.#functions.map(({ parameters, result }) => [
      0x60,
      ...vector(Array.from({ length: parameters }, () => [TYPE_CODES.i32])),
      ...vector(result === "void" ? [] : [[TYPE_CODES[result]]]),
    ]);
    const exports = this.#functions.flatMap(({ name, exported }, index) =>
      exported ? [[...named(name), 0, ...unsigned(index)]] : []
    );
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, vector(types)),
      ...section(3, vector(types.map((_, index) => unsigned(index)))),
      ...section(5, vector([[0x01, ...pages, ...pages]])),
      ...section(7, vector([[...named("memory"), 2, 0], ...exports])),
      ...section(10, vector(this.#functions.map(({ bytes }) => bytes))),
      ...section(11, vector([[0x00, ...i32(0), 0x0b, ...sized(this.#data)]])),
    ]);
  }
}

/** The bytes kept for constants, from address 0. */
const DATA_LENGTH = 4096;
