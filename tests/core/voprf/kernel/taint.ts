/**
 * Reads the compiled module and follows what is secret through it.
 *
 * Everything that a load gives is taken for secret; parameters, which are addresses and counts by the module's types,
 * and constants are public. What is computed from a secret is secret, in locals too. A use that could show a secret in
 * time is reported: as a condition, as an address, as a length, as an argument of a function.
 *
 * The reader knows the instructions of the kernel and no other: one that is not listed here throws.
 *
 * @module
 */

/** How an instruction takes and leaves values: `pops` operands, `pushes` results. */
interface Shape {
  readonly name: string;
  readonly pops: number;
  readonly pushes: number;
  /** What follows it: LEB128 numbers, or bytes. */
  readonly immediates?: readonly ("leb" | number)[];
  /** It reads memory, so that its result is secret. */
  readonly loads?: true;
  /** Operands, counted from the deepest, that have to be public. */
  readonly publicOperands?: readonly number[];
}

const binary = (name: string): Shape => ({ name, pops: 2, pushes: 1 });
const unary = (name: string): Shape => ({ name, pops: 1, pushes: 1 });
const load = (name: string): Shape => ({
  name,
  pops: 1,
  pushes: 1,
  immediates: ["leb", "leb"],
  loads: true,
  publicOperands: [0],
});
const store = (name: string): Shape => ({
  name,
  pops: 2,
  pushes: 0,
  immediates: ["leb", "leb"],
  publicOperands: [0],
});

/**
 * Every instruction of the module but control, locals and calls. All take a time that does not depend on their operands:
 * products of 64-bit integers and of doubles do not on the CPUs that servers have, as long as no double is subnormal,
 * and no limb and no product of limbs is (they are integers). There is no division, and no product of 64-bit lanes,
 * which engines emulate slowly.
 */
const INSTRUCTIONS: Readonly<Record<number, Shape>> = {
  0x41: { name: "i32.const", pops: 0, pushes: 1, immediates: ["leb"] },
  0x42: { name: "i64.const", pops: 0, pushes: 1, immediates: ["leb"] },
  0x46: binary("i32.eq"),
  0x49: binary("i32.lt_u"),
  0x52: binary("i64.ne"),
  0x6a: binary("i32.add"),
  0x6b: binary("i32.sub"),
  0x6c: binary("i32.mul"),
  0x71: binary("i32.and"),
  0x7c: binary("i64.add"),
  0x7d: binary("i64.sub"),
  0x7e: binary("i64.mul"),
  0x83: binary("i64.and"),
  0x84: binary("i64.or"),
  0x85: binary("i64.xor"),
  0x86: binary("i64.shl"),
  0x87: binary("i64.shr_s"),
  0x88: binary("i64.shr_u"),
  0xa7: unary("i32.wrap_i64"),
  0x29: load("i64.load"),
  0x35: load("i64.load32_u"),
  0x37: store("i64.store"),
  0x3e: store("i64.store32"),
  0xfc0a: {
    name: "memory.copy",
    pops: 3,
    pushes: 0,
    immediates: ["leb", "leb"],
    publicOperands: [0, 1, 2],
  },
  0xfc0b: { name: "memory.fill", pops: 3, pushes: 0, immediates: ["leb"], publicOperands: [0, 2] },
  0xfd00: load("v128.load"),
  0xfd0b: store("v128.store"),
  0xfd0d: { ...binary("i8x16.shuffle"), immediates: [16] },
  0xfd12: unary("i64x2.splat"),
  0xfd1d: { ...unary("i64x2.extract_lane"), immediates: [1] },
  0xfd4e: binary("v128.and"),
  0xfd4f: binary("v128.andnot"),
  0xfd50: binary("v128.or"),
  0xfd51: binary("v128.xor"),
  0xfd52: { name: "v128.bitselect", pops: 3, pushes: 1 },
  0xfd57: {
    name: "v128.load64_lane",
    pops: 2,
    pushes: 1,
    immediates: ["leb", "leb", 1],
    loads: true,
    publicOperands: [0],
  },
  0xfd5b: {
    name: "v128.store64_lane",
    pops: 2,
    pushes: 0,
    immediates: ["leb", "leb", 1],
    publicOperands: [0],
  },
  0xfdcb: binary("i64x2.shl"),
  0xfdcc: binary("i64x2.shr_s"),
  0xfdcd: binary("i64x2.shr_u"),
  0xfdce: binary("i64x2.add"),
  0xfdd1: binary("i64x2.sub"),
  0xfdd6: binary("i64x2.eq"),
  0xfdf0: binary("f64x2.add"),
  0xfdf1: binary("f64x2.sub"),
  0xfd107: { name: "f64x2.relaxed_madd", pops: 3, pushes: 1 },
};

/** A value on the stack or in a local. */
interface Value {
  readonly secret: boolean;
  /** Its value is in the code. */
  readonly constant: boolean;
}

/** What one function does that a reviewer has to look at. */
export interface FunctionListing {
  readonly name: string;
  readonly bytes: number;
  /** How often each instruction occurs. */
  readonly instructions: Readonly<Record<string, number>>;
  /** Loops that count up to a public number. */
  readonly loops: number;
  /** Conditions whose value is public. */
  readonly publicConditions: number;
  /** Accesses of memory at an address that a parameter or a counter decides, and not the code alone. */
  readonly movingAddresses: number;
  /** Uses of a secret that show in time, with the instruction. */
  readonly secretUses: readonly string[];
}

interface FunctionType {
  readonly parameters: number;
  readonly results: number;
}

