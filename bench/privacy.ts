/**
 * What the risk sketches cost: ten million updates each of a field with two values, one with 65,536 and one with a value
 * of its own for every event, with the memory of the process along the way; and the keyed hashes that were candidates.
 *
 *     deno task bench:privacy
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { blake3 } from "@noble/hashes/blake3.js";
import { createHmac } from "node:crypto";
import { ComparisonDomain } from "../core/privacy/dp/comparison_domain.ts";
import { KHyperLogLog } from "../core/privacy/sketch/khll.ts";
import { deserialize, serialize, serializeChunks } from "../core/privacy/sketch/khll_codec.ts";
import { SipHash } from "../core/privacy/sketch/siphash.ts";
import { environment } from "./environment.ts";
import { harmlessSchema } from "./harmless_schema.ts";

const UPDATES = 10_000_000;
const CHECKPOINTS = [0.1, 0.4, 0.7, 1];
/** A million people, so that registers fill. */
const PSEUDONYMS = 1_000_000;

const FIELDS: { name: string; valueOf: (update: number) => number }[] = [
  { name: "boolean", valueOf: (update) => update & 1 },
  { name: "16 bits", valueOf: (update) => Math.imul(update, 0x9e3779b1) >>> 16 },
  { name: "unique", valueOf: (update) => update },
];

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** Resident and held by JavaScript, MiB. */
function memory(): string {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return `${(rss / 2 ** 20).toFixed(0)} / ${((heapUsed + external) / 2 ** 20).toFixed(0)}`;
}

function updates(valueOf: (update: number) => number): [KHyperLogLog, Record<string, unknown>] {
  const domain = new ComparisonDomain(crypto.getRandomValues(new Uint8Array(32)), ["bench"]);
  const sketch = new KHyperLogLog();
  const value = new Uint8Array(8), pseudonym = new Uint8Array(16);
  const valueView = new DataView(value.buffer), pseudonymView = new DataView(pseudonym.buffer);
  const row: Record<string, unknown> = {};
  let done = 0, elapsed = 0;
  for (const checkpoint of CHECKPOINTS) {
    elapsed += seconds(() => {
      for (; done < checkpoint * UPDATES; done++) {
        valueView.setUint32(0, valueOf(done));
        pseudonymView.setUint32(0, Math.imul(done, 0x85ebca6b) % PSEUDONYMS);
        sketch.add(domain.hashValue(value), domain.hashPseudonym(pseudonym));
      }
    });
    row[`MiB at ${done / 1e6} M`] = memory();
  }
  return [sketch, { "s": elapsed.toFixed(1), "ns each": Math.round(elapsed / UPDATES * 1e9), ...row }];
}

console.log(environment());
const speed: Record<string, unknown> = {}, size: Record<string, unknown> = {};
for (const { name, valueOf } of FIELDS) {
  const [sketch, row] = updates(valueOf);
  speed[name] = row;
  let bytes = new Uint8Array(), chunks: Uint8Array[] = [], read = sketch;
  const merged = new KHyperLogLog();
  const milliseconds = (work: () => void) => (seconds(work) * 1000).toFixed(1);
  size[name] = {
    "values": sketch.cardinality().toFixed(0),
    "write ms": milliseconds(() => bytes = serialize(sketch)),
    "KiB": (bytes.length / 1024).toFixed(0),
    "split ms": milliseconds(() => chunks = serializeChunks(sketch, { maximumLength: 60 * 1024 })),
    "chunks": chunks.length,
    "largest KiB": (Math.max(...chunks.map((chunk) => chunk.length)) / 1024).toFixed(1),
    "read ms": milliseconds(() => read = deserialize(bytes, sketch)),
    "merge ms": milliseconds(() => merged.merge(read)),
    "potential ms": milliseconds(() => merged.reidentificationPotential(10)),
  };
}
console.log(
  `${UPDATES / 1e6} million updates a field, both hashes included; memory is resident / JavaScript's:`,
);
console.table(speed);
console.table(size);

const message = new Uint8Array(16), key = new Uint8Array(32);
const sip = new SipHash(key.subarray(0, 16));
const hashes: Record<string, () => unknown> = {
  "SipHash-2-4": () => sip.hash(message),
  "HMAC-SHA-256 (node:crypto)": () => createHmac("sha256", key).update(message).digest(),
  "BLAKE3 keyed (noble)": () => blake3(message, { key }),
};
const costs: Record<string, unknown> = {};
for (const [name, hash] of Object.entries(hashes)) {
  const rounds = 200_000;
  const work = () => {
    for (let round = 0; round < rounds; round++) {
      message[round & 15] = round;
      hash();
    }
  };
  work();
  costs[name] = { "ns for 16 bytes": Math.round(seconds(work) / rounds * 1e9) };
}
console.table(costs);

console.log(`A harmless schema of five fields, their pairs and their record, judged as it grows:`);
console.table(harmlessSchema());
