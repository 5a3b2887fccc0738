import { ed25519 } from "@noble/curves/ed25519.js";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ELEMENT, limbsOf, P } from "../../../../core/voprf/kernel/generator/limbs.ts";
import { loadKernel } from "../../../../core/voprf/kernel/load.ts";
import { KernelFault } from "../../../../core/voprf/kernel/kernel.ts";
import { RFC9496_INVALID } from "../malformed.ts";
import { seededRandom } from "../suites.ts";
import {
  derive,
  EDGE_SCALARS,
  freshExports,
  freshKernel,
  multiply,
  numberOf,
  ORDER,
  Point,
  scalarOf,
  TORSION,
  unavailable,
} from "./kernel.ts";

const kernel = unavailable ? undefined : freshKernel();
const random = seededRandom("kernel");
const randomScalar = () => numberOf(random(64)) % ORDER;
const randomPoint = () => derive(random(64));

/** A test of the kernel, which is skipped where it cannot run. */
function test(name: string, body: (it: NonNullable<typeof kernel>) => void): void {
  Deno.test({ name, ignore: unavailable, fn: () => kernel && body(kernel) });
}
const hex = (all: Uint8Array[] | undefined) => all?.map((bytes) => bytes.toHex());

Deno.test({
  name: "loadKernel() gives a kernel that passed its probe",
  ignore: unavailable,
  fn: async () => {
    const { kernel, reason } = await loadKernel();
    assertEquals(reason, undefined);
    assert(kernel !== undefined);
  },
});

test("multiplyBase() gives the multiples of RFC 9496, appendix A.1", (it) => {
  const multiples = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
    "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
    "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
    "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
    "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
    "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
    "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
    "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
    "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
    "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
    "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e",
  ];
  assertEquals(hex(it.multiplyBase(multiples.map((_, n) => scalarOf(BigInt(n))))), multiples);
});

test("mapAndMultiplyAll() derives the elements of RFC 9496, appendix A.3", (it) => {
  const cases = [
    [
      "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c14d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
      "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
    ],
    [
      "f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b270102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
      "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
    ],
    [
      "8422e1bbdaab52938b81fd602effb6f89110e1e57208ad12d9ad767e2e25510c27140775f9337088b982d83d7fcf0b2fa1edffe51952cbe7365e95c86eaf325c",
      "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
    ],
    [
      "ac22415129b61427bf464e17baee8db65940c233b98afce8d17c57beeb7876c2150d15af1cb1fb824bbd14955f2b57d08d388aab431a391cfc33d5bafb5dbbaf",
      "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a",
    ],
    [
      "165d697a1ef3d5cf3c38565beefcf88c0f282b8e7dbd28544c483432f1cec7675debea8ebb4e5fe7d6f6e5db15f15587ac4d4d4a1de7191e0c1ca6664abcc413",
      "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179",
    ],
    [
      "a836e6c9a9ca9f1e8d486273ad56a78c70cf18f0ce10abb1c7172ddd605d7fd2979854f47ae1ccf204a33102095b4200e5befc0465accc263175485f0e17ea5c",
      "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628",
    ],
    [
      "2cdc11eaeb95daf01189417cdddbf95952993aa9cb9c640eb5058d09702c74622c9965a697a3b345ec24ee56335b556e677b30e6f90ac77d781064f866a3c982",
      "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065",
    ],
  ] as const;
  const derived = it.mapAndMultiplyAll(scalarOf(1n), cases.map(([uniform]) => Uint8Array.fromHex(uniform)));
  assertEquals(hex(derived), cases.map(([, element]) => element));
  // Strings that differ in the ignored bits, or by p, lead to one element.
  const same = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1200000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000080ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "00000000000000000000000000000000000000000000000000000000000000001200000000000000000000000000000000000000000000000000000000000080",
  ].map((uniform) => Uint8Array.fromHex(uniform));
  assertEquals(
    hex(it.mapAndMultiplyAll(scalarOf(1n), same)),
    Array(4).fill("304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"),
  );
});

test("products agree with noble at edge scalars, in either lane and in any company", (it) => {
  const points = [Point.BASE, Point.ZERO, randomPoint(), multiply(ORDER - 1n, Point.BASE)];
  const pairs = EDGE_SCALARS.flatMap((scalar) => points.map((point) => ({ scalar, point })));
  // Shifted by one, each pair meets another neighbour and the other lane.
  for (const some of [pairs, [...pairs.slice(1), ...pairs.slice(0, 1)]]) {
    assertEquals(
      hex(it.multiplyEach(some.map((p) => scalarOf(p.scalar)), some.map((p) => p.point.toBytes()))),
      some.map(({ scalar, point }) => multiply(scalar, point).toHex()),
    );
  }
});

