/**
 * The transient throttle, before anything else is done for a request: the one place that may look at an address. It keeps a keyed hash of it, in memory only, under a key that changes every hour.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { Refusal } from "../core/base/errors.ts";
import type { RandomSource } from "../core/base/random.ts";

/** How much one address may ask for. */
export interface AdmissionOptions {
  /** Requests a second that one address may keep up; 100 by default, since many clients share one. */
  readonly requestsPerSecond?: number;
  /** Requests that one address may make in one go; ten seconds' worth by default. */
  readonly burst?: number;
  /** Addresses remembered; 50,000 by default. */
  readonly maxAddresses?: number;
  /** Requests under way at once from everybody; 2048 by default. */
  readonly maxConcurrent?: number;
  /** Requests under way at once from one address, so that a slow one cannot hold every place; five seconds' worth by default. */
  readonly maxConcurrentPerAddress?: number;
  /** Proxies in front of the service: each adds one address to the right end of X-Forwarded-For. 0 by default. */
  readonly trustedHops?: number;
  /** Milliseconds of a steady clock. */
  readonly now?: () => number;
}

/** Where a request comes from. Nothing of it is kept but a keyed hash. */
export interface Sender {
  /** The address of the connection, where it has one. */
  readonly address: string | undefined;
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor: string | null;
  /** Whether the address does not count: a hop between regions, or an application server that asks its ACS. */
  readonly exempt: boolean;
}

interface Bucket {
  tokens: number;
  filledAt: number;
  concurrent: number;
}

const KEY_LIFE_MS = 3_600_000;

/** Decides whether a request may go on. One instance a process. */
export class Admission {
  readonly #random: RandomSource;
  readonly #rate: number;
  readonly #burst: number;
  readonly #maxAddresses: number;
  readonly #maxConcurrent: number;
  readonly #maxConcurrentPerAddress: number;
  readonly #trustedHops: number;
  readonly #now: () => number;
  #key: Uint8Array;
  #keyMadeAt: number;
  #buckets = new Map<string, Bucket>();
  #concurrent = 0;

  /** `random` makes the hourly keys. */
  constructor(random: RandomSource, options: AdmissionOptions = {}) {
    this.#random = random;
    this.#rate = options.requestsPerSecond ?? 100;
    this.#burst = options.burst ?? 10 * this.#rate;
    this.#maxAddresses = options.maxAddresses ?? 50_000;
    this.#maxConcurrent = options.maxConcurrent ?? 2_048;
    this.#maxConcurrentPerAddress = options.maxConcurrentPerAddress ?? 5 * this.#rate;
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
   * Runs `work` when there is room for it.
   * @throws {Refusal} `overloaded`.
   */
  async admit<T>({ address, forwardedFor, exempt }: Sender, work: () => Promise<T>): Promise<T> {
    if (this.#concurrent >= this.#maxConcurrent) {
      throw new Refusal("overloaded", "The service is busy; try again shortly.", { retryAfterSeconds: 1 });
    }
    const bucket = exempt ? undefined : this.#spend(clientAddress(address, forwardedFor, this.#trustedHops));
    this.#concurrent++;
    if (bucket !== undefined) bucket.concurrent++;
    try {
      return await work();
    } finally {
      this.#concurrent--;
      if (bucket !== undefined) bucket.concurrent--;
    }
  }

  #spend(address: string): Bucket {
    const now = this.#now();
    if (now - this.#keyMadeAt >= KEY_LIFE_MS) {
      this.#key = this.#random(32);
      this.#keyMadeAt = now;
      this.#buckets = new Map();
    }
    const name = createHmac("sha256", this.#key).update(networkOf(address)).digest("base64");
    const bucket = this.#buckets.get(name) ?? { tokens: this.#burst, filledAt: now, concurrent: 0 };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.filledAt) / 1000 * this.#rate);
    bucket.filledAt = now;
    // The most recently seen stand last, so that a full map forgets those that have been quiet.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    for (const quietest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxAddresses) break;
      this.#buckets.delete(quietest);
    }
    if (bucket.tokens < 1 || bucket.concurrent >= this.#maxConcurrentPerAddress) {
      throw new Refusal("overloaded", "Too many requests from one network; try again shortly.", {
        retryAfterSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate)),
      });
    }
    bucket.tokens--;
    return bucket;
  }
}

/**
 * The address that the farthest trusted proxy saw: X-Forwarded-For is read from the right, since everything further
 * left can be made up. A request with fewer addresses than proxies came past them, so all of them are made up.
 */
export function clientAddress(
  connectionAddress: string | undefined,
  forwardedFor: string | null,
  trustedHops: number,
): string {
  const addresses = forwardedFor === null ? [] : forwardedFor.split(",").map((address) => address.trim());
  const seen = trustedHops === 0 ? undefined : addresses[addresses.length - trustedHops];
  return seen === undefined || seen === "" ? connectionAddress ?? "" : seen;
}

/** What is throttled as one: an IPv4 address, or the /64 that an IPv6 client owns. What is no address, as it is. */
export function networkOf(address: string): string {
  // Some proxies write a port behind the address, which says nothing: a client has as many as it likes.
  const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(address) ??
    [];
  const bare = inBrackets ?? beforePort ?? address;
  const groups = ipv6Groups(bare);
  if (groups === undefined) return bare;
  // A socket for both families shows an IPv4 client as ::ffff:a.b.c.d, all of which would share one /64.
  const [mark, high = 0, low = 0] = groups.slice(5);
  if (groups.slice(0, 5).every((group) => group === 0) && mark === 0xffff) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
  }
  return groups.slice(0, 4).map((group) => group.toString(16)).join(":") + "::/64";
}

/** The eight groups of an IPv6 address (RFC 4291, section 2.2), or undefined when it is none. */
function ipv6Groups(address: string): number[] | undefined {
  const text = address.replace(/%.*$/, "").replace(
    /:(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/,
    (_, a, b, c, d) =>
      `:${(Number(a) << 8 | Number(b)).toString(16)}:${(Number(c) << 8 | Number(d)).toString(16)}`,
  );
  const halves = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  if (!text.includes(":") || halves.length > 2) return undefined;
  const [left = [], right] = halves;
  const missing = 8 - left.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right ?? []];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined;
}
