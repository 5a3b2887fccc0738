// deno-lint-ignore-file no-console -- what it saw is its output.
/**
 * Blinds and finalizes a vector of RFC 9497 with the suite of `@dit/client/kernel`: at once, and when its module is
 * compiled, where it runs. Arguments: what is amiss ("nothing", "no WebAssembly", "a trap", "a refusal"), and the vector in JSON.
 * Writes what it saw as JSON.
 */
const [amiss, vector] = process.argv.slice(2);
const known = JSON.parse(vector);

/** a * a + b by relaxed SIMD, in a module of its own. */
const RELAXED = Uint8Array.of(
  ...[
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    1,
    7,
    1,
    0x60,
    2,
    0x7c,
    0x7c,
    1,
    0x7c,
    3,
    2,
    1,
    0,
    7,
    5,
    1,
    1,
    0x66,
    0,
    0,
  ],
  ...[0x0a, 0x16, 1, 0x14, 0, 0x20, 0, 0xfd, 0x14, 0x20, 0, 0xfd, 0x14, 0x20, 1, 0xfd, 0x14],
  ...[0xfd, 0x87, 2, 0xfd, 0x21, 0, 0x0b],
);
const isRelaxed = WebAssembly.validate(RELAXED);
/** Whether the product is not rounded by itself. */
const isFused = isRelaxed &&
  (await WebAssembly.instantiate(RELAXED)).instance.exports.f(1 + 2 ** -52, -(1 + 2 ** -51)) === 2 ** -104;

let traps = false;
if (amiss === "no WebAssembly") delete globalThis.WebAssembly;
if (amiss === "a trap" || amiss === "a refusal") {
  const { instantiate, RuntimeError } = WebAssembly;
  WebAssembly.instantiate = async (binary) => {
    const { instance: { exports } } = await instantiate(binary);
    const multiplyPoints = (...counts) => {
      if (traps) throw new RuntimeError("unreachable");
      exports.multiplyPoints(...counts);
    };
    // Nothing is an element any more.
    const decodePoints = (pairs) => traps ? 0 : exports.decodePoints(pairs);
    const broken = amiss === "a trap" ? { multiplyPoints } : { decodePoints };
    return { instance: { exports: { ...exports, ...broken } } };
  };
}

const { kernelSuite } = await import("@dit/client/kernel");
const suite = kernelSuite();

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (byte) => parseInt(byte, 16));
const hex = (arrays) =>
  arrays.map((array) => Array.from(array, (byte) => byte.toString(16).padStart(2, "0")).join(""));
const inputs = known.inputs.map(bytes);

/** Blinds the vector; the bytes that a scalar took tell which code it was, JavaScript's or the kernel's. */
function blind() {
  // Whoever takes over from a kernel draws anew.
  let next = 0;
  let drawn = 0;
  const blinded = suite.blind(inputs, (length) => {
    drawn = length;
    const wide = new Uint8Array(length);
    wide.set(bytes(known.blinds[next++ % known.blinds.length]));
    return wide;
  });
  const isRight = hex(blinded.blinds).join() === known.blinds.join() &&
    hex(blinded.blindedElements).join() === known.blindedElements.join();
  return { by: isRight ? (drawn === 48 ? "kernel" : "JavaScript") : "nobody", blinded };
}

/** Finalizes what was blinded, with this proof. */
function finalize(blinded, proof) {
  const evaluatedElements = known.evaluatedElements.map(bytes);
  try {
    return hex(
      suite.finalize({ inputs, ...blinded, evaluatedElements, publicKey: bytes(known.publicKey), proof }),
    );
  } catch ({ name }) {
    return name;
  }
}

const first = blind();
// The module is compiled, or found not to run, in a few turns; nothing tells when.
const end = performance.now() + (isFused && amiss !== "no WebAssembly" ? 30_000 : 500);
let last = blind();
while (last.by !== "kernel" && performance.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  last = blind();
}
const by = [first.by, last.by];
if (amiss === "a trap") {
  traps = true;
  by.push(blind().by);
  traps = false;
  by.push(blind().by);
}
const proof = bytes(known.proof);
traps = amiss === "a refusal";
const outputs = finalize(first.blinded, proof);
if (amiss === "a refusal") by.push(blind().by);
const refused = finalize(
  last.blinded,
  proof.with?.(0, proof[0] ^ 1) ?? Uint8Array.from(proof, (byte, at) => at === 0 ? byte ^ 1 : byte),
);
console.log(JSON.stringify({ isRelaxed, isFused, by, outputs, refused }));
