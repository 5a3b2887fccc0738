/**
 * What one process hears of what pseudonyms say in total. A log's part is a keyed hash of the multiset of its events,
 * each with its fields and its hour; a pseudonym's total is the multiset of its logs, since whoever reads the records sees
 * them that way. Fields under local differential privacy are left out: their reports are noise.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "../../base/bytes.ts";
import type { Application } from "../../config/types.ts";
import { type Suppressions } from "../../schema/event.ts";
import type { ComparisonDomain } from "../dp/comparison_domain.ts";
import { addDigests, toId } from "../sketch/digest_sample.ts";
import { type Hash64, HASH64_LENGTH, writeHash64 } from "../sketch/hash64.ts";
import type { Layout } from "./dimensions.ts";

/** 16 hex digits: another one as soon as something else is collected, so that totals are then judged from their beginning. */
export function totalLayoutId(
  { events }: Application,
  layouts: ReadonlyMap<string, Layout | undefined>,
  suppressions: Suppressions,
): string {
  const parts = Object.keys(events).map((name) => [
    name,
    layouts.get(name)?.id ?? "",
    suppressions.events.has(name),
  ]);
  return toHex(sha256(utf8(JSON.stringify(parts))).subarray(0, 8));
}

/** Digests the events of logs. */
export class LogDigests {
  readonly #domain: ComparisonDomain;
  readonly #names = new Map<string, Hash64>();
  #scratch = new DataView(new ArrayBuffer(HASH64_LENGTH * 16));

  /** All hashes are of one `domain`. */
  constructor(domain: ComparisonDomain) {
    this.#domain = domain;
  }

  /** An event, with the hashes of its measured fields in their order and `at` in Unix seconds: an integer below 2^52. */
  digestEvent(name: string, at: number, fields: readonly Hash64[]): number {
    const length = HASH64_LENGTH * (fields.length + 2);
    if (length > this.#scratch.byteLength) this.#scratch = new DataView(new ArrayBuffer(2 * length));
    const view = this.#scratch;
    writeHash64(view, 0, this.#nameOf(name));
    view.setFloat64(HASH64_LENGTH, at);
    for (const [index, hash] of fields.entries()) writeHash64(view, HASH64_LENGTH * (index + 2), hash);
    return toId(this.#domain.hashValue(new Uint8Array(view.buffer, 0, length)));
  }

  /** A log, by the digests of its events in whatever order: an integer below 2^52. */
  digestLog(events: readonly number[]): number {
    this.#scratch.setFloat64(0, events.reduce(addDigests, 0));
    // Not as long as any event's, so that no log is taken for one.
    return toId(this.#domain.hashValue(new Uint8Array(this.#scratch.buffer, 0, HASH64_LENGTH)));
  }

  #nameOf(name: string): Hash64 {
    let hash = this.#names.get(name);
    if (hash === undefined) {
      hash = this.#domain.hashValue(utf8(name));
      this.#names.set(name, hash);
    }
    return hash;
  }
}
