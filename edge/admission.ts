/**
 * The transient throttle, in the outermost function and before any curve arithmetic: the one place that may look at an
 * address. It keeps a keyed hash of it, in memory only, under a key that changes every hour.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { Refusal } from "../core/errors.ts";
import type { RandomSource } from "../core/voprf/suite.ts";

/** How much one address may ask for. */
export interface AdmissionOptions {
  /** Requests a second that one address may keep up; 100 by default, since many clients share one. */
  readonly requestsPerSecond?: number;
  /** Requests that one address may make at once; 1000 by default. */
  readonly burst?: number;
  /** Addresses remembered; 50,000 by default. */
  readonly maxAddresses?: number;
  /** Requests under way at once from everybody; 2048 by default. */
  readonly maxConcurrent?: number;
  /** Proxies in front of the service: each adds one address to the right end of X-Forwarded-For. 0 by default. */
  readonly trustedHops?: number;
  /** Milliseconds of a steady clock. */
  readonly now?: () => number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

const KEY_LIFE_MS = 3_600_000;

/** Decides whether a request may go on. One instance a process. */
export class Admission {
  readonly #rate: number;
  readonly #burst: number;
  readonly #maxAddresses: number;
  readonly #maxConcurrent: number;
  readonly #trustedHops: number;
  readonly #now: () => number;
  #key: Uint8Array;
  #keyMadeAt: number;
  #buckets = new Map<string, Bucket>();
  #concurrent = 0;

  /** `random` makes the hourly keys. */
  constructor(private readonly random: RandomSource, options: AdmissionOptions = {}) {
    this.#rate = options.requestsPerSecond ?? 100;
    this.#burst = options.burst ?? 1_000;
    this.#maxAddresses = options.maxAddresses ?? 50_000;
    this.#maxConcurrent = options.maxConcurrent ?? 2_048;
    this.#trustedHops = options.trustedHops ?? 0;
    this.#now = options.now ?? (() => performance.now());
    this.#key = random(32);
    this.#keyMadeAt = this.#now();
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Runs `work` when there is room for it; `exempt` requests (a hop between regions) skip the address.
   * @throws {Refusal} `overloaded`.
   */
  async admit<T>(
    connectionAddress: string | undefined,
    forwardedFor: string | null,
    exempt: boolean,
    work: () => Promise<T>,
  ): Promise<T> {
    if (this.#concurrent >= this.#maxConcurrent) {
      throw new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
    }
    if (!exempt) this.#spend(clientAddress(connectionAddress, forwardedFor, this.#trustedHops));
    this.#concurrent++;
    try {
      return await work();
    } finally {
      this.#concurrent--;
    }
  }

  #spend(address: string): void {
    const now = this.#now();
    if (now - this.#keyMadeAt >= KEY_LIFE_MS) {
      this.#key = this.random(32);
      this.#keyMadeAt = now;
      this.#buckets = new Map();
    }
    const name = createHmac("sha256", this.#key).update(network(address)).digest("base64");
    const bucket = this.#buckets.get(name) ?? { tokens: this.#burst, filledAt: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.filledAt) / 1000 * this.#rate);
    bucket.filledAt = now;
    // The most recently seen stand last, so that a full map forgets those that have been quiet.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > this.#maxAddresses) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (bucket.tokens < 1) {
      throw new Refusal("overloaded", "Too many requests from one network; try again shortly.", {
        retryAfterSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate)),
      });
    }
    bucket.tokens--;
  }
}

/**
 * The address that the outermost trusted proxy saw: X-Forwarded-For is read from the right, since everything further
 * left can be made up.
 */
export function clientAddress(
  connectionAddress: string | undefined,
  forwardedFor: string | null,
  trustedHops: number,
): string {
  if (trustedHops === 0 || forwardedFor === null) return connectionAddress ?? "";
  const addresses = forwardedFor.split(",").map((address) => address.trim());
  return addresses[Math.max(0, addresses.length - trustedHops)] ?? connectionAddress ?? "";
}

/** An IPv6 client owns its whole /64. */
function network(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const groups = address.includes("::")
    ? [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right]
    : left;
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "").toLowerCase()).join(":") + "::/64";
}