class Reader {
  position = 0;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  byte(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw new RangeError("The module ends early");
    return byte;
  }
  leb(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.byte();
      if (shift < 35) value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  take(length: number): Uint8Array {
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
  many<T>(read: () => T): T[] {
    return Array.from({ length: this.leb() }, read);
  }
}

/** The opcode at a place, with its prefix in front. */
function opcode(reader: Reader): number {
  const first = reader.byte();
  if (first !== 0xfc && first !== 0xfd) return first;
  const second = reader.leb();
  return second > 0xff ? first * 0x1000 + second : first * 0x100 + second;
}

/** Lists what every function of a module does; `names` are theirs by index. */
export function listModule(module: Uint8Array, names: readonly string[]): FunctionListing[] {
  const reader = new Reader(module);
  reader.take(8);
  let signatures: FunctionType[] = [];
  let typeOf: number[] = [];
  let bodies: Uint8Array[] = [];
  while (reader.position < module.length) {
    const id = reader.byte();
    const section = new Reader(reader.take(reader.leb()));
    if (id === 1) {
      signatures = section.many(() => {
        section.byte();
        return {
          parameters: section.many(() => section.byte()).length,
          results: section.many(() => section.byte()).length,
        };
      });
    } else if (id === 2) throw new RangeError("The module imports something");
    else if (id === 3) typeOf = section.many(() => section.leb());
    else if (id === 10) bodies = section.many(() => section.take(section.leb()));
  }
  const types = typeOf.map((index) => signatures[index] ?? { parameters: 0, results: 0 });
  return bodies.map((body, index) =>
    listFunction(names[index] ?? `${index}`, body, types[index] ?? { parameters: 0, results: 0 }, types)
  );
}

function listFunction(
  name: string,
  body: Uint8Array,
  type: FunctionType,
  types: readonly FunctionType[],
): FunctionListing {
  const start = new Reader(body);
  const localCount = start.many(() => {
    const count = start.leb();
    start.byte();
    return count;
  }).reduce((a, b) => a + b, 0);
  const secretLocals = new Set<number>();
  // Loops bring values of later code to earlier one: repeated until no local becomes secret any more.
  for (;;) {
    const before = secretLocals.size;
    const listing = pass(name, body, start.position, type, types, secretLocals, localCount);
    if (secretLocals.size === before) return listing;
  }
}

function pass(
  name: string,
  body: Uint8Array,
  from: number,
  type: FunctionType,
  types: readonly FunctionType[],
  secretLocals: Set<number>,
  localCount: number,
): FunctionListing {
  const reader = new Reader(body);
  reader.position = from;
  const stack: Value[] = [];
  const instructions: Record<string, number> = {};
  const secretUses: string[] = [];
  let [loops, publicConditions, movingAddresses, depth] = [0, 0, 0, 0];
  const pop = (): Value => {
    const value = stack.pop();
    if (value === undefined) throw new RangeError(`${name} takes a value that is not there`);
    return value;
  };
  const pops = (count: number) => Array.from({ length: count }, pop).reverse();
  const count = (instruction: string) => {
    instructions[instruction] = (instructions[instruction] ?? 0) + 1;
  };
  const demandPublic = (value: Value | undefined, use: string) => {
    if (value?.secret) secretUses.push(use);
  };
  while (reader.position < body.length) {
    const code = opcode(reader);
    if (code === 0x03 || code === 0x04) {
      reader.byte();
      depth++;
      count(code === 0x03 ? "loop" : "if");
      if (code === 0x04) {
        const condition = pop();
        demandPublic(condition, "if");
        if (!condition.secret) publicConditions++;
      }
    } else if (code === 0x0b) {
      count("end");
      depth--;
    } else if (code === 0x0d) {
      count("br_if");
      if (reader.leb() !== 0) throw new RangeError(`${name} leaves more than its loop`);
      demandPublic(pop(), "br_if");
      loops++;
    } else if (code === 0x10) {
      const callee = reader.leb();
      count("call");
      const { parameters, results } = types[callee] ?? { parameters: 0, results: 0 };
      for (const argument of pops(parameters)) demandPublic(argument, "argument of a call");
      for (let index = 0; index < results; index++) stack.push({ secret: true, constant: false });
    } else if (code === 0x20) {
      const local = reader.leb();
      if (local >= type.parameters + localCount) throw new RangeError(`${name} has no local ${local}`);
      count("local.get");
      stack.push({ secret: secretLocals.has(local), constant: false });
    } else if (code === 0x21) {
      const local = reader.leb();
      count("local.set");
      if (pop().secret) secretLocals.add(local);
    } else {
      const shape = INSTRUCTIONS[code];
      if (shape === undefined) {
        throw new RangeError(`${name} has an unknown instruction 0x${code.toString(16)}`);
      }
      count(shape.name);
      for (const immediate of shape.immediates ?? []) {
        if (immediate === "leb") reader.leb();
        else reader.take(immediate);
      }
      const operands = pops(shape.pops);
      for (const index of shape.publicOperands ?? []) demandPublic(operands[index], shape.name);
      if (shape.publicOperands !== undefined && !operands[0]?.constant) movingAddresses++;
      for (let index = 0; index < shape.pushes; index++) {
        stack.push({
          secret: shape.loads === true || operands.some(({ secret }) => secret),
          constant: operands.every(({ constant }) => constant) && shape.loads !== true,
        });
      }
    }
  }
  if (depth !== -1 || stack.length !== type.results) {
    throw new RangeError(`${name} does not end where it should`);
  }
  return {
    name,
    bytes: body.length,
    instructions,
    loops,
    publicConditions,
    movingAddresses,
    secretUses: secretUses.toSorted(),
  };
}