test("a product is the same of all four points that stand for an element, and of any of their coordinates", () => {
  const { exports, memory, layout } = freshExports();
  const numbers = new DataView(memory.buffer);
  const run = (name: string, ...counts: number[]) =>
    (exports[name] as (...counts: number[]) => number)(...counts);
  /** Writes a point into a lane of the first pair, with a Z of its own. */
  function put(lane: 0 | 1, point: InstanceType<typeof ed25519.Point>, z: bigint): void {
    const { x, y } = point.toAffine();
    [x * z, y * z, z, x * y * z].forEach((coordinate, index) =>
      limbsOf(coordinate % P).forEach((limb, place) =>
        numbers.setFloat64(layout.POINTS + index * ELEMENT + 16 * place + 8 * lane, Number(limb), true)
      )
    );
  }
  const even = [
    ed25519.Point.ZERO,
    ...[1n, 7n, randomScalar()].map((k) => ed25519.Point.BASE.multiply(k).double()),
  ];
  for (const point of even) {
    const element = new Point(point);
    for (const scalar of [0n, 1n, 2n, 3n, 8n, ORDER - 1n, (ORDER + 1n) / 2n, randomScalar()]) {
      const expected = multiply(scalar, element).toHex();
      // The points of order 1, 2 and 4 lead from one to the others.
      for (const torsion of [0, 2, 4, 6].map((n) => TORSION[n] ?? ed25519.Point.ZERO)) {
        for (const z of [1n, P - 1n, numberOf(random(32)) % P]) {
          put(0, point.add(torsion), z);
          put(1, point, 1n);
          memory.set(scalarOf(scalar), layout.SCALARS);
          memory.set(scalarOf(scalar), layout.SCALARS + 32);
          run("multiplyPoints", 1, 32);
          assertEquals(run("encodeProducts", 1), 1);
          for (const at of [layout.OUTPUT, layout.OUTPUT + 32]) {
            assertEquals(memory.slice(at, at + 32).toHex(), expected, `${scalar}`);
          }
        }
      }
    }
  }
});

test("products agree with noble for batches of every length up to 9, and over the capacity", (it) => {
  for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 127, 128, 129, 257]) {
    const points = Array.from({ length }, () => randomPoint());
    const scalar = randomScalar();
    const expected = points.map((point) => multiply(scalar, point).toHex());
    const elements = points.map((point) => point.toBytes());
    assertEquals(hex(it.multiplyAll(scalarOf(scalar), elements)), expected);
    assertEquals(hex(it.multiplyEach(points.map(() => scalarOf(scalar)), elements)), expected);
  }
});

test("multiplyBase(), mapAndMultiplyAll() and mapAndMultiplyEach() agree with noble", (it) => {
  const scalars = Array.from({ length: 131 }, randomScalar);
  const uniforms = scalars.map(() => random(64));
  assertEquals(
    hex(it.multiplyBase(scalars.map(scalarOf))),
    scalars.map((scalar) => multiply(scalar, Point.BASE).toHex()),
  );
  const [scalar = 1n] = scalars;
  assertEquals(
    hex(it.mapAndMultiplyAll(scalarOf(scalar), uniforms)),
    uniforms.map((uniform) => multiply(scalar, derive(uniform)).toHex()),
  );
  assertEquals(
    hex(it.mapAndMultiplyEach(scalars.map(scalarOf), uniforms)),
    uniforms.map((uniform, index) => multiply(scalars[index] ?? 0n, derive(uniform)).toHex()),
  );
});

test("combine() agrees with noble, also where all cancels, at edges and over the capacity", (it) => {
  const sum = (scalars: bigint[], points: InstanceType<typeof Point>[]) =>
    points.reduce((total, point, index) => total.add(multiply(scalars[index] ?? 0n, point)), Point.ZERO);
  for (const length of [0, 1, 2, 3, 8, 31, 128, 131]) {
    const scalars = Array.from({ length }, (_, index) => EDGE_SCALARS[index % 60] ?? randomScalar());
    const points = scalars.map(() => randomPoint());
    assertEquals(
      it.combine(scalars.map(scalarOf), points.map((point) => point.toBytes()))?.toHex(),
      sum(scalars, points).toHex(),
    );
  }
  const point = randomPoint().toBytes();
  for (const scalar of EDGE_SCALARS.map((edge) => edge % ORDER)) {
    const opposite = (ORDER - scalar) % ORDER;
    assertEquals(
      it.combine([scalarOf(scalar), scalarOf(opposite)], [point, point])?.toHex(),
      "00".repeat(32),
    );
  }
});

test("combine() after a product of the same elements is the same as without, and as after other ones", (it) => {
  const elements = Array.from({ length: 5 }, () => randomPoint().toBytes());
  const others = elements.toReversed();
  const weights = elements.map(() => scalarOf(randomScalar()));
  const expected = freshKernel().combine(weights, elements)?.toHex();
  for (
    const before of [
      () => it.multiplyAll(scalarOf(5n), elements),
      () => it.multiplyAll(scalarOf(5n), others),
      () => it.mapAndMultiplyAll(scalarOf(5n), elements.map(() => random(64))),
      () => it.multiplyAll(scalarOf(5n), [...elements, new Uint8Array(32).fill(255)]),
      () => it.areElements(elements),
      () => it.multiplyBase(weights),
      () => it.reduceScalar(random(64)),
    ]
  ) {
    before();
    assertEquals(it.combine(weights, elements)?.toHex(), expected);
  }
});

