/**
 * Whether the time of the kernel tells a secret: `deno task bench:timing`. After dudect (Reparaz, Balasch, Verbauwhede,
 * "Dude, is my code constant time?", 2017): two classes of inputs in random order, one always the same, the other always
 * fresh; Welch's t-test on their times, on all of them and on those below each of several percentiles. |t| above 4.5 is
 * suspicious, and above 10 it is a leak.
 *
 * A sum with public weights is the control: its time is known to depend on them, and it has to be found. A quiet machine
 * and `--rounds=N` (default 40,000) sharpen it; a small |t| is no proof.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- its output is what it is for.
import { parseArgs } from "node:util";
import type { Kernel } from "../core/voprf/kernel/kernel.ts";
import { loadKernel } from "../core/voprf/kernel/load.ts";
import { loadRistretto255 } from "../core/voprf/libsodium.ts";
import { loadSha2 } from "../core/voprf/sha2/sha2.ts";
import { sodiumKernel } from "../core/voprf/sodium.ts";
import { markdownTable } from "./statistics.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "40000" } } });
const ROUNDS = Number(values.rounds);
const WARM_UP = 2_000;
const SUSPICIOUS = 4.5;
/** Times above a percentile are mostly the machine's, and hide what is below. */
const PERCENTILES = [1, 0.99, 0.95, 0.9, 0.75, 0.5];

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const { kernel, reason } = await loadKernel();
if (kernel === undefined) throw new Error(reason);
const sodium = sodiumKernel(await loadRistretto255());
const hashes = loadSha2();

const scalar = () => kernel.reduceScalar(random(64));
const elements = kernel.multiplyBase([scalar(), scalar()]);
const [first, second] = [scalar(), scalar()];
/** One: of its digits all but the lowest are zero. */
const ONE = new Uint8Array(32).fill(1, 0, 1);

/** What is timed of an input, and the inputs of both classes. */
interface Probe {
  readonly fixed: Uint8Array;
  readonly fresh: () => Uint8Array;
  readonly run: (input: Uint8Array) => unknown;
}

const ofScalar = (fixed: Uint8Array, run: Probe["run"]): Probe => ({ fixed, fresh: scalar, run });
const ofUniform = (fixed: Uint8Array): Probe => ({
  fixed,
  fresh: () => random(64),
  run: (uniform) => kernel.mapAndMultiplyAll(first, [uniform]),
});
const products = (kernel: Kernel): Record<string, Probe> => ({
  "the scalar 1, of two products": ofScalar(ONE, (k) => kernel.multiplyAll(k, elements)),
  "one scalar, of two products": ofScalar(first, (k) => kernel.multiplyAll(k, elements)),
});
const CONTROL = "control: a public weight of 1";
const probes: Record<string, Probe> = {
  ...products(kernel),
  "the scalar 1, of an own product each": ofScalar(ONE, (k) => kernel.multiplyEach([k, k], elements)),
  "a uniform string that is mapped": ofUniform(random(64)),
  "a uniform string of zeros": ofUniform(new Uint8Array(64)),
  "k = 1 in r - c k": ofScalar(ONE, (k) => kernel.subtractProduct(first, second, k)),
  "1 in 1 / k": ofScalar(ONE, (k) => kernel.invertScalars([k])),
  "a key of zeros of HMAC": {
    fixed: new Uint8Array(32),
    fresh: () => random(32),
    run: (key) => hashes.hmacSha256(key, ...elements),
  },
  ...Object.fromEntries(
    Object.entries(products(sodium)).map(([name, probe]) => [`libsodium: ${name}`, probe]),
  ),
  [CONTROL]: ofScalar(ONE, (k) => kernel.combine([k, k], elements)),
};

interface Sample {
  readonly isFixed: boolean;
  readonly time: number;
}

/** Welch's t of the two classes; 0 where there are too few of one. */
function welch(samples: readonly Sample[]): number {
  const [fixed, fresh] = [true, false].map((isFixed) => {
    const times = samples.filter((sample) => sample.isFixed === isFixed).map(({ time }) => time);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
    return { count: times.length, mean, ofMean: squares / (times.length - 1) / times.length };
  });
  if (Math.min(fixed!.count, fresh!.count) < 100) return 0;
  return (fixed!.mean - fresh!.mean) / Math.sqrt(fixed!.ofMean + fresh!.ofMean);
}

/** The t of largest size over all percentiles, and the median time in us. */
function leak({ fixed, fresh, run }: Probe): { t: number; microseconds: number } {
  const samples: Sample[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const isFixed = random(1)[0]! < 128;
    // Both classes take the same way to their input: one is drawn in any case, and copied.
    const drawn = fresh();
    const input = (isFixed ? fixed : drawn).slice();
    const start = performance.now();
    run(input);
    const time = performance.now() - start;
    if (round >= 0) samples.push({ isFixed, time });
  }
  const sorted = samples.map(({ time }) => time).toSorted((a, b) => a - b);
  const ts = PERCENTILES.map((percentile) => {
    const limit = sorted[Math.ceil(percentile * (sorted.length - 1))]!;
    return welch(samples.filter(({ time }) => time <= limit));
  });
  return {
    t: ts.reduce((largest, t) => Math.abs(t) > Math.abs(largest) ? t : largest),
    microseconds: sorted[sorted.length >> 1]! * 1_000,
  };
}

console.log(`${ROUNDS} rounds of each; the largest t over the percentiles ${PERCENTILES.join(", ")}\n`);
const found = Object.entries(probes).map(([name, probe]) => ({ name, ...leak(probe) }));
console.log(markdownTable(
  ["what is secret", "us", "t", "suspicious"],
  found.map(({ name, t, microseconds }) => [
    name,
    microseconds.toFixed(1),
    t.toFixed(1),
    Math.abs(t) > SUSPICIOUS ? "yes" : "no",
  ]),
));
if (Math.abs(found.find(({ name }) => name === CONTROL)?.t ?? 0) < 2 * SUSPICIOUS) {
  console.log("The control was not found: this machine is too noisy for the rest to mean anything.");
  Deno.exitCode = 1;
}
