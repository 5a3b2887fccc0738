/**
 * What leaves as a page ends: one body, bound and stored while there was time, and sent in the task in which the page
 * learns that it ends. Until then its events wait like all others, and any pass takes it apart again; once it may have
 * left, it is the same bytes for ever (docs/protocol.md, section 6).
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { Clock } from "../base/clock.ts";
import type { Collection } from "../base/collection.ts";
import type { Directory } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import type { Network } from "../http/network.ts";
import type { Commit } from "../storage/commit.ts";
import { PENDING, QUIET, read } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { MAX_EVENTS } from "./body.ts";
import type { Queue } from "./queue.ts";
import { reportLeftOut } from "./reports.ts";
import type { QueuedRequest } from "./request.ts";
import type { Sender, SendOutcome } from "./sender.ts";

/** Bytes of the name of who made a request ready. */
const OWNER_LENGTH = 9;
/** Milliseconds for which a request is ready: its key and its pseudonym may end. */
const READY_MILLISECONDS = 300_000;

/** What a page's end takes of its client. */
export interface PageEndParts {
  readonly commit: Commit;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly network: Network;
  readonly directory: CachedDocument<Directory>;
  readonly schema: CachedDocument<Collection>;
  readonly queue: Queue;
  readonly sender: Sender;
}

/** A request that may leave, and under what. */
interface Prepared {
  readonly collection: Collection;
  readonly request: QueuedRequest;
  /** Unix milliseconds of the device. */
  readonly from: number;
  readonly until: number;
  /** Aborted where the user has opted out since. */
  readonly signal: AbortSignal;
}

/** The ends of one client's page. */
export class PageEnd {
  readonly #parts: PageEndParts;
  #owner = "";
  #prepared: Prepared | undefined;

  /** Nothing is ready yet. */
  constructor(parts: PageEndParts) {
    this.#parts = parts;
  }

  /** Binds what waits, where that takes no request: not while documents or tokens are missing, or asked for. */
  async prepare(): Promise<void> {
    const { clock, commit, directory, network, queue, random, schema } = this.#parts;
    const { signal } = network;
    this.#owner ||= toBase64url(random(OWNER_LENGTH));
    await this.withdraw();
    await schema.load();
    if (await directory.load() === undefined) return;
    const { collection, isAsking, from } = await commit((entries) => ({
      collection: schema.fresh(entries),
      isAsking: entries.get(PENDING) !== undefined,
      from: quietUntil(entries, clock),
    }));
    if (collection === undefined || isAsking) return;
    const bound = await queue.bind(collection, MAX_EVENTS, undefined, this.#owner);
    if (bound.kind !== "bound") return;
    const until = clock.now() + READY_MILLISECONDS;
    this.#prepared = { collection, request: bound.request, from, until, signal };
  }

  /** Has nothing leave any more: what was ready waits again. */
  async withdraw(): Promise<void> {
    const prepared = this.#prepared;
    // From here on the page may end: then nothing has left.
    this.#prepared = undefined;
    if (prepared !== undefined) await this.#parts.queue.release(prepared.request);
  }

  /** Sends what is ready before it returns; undefined where nothing is, or tokens were issued just now. */
  send(): Promise<SendOutcome[]> | undefined {
    const { clock, network, sender } = this.#parts;
    const prepared = this.#prepared;
    if (prepared === undefined) return undefined;
    const { collection, request, from, until, signal } = prepared;
    const now = clock.now();
    if (signal.aborted || now < from || now > until || now < until - READY_MILLISECONDS) return undefined;
    this.#prepared = undefined;
    const sending = sender.send(collection, [request], true);
    reportLeftOut(network.report, request.record.events);
    return sending;
  }
}

/** Until when nothing leaves at a page's end, since tokens were issued, in Unix milliseconds of the device. */
export function quietUntil(entries: Entries, clock: Clock): number {
  const [from, until] = read<[number, number]>(entries, QUIET) ?? [0, 0];
  // A clock that was set back keeps nobody quiet.
  return from > clock.now() ? 0 : until;
}
