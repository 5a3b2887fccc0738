/**
 * What a client holds and would send, for the eyes of its user.
 *
 * @module
 */
import { formatInstant } from "../../core/base/time.ts";
import type { Clock } from "../base/clock.ts";
import type { Collection } from "../base/collection.ts";
import type { Commit } from "../storage/commit.ts";
import type { Device } from "../tokens/device.ts";
import { spendableTokens, usesLeft } from "../tokens/wallet.ts";
import { wireEvent } from "./encoding.ts";
import { type Queue, readQueue } from "./queue.ts";
import { Reports } from "./reports.ts";

/** A look at a client. */
export interface Inspection {
  /** The pseudonym under which events would go out now; empty where none is collected or none can be known yet. */
  readonly pseudonym: string;
  /** How many more logs the tokens at hand can sign; 0 until it is known what is collected. */
  readonly usesLeft: number;
  /** Whether it is known what is collected. Until then events that wait are shown as the app logged them. */
  readonly isCollectedKnown: boolean;
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

/** What a look takes of its client. */
export interface InspectionParts {
  readonly commit: Commit;
  readonly clock: Clock;
  readonly device: Device;
  readonly queue: Queue;
}

/** Looks at a client whose schema is `collection`, when there is one. */
export async function inspect(
  { clock, commit, device, queue }: InspectionParts,
  collection: Collection | undefined,
): Promise<Inspection> {
  return await commit((entries) => {
    const { events, requests } = readQueue(entries);
    const bound = requests.map(({ record: { pseudonym, events, uncertain, inFlight } }) => ({
      pseudonym,
      events: events.map(wireEvent),
      uncertain: uncertain || inFlight,
    }));
    // Without the pseudonym all tokens in use would count as another's, and be deleted.
    if (collection === undefined) {
      const waiting = events.map(({ name, at, fields, logged }) => ({
        name,
        at: formatInstant(Math.floor(at)),
        fields: { ...fields, ...logged },
      }));
      return { pseudonym: "", usesLeft: 0, isCollectedKnown: false, waiting, bound };
    }
    const pseudonym = device.pseudonym(entries, collection);
    // What is drawn here is drawn alike when it is bound.
    const tokens = spendableTokens(entries, pseudonym, clock);
    const look = { entries, reports: new Reports(entries, device, collection), token: tokens[0] };
    return {
      pseudonym,
      usesLeft: usesLeft(tokens),
      isCollectedKnown: true,
      waiting: events.flatMap((event) => {
        const encoded = queue.prepare(look, collection, event);
        return encoded.ok ? [wireEvent(encoded.event)] : [];
      }),
      bound,
    };
  });
}
