/**
 * What a client holds and would send, for the eyes of its user.
 *
 * @module
 */
import type { Collection } from "../base/collection.ts";
import { commit, type Context } from "../base/context.ts";
import { encodeEvent, wireEvent } from "./encoding.ts";
import { currentPseudonym } from "../tokens/identity.ts";
import { readQueue } from "./queue.ts";
import { spendableTokens, usesLeft } from "../tokens/wallet.ts";

/** A look at a client. */
export interface Inspection {
  /** The pseudonym under which events would go out now; empty where none is collected or none can be known yet. */
  readonly pseudonym: string;
  /** How many more logs the tokens at hand can sign; 0 until it is known what is collected. */
  readonly usesLeft: number;
  /** Events that wait, as they would be sent; what would be dropped is not among them. */
  readonly waiting: readonly Record<string, unknown>[];
  /** Bodies that are final: sent, perhaps, and not confirmed. */
  readonly bound: readonly {
    readonly pseudonym: string;
    readonly events: readonly Record<string, unknown>[];
    /** Whether it may have arrived already. */
    readonly uncertain: boolean;
  }[];
}

/** Looks at a client whose schema is `collection`, when there is one. */
export async function inspect(context: Context, collection: Collection | undefined): Promise<Inspection> {
  return await commit(context, (entries) => {
    const { events, requests } = readQueue(entries);
    const pseudonym = collection === undefined ? "" : currentPseudonym(context, entries, collection);
    return {
      pseudonym,
      // Without the pseudonym all tokens in use would count as another's, and be deleted.
      usesLeft: collection === undefined
        ? 0
        : usesLeft(spendableTokens(entries, pseudonym, context.clock.seconds())),
      waiting: events.flatMap((event) => {
        const encoded = collection && encodeEvent(context, entries, collection, event);
        return typeof encoded === "object" ? [wireEvent(encoded)] : [];
      }),
      bound: requests.map(({ record: { pseudonym, events, uncertain, inFlight } }) => ({
        pseudonym,
        events: events.map(wireEvent),
        uncertain: uncertain || inFlight,
      })),
    };
  });
}
