/**
 * Claims that wait or are under way, until each is answered. At most one request a claim is among them, since two of one
 * claim in a commit would both win: a later one waits for the outcome of the one before.
 *
 * @module
 */
import { StoreUnavailable } from "../store/breaker.ts";
import type { Claim } from "../store/claims.ts";
import type { ClaimRequest } from "./claim_request.ts";
import { encodeClaim } from "./claim_row.ts";
import { CLAIMS } from "./families.ts";

/** What became of a claim, and under which tag it stands; undefined where its row cannot be read. */
export type Settled =
  | { readonly outcome: "accepted" | "replayed" | "taken"; readonly tag: Uint8Array | undefined }
  | { readonly outcome: "key_over" };

/** A claim that waits or is under way. */
export interface PendingClaim extends Claim {
  /** Whose it is. */
  readonly request: ClaimRequest;
  /** Its id as text. */
  readonly name: string;
  /** What it takes turns with. */
  readonly lane: string;
  /** What it takes of a group's bytes. */
  readonly bytes: number;
  /** When nobody waits for it any more (`performance.now()`). */
  readonly giveUpAt: number;
  /** What became of it, or {@linkcode StoreUnavailable}. */
  readonly settled: Promise<Settled>;
  /** Settles it: see {@linkcode PendingClaims.settle}. */
  readonly resolve: (settled: Settled) => void;
  /** Fails it: see {@linkcode PendingClaims.fail}. */
  readonly reject: (error: StoreUnavailable) => void;
}

/** Bytes of a claim's packed id before the use. */
const LANE_BYTES = 20;

/** The claims of one process that are not answered. */
export class PendingClaims {
  readonly #byName = new Map<string, PendingClaim>();
  readonly #patienceMs: number;

  /** A claim is given up on after `patienceMs` milliseconds. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** The request before, if there is one, whose claim has this name. */
  find(name: string): PendingClaim | undefined {
    return this.#byName.get(name);
  }

  /** Adds a request whose claim nobody else has here. */
  add(request: ClaimRequest, name: string, bytes: number): PendingClaim {
    const { id, tag, day, record, guard, lane = name.slice(0, LANE_BYTES) } = request;
    const { promise: settled, resolve, reject } = Promise.withResolvers<Settled>();
    const claim: PendingClaim = {
      key: CLAIMS.key(id),
      value: encodeClaim({ tag, day, recorded: record !== undefined }),
      guard,
      request,
      name,
      lane,
      bytes,
      giveUpAt: performance.now() + this.#patienceMs,
      settled,
      resolve,
      reject,
    };
    this.#byName.set(name, claim);
    return claim;
  }

  /** Answers a claim. */
  settle(claim: PendingClaim, settled: Settled): void {
    this.#byName.delete(claim.name);
    claim.resolve(settled);
  }

  /** Answers claims whose outcome is unknown. */
  fail(claims: readonly PendingClaim[], fault: StoreUnavailable): void {
    for (const claim of claims) {
      this.#byName.delete(claim.name);
      claim.reject(fault);
    }
  }

  /** Those that have waited for too long are answered; gives the others. */
  giveUpOld(claims: PendingClaim[]): PendingClaim[] {
    const now = performance.now();
    const old = claims.filter(({ giveUpAt }) => giveUpAt <= now);
    if (old.length === 0) return claims;
    this.fail(old, new StoreUnavailable("late"));
    return claims.filter(({ giveUpAt }) => giveUpAt > now);
  }
}
