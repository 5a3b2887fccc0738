/**
 * What an app gives to a client, and what a client tells it.
 *
 * @module
 */
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import type { ClientSuite } from "../../core/voprf/noble_client.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { Directory } from "../http/directory.ts";
import type { Fetch } from "../http/http.ts";
import type { ClientStorage } from "../storage/storage.ts";

/** Gives the JWT of the signed-in user; `renew` is true after the service refused the last one. */
export type SessionSource = (request: { readonly renew: boolean }) => Promise<string>;

/** Gives the randomised report about a field's value. `random` gives the same bytes for the same value. */
export type LocalDpReporter = (field: FieldSchema, value: unknown, random: RandomSource) => number;

/** How a client is made. */
export interface ClientOptions {
  /** Where the service is mounted: `https://telemetry.example`, http only for this machine. */
  readonly endpoint: string;
  /** The application's id. */
  readonly app: string;
  /** Signs in: only token requests carry what it gives. */
  readonly session: SessionSource;
  /** Where state is kept; memory by default. */
  readonly storage?: ClientStorage;
  /** The cipher suite of the application; ristretto255 by default. Another one is passed in, so that it is not bundled. */
  readonly suite?: ClientSuite;
  /** Most seconds by which sending waits, at random, so that logs and token requests cannot be paired; 60 by default. */
  readonly delaySeconds?: number;
  /** A second place that serves the same directory: one that differs from it is not used. */
  readonly mirror?: string;
  /** Says whether a directory that was just fetched may be used: for pinning its keys. Called before it is used. */
  readonly verifyKeys?: (directory: Directory) => boolean | Promise<boolean>;
  /** Randomises fields under local differential privacy; without it no event that has one can be sent. */
  readonly localDp?: LocalDpReporter;
  /** Compress bodies that would not fit the smallest padded size; true where the platform can. */
  readonly gzip?: boolean;
  /** `fetch` of the platform by default. */
  readonly fetch?: Fetch;
  /** Unix time in milliseconds; `Date.now` by default. */
  readonly now?: () => number;
  /** Secure random bytes; those of the platform by default. */
  readonly random?: RandomSource;
}

/** A step of the client's work that can fail. */
export type Step = "directory" | "mirror" | "schema" | "session" | "tokens" | "logs" | "storage";

/** What a client tells the app, by name. */
export interface ClientEvents {
  /** Logged events were accepted; `replayed`: the service had them already. */
  sent: { readonly events: number; readonly replayed: boolean };
  /** Logged events will never be sent, or (`unknown`) it can never be known whether they arrived. */
  dropped: { readonly events: number; readonly reason: string };
  /** Tokens were issued, verified and kept. */
  issued: { readonly tokens: number };
  /** A step failed: with a code of the protocol, without an answer (`no_answer`), or by a check of the client. */
  refused: { readonly step: Step; readonly code: string };
  /** The service published another generation of an epoch's key. */
  key_replaced: { readonly region: string; readonly epoch: number; readonly generation: number };
  /** The client sends nothing more until it is made anew. */
  stopped: { readonly reason: "refused_by_service" | "opted_out" };
}

/** Tells the app. */
export type Report = <N extends keyof ClientEvents>(name: N, event: ClientEvents[N]) => void;
