/**
 * What an app gives to a client, and what a client tells it.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import type { LinkedKey } from "../../core/token/key_chain.ts";
import type { DropReason, RefusalCode, ServiceCode } from "./codes.ts";

/**
 * The part of `fetch` that the client uses. Requests with another `pool` must not share a connection: what a connection
 * has in common is linked. Each request has another one, so that its connection is best ended with its answer.
 */
export type Fetch = (url: string, init: RequestInit, pool?: string) => Promise<Response>;

/** Gives the JWT of the signed-in user; `renew` is true after the service refused the last one. */
export type SessionSource = (request: { readonly renew: boolean }) => Promise<string>;

/** Gives the randomised report about a field's value. `random` gives the same bytes for the same value. */
export type LocalDpReporter = (field: FieldSchema, value: unknown, random: RandomSource) => number;

/** A step of the client's work that can fail. */
export type Step = "directory" | "mirror" | "schema" | "session" | "tokens" | "logs" | "storage";

/**
 * What a client may do: work; nothing before the user has agreed; nothing, since the user, or a signal of theirs, says so;
 * nothing for 40 minutes, since the service says so; nothing any more.
 */
export type ClientState = "open" | "waiting_for_consent" | "opted_out" | "stopped" | "closed";

/** What a client tells the app, by name. */
export interface ClientEvents {
  /** Logged events were accepted; `replayed`: the service had them already. */
  sent: { readonly events: number; readonly replayed: boolean };
  /**
   * Logged events will never be sent, or (`unknown`) it can never be known whether they arrived. Where it is about one
   * event, which, and which field of it: names of the app's own, which never leave the device.
   */
  dropped: {
    readonly events: number;
    readonly reason: DropReason;
    readonly event?: string | undefined;
    readonly field?: string | undefined;
  };
  /** Events were bound without optional fields about which the device reports nothing more in this period. */
  left_out: { readonly fields: number; readonly reason: "report_withheld" };
  /** Tokens were issued, verified and kept. */
  issued: { readonly tokens: number };
  /**
   * A step failed: with a code of the protocol, without an answer (`no_answer`), or by a check of the client. `event`: the
   * first one that the schema is refused for.
   */
  refused: { readonly step: Step; readonly code: RefusalCode; readonly event?: string | undefined };
  /** The service published another generation of an epoch's key. */
  key_replaced: { readonly region: string; readonly epoch: number; readonly generation: number };
  /** Two keys were shown whose chains contradict each other: somebody is shown keys of their own. Keep them as evidence. */
  keys_forked: { readonly known: LinkedKey; readonly shown: LinkedKey };
  /** The directory leads elsewhere than the one before it: look whether the service has moved. */
  endpoints_changed: { readonly issuing: string | undefined; readonly logging: string | undefined };
  /** The client sends nothing: for an hour (`refused_by_service`), or until the user opts in. */
  stopped: { readonly reason: "refused_by_service" | "opted_out" };
  /** What the client may do is something else now: `client.state()` answers the same. */
  state: { readonly state: ClientState };
}

/** Tells the app. */
export type Report = <N extends keyof ClientEvents>(name: N, event: ClientEvents[N]) => void;

/** A log that is signed, as the client stores it: bytes are base64url. */
export interface SignedLog {
  /** The key's id. */
  readonly keyId: string;
  /** The token's nonce. */
  readonly nonce: string;
  /** The use of the token. */
  readonly use: number;
  /** The MAC. */
  readonly mac: string;
  /** How the body is packed. */
  readonly contentEncoding: "" | "gzip";
  /** The exact bytes of the body. */
  readonly body: string;
}

/** What became of one log of several in a request, as a request of its own would have been answered. */
export interface LogOutcome {
  /** The HTTP status; 0: none. */
  readonly status: number;
  /** What headers would say. */
  readonly headers: Headers;
  /** The body of the answer. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The code of a refusal. */
  readonly code: ServiceCode | undefined;
}

/** How several logs of one token go out in one request (docs/protocol.md, section 5). */
export interface LogBatches {
  /** Whether one more may go out with so many; `isHidden`: the page may end before the answer. */
  hasRoom(logs: number, isHidden: boolean): boolean;
  /** One request for several logs, which have to be of one token: two would be known for one client's. */
  requestOf(logs: readonly SignedLog[], isHidden: boolean): RequestInit;
  /** What became of each, told as of requests of their own; undefined when the answer does not say it of all of them. */
  answersTo(
    logs: readonly SignedLog[],
    answer: Omit<LogOutcome, "headers">,
    report: Report,
  ): readonly LogOutcome[] | undefined;
}