test("every invalid encoding of RFC 9496, appendix A.2, is rejected, in each lane and beside valid ones", (it) => {
  const valid = randomPoint().toBytes();
  for (const [fault, encodings] of Object.entries(RFC9496_INVALID)) {
    for (const encoding of encodings) {
      const invalid = Uint8Array.fromHex(encoding);
      for (const [index, elements] of [[invalid, valid], [valid, invalid], [invalid]].entries()) {
        const message = `${fault}: ${encoding}, ${index}`;
        assertEquals(it.multiplyAll(scalarOf(2n), elements), undefined, message);
        assertEquals(it.combine(elements.map(() => scalarOf(2n)), elements), undefined, message);
        assertEquals(it.areElements(elements), elements.map((element) => element === valid), message);
      }
    }
  }
  assertEquals(it.areElements([new Uint8Array(32), valid, valid]), [true, true, true]);
  assertEquals(it.areElements([]), []);
});

test("a decoder that takes a string takes no other string for the same element", (it) => {
  for (let round = 0; round < 64; round++) {
    const element = randomPoint().toBytes();
    const number = numberOf(element);
    const p = 2n ** 255n - 19n;
    const aliases = [p - number, number + 2n ** 255n, number ^ 1n].map((alias) => scalarOf(alias));
    // Flipping the lowest bit may lead to another element only if the string is even, which it then is not.
    assertEquals(it.areElements([element, ...aliases]), [true, false, false, false]);
  }
});

test("scalars that are not below the order and wrong lengths are mistakes of the caller", (it) => {
  const element = Point.BASE.toBytes();
  const one = scalarOf(1n);
  for (const scalar of [ORDER, ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n].map(scalarOf)) {
    assertThrows(() => it.multiplyAll(scalar, [element]), RangeError, "not below the order");
    assertThrows(() => it.multiplyEach([one, scalar], [element, element]), RangeError, "not below the order");
    assertThrows(() => it.combine([scalar], [element]), RangeError, "not below the order");
    assertThrows(() => it.subtractProduct(one, one, scalar), RangeError, "not below the order");
    assertEquals(it.isNonzeroScalar(scalar), false);
  }
  assertThrows(() => it.multiplyAll(one.subarray(1), [element]), RangeError, "31 bytes");
  assertThrows(() => it.multiplyAll(one, [element.subarray(1)]), RangeError, "31 bytes");
  assertThrows(() => it.mapAndMultiplyAll(one, [element]), RangeError, "32 bytes");
  assertThrows(() => it.multiplyEach([one], [element, element]), RangeError, "1 scalars are not 2");
  assertThrows(() => it.combine([one], []), RangeError, "1 scalars are not 0");
  assertThrows(() => it.reduceScalar(one), RangeError, "32 bytes");
  assertThrows(() => it.invertScalars([one, new Uint8Array(32)]), RangeError, "zero has no inverse");
});

test("arithmetic of scalars agrees with numbers", (it) => {
  const wide = [
    0n,
    1n,
    ORDER,
    ORDER - 1n,
    ORDER * ORDER,
    ORDER << 259n,
    2n ** 512n - 1n,
    2n ** 256n,
    2n ** 256n - 1n,
  ];
  for (const value of [...wide, ...Array.from({ length: 200 }, () => numberOf(random(64)))]) {
    const bytes = Uint8Array.fromHex(value.toString(16).padStart(128, "0")).reverse();
    assertEquals(numberOf(it.reduceScalar(bytes)), value % ORDER);
  }
  const below = [...EDGE_SCALARS.map((edge) => edge % ORDER), ...Array.from({ length: 60 }, randomScalar)];
  for (const [index, a] of below.entries()) {
    const b = below[(7 * index + 3) % below.length] ?? 0n;
    const c = below[(11 * index + 5) % below.length] ?? 0n;
    const expected = (((a - b * c) % ORDER) + ORDER) % ORDER;
    assertEquals(numberOf(it.subtractProduct(scalarOf(a), scalarOf(b), scalarOf(c))), expected);
    assertEquals(it.isNonzeroScalar(scalarOf(a)), a !== 0n);
  }
  const nonzero = [...below, ...Array.from({ length: 131 }, randomScalar)].filter((scalar) => scalar !== 0n);
  it.invertScalars(nonzero.map(scalarOf)).forEach((inverse, index) => {
    assertEquals(numberOf(inverse) * (nonzero[index] ?? 0n) % ORDER, 1n);
    assert(numberOf(inverse) < ORDER);
  });
  assertEquals(it.isNonzeroScalar(new Uint8Array(31).fill(1)), false);
});

test("a mistake of the caller leaves the kernel usable", (it) => {
  assertThrows(() => it.multiplyAll(scalarOf(ORDER), [Point.BASE.toBytes()]), RangeError);
  assertEquals(hex(it.multiplyBase([scalarOf(3n)])), [multiply(3n, Point.BASE).toHex()]);
  assert(!(new RangeError() instanceof KernelFault));
});
