/**
 * Claims that are known to stand, with their tags, so that repeating them on purpose costs the others nothing.
 *
 * @module
 */
import { ByteLru, randomSeed } from "../base/byte_lru.ts";
import { equalPublic } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";
import type { ClaimRequest } from "./claim_request.ts";
import { TAG_LENGTH } from "./claim_row.ts";
import { CLAIM_ID_LENGTH } from "./row_ids.ts";

/** What a process remembers of claims. A claim that stands once stands for as long as its key is alive. */
export class RecentClaims {
  readonly #tags: ByteLru;

  /** Remembers at most `capacity` claims, those that were wanted last. */
  constructor(capacity: number, random: RandomSource) {
    this.#tags = new ByteLru({
      keyLength: CLAIM_ID_LENGTH,
      valueLength: TAG_LENGTH,
      capacity,
      seed: randomSeed(random),
    });
  }

  /** What becomes of a request whose claim is known to stand; undefined when it is not known. */
  outcomeOf(request: Pick<ClaimRequest, "id" | "tag">): "replayed" | "taken" | undefined {
    const tag = this.#tags.get(request.id);
    return tag === undefined ? undefined : compareTags(tag, request);
  }

  /** A claim stands under a tag. */
  remember({ id }: Pick<ClaimRequest, "id">, tag: Uint8Array): void {
    this.#tags.set(id, tag);
  }
}

/** Whether a claim that stands under a tag is this very request's. One whose row cannot be read is somebody else's. */
export function compareTags(
  tag: Uint8Array | undefined,
  request: Pick<ClaimRequest, "tag">,
): "replayed" | "taken" {
  return tag !== undefined && equalPublic(tag, request.tag) ? "replayed" : "taken";
}
