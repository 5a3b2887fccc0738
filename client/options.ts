/**
 * What an app passes in, and the checks of it.
 *
 * @module
 */
import type { RandomSource } from "../core/base/random.ts";
import type { ClientSuite } from "../core/voprf/noble_client.ts";
import { type Collection, readSchema } from "./base/collection.ts";
import type { OptOutSignal } from "./base/signals.ts";
import type { Fetch, LocalDpReporter, LogBatches, SessionSource } from "./base/types.ts";
import type { Directory } from "./http/directory.ts";
import { plainEndpoint } from "./http/endpoint.ts";
import { faultsOf } from "./http/schema_check.ts";
import type { Endpoints } from "./http/places.ts";
import type { StorageChoice } from "./storage/choice.ts";

/**
 * The service at one endpoint. Its directory may lead to the names `tokens.` and `logs.` before this endpoint's host, and
 * nowhere else.
 */
export interface OneEndpoint {
  /** Where the service is mounted: `https://telemetry.example`, http only for this machine. */
  readonly endpoint: string;
  /** Not beside `endpoint`. */
  readonly issueEndpoint?: undefined;
  /** Not beside `endpoint`. */
  readonly logEndpoint?: undefined;
}

/** The service at two endpoints, of any hosts, to which the app binds its client: no directory leads it elsewhere. */
export interface TwoEndpoints {
  /** Not beside the other two. */
  readonly endpoint?: undefined;
  /** Where keys are and tokens are issued: `https://tokens.example`. */
  readonly issueEndpoint: string;
  /** Where logs go, and the schema is: `https://logs.example`. Share neither certificate nor host with the other. */
  readonly logEndpoint: string;
}

/** How a client is made. */
export type ClientOptions = CommonOptions & (OneEndpoint | TwoEndpoints);

/** Most seconds by which sending waits unless the app says otherwise. */
const DELAY_SECONDS = 60;

/** What a client is made of wherever its service is. */
export interface CommonOptions {
  /** The application's id. */
  readonly app: string;
  /** Signs in: only token requests carry what it gives. */
  readonly session: SessionSource;
  /**
   * Where state is kept. By default a browser's storage, as `browserStorage` finds it, with nothing written before it may
   * be; elsewhere memory, and the console says what that costs. `{ folder }`: in a file of that folder, in Node 20.16, Deno
   * and Bun. `"memory"`: gone with the process, tokens too: those of a day are used up after four starts.
   */
  readonly storage?: StorageChoice | undefined;
  /** The cipher suite of the application; ristretto255 by default. Another one is passed in, so that it is not bundled. */
  readonly suite?: ClientSuite | undefined;
  /**
   * Most seconds by which sending waits, at random, so that logs and token requests cannot be paired; 60 by default,
   * 2,147,483 at most.
   */
  readonly delaySeconds?: number | undefined;
  /**
   * `"required"`: the client starts in `waiting_for_consent`. Until `setOptOut(false)` says that the user agrees, nothing
   * is fetched or sent, its storage is neither written nor read, and what is logged is dropped (`no_consent`): consent is
   * not about what came before it. Say so at each start, as the app knows it. `"given"` by default.
   */
  readonly consent?: "given" | "required" | undefined;
  /**
   * `true` writes each step to the console, `false` nothing. By default one line of each kind of mistake: an event that the
   * schema does not declare, no session, an endpoint that is blocked. No value is ever written.
   */
  readonly debug?: boolean | undefined;
  /**
   * What a user may say to all programs, and this client heeds; all by default. While one is set, the client starts as
   * `opted_out` and stores nothing. After a signal of a browser (`GPC`) `setOptOut(false)` opts in, for this run; against
   * a variable of the environment nothing does.
   */
  readonly optOutSignals?: readonly OptOutSignal[] | undefined;
  /**
   * Whether what waits is sent as a page is hidden or ends; true by default. It then shows the service, and who carries
   * the traffic, when the page was left. `false`: it waits for the next visit, or the delay.
   */
  readonly sendAtPageEnd?: boolean | undefined;
  /**
   * The URL of the same directory at a second place, of another host or another party, or of a file: its last segment says
   * `keys`, and the schema is at the same URL with `schema` in its place. Nothing is used that differs from what it shows.
   */
  readonly mirror?: string | undefined;
  /**
   * A link of the chain of keys, as `deno task keys publish` prints it when the app is built: no keys are used but those
   * that lead on from it. Of several regions the link of each, with a space in between.
   */
  readonly keyPin?: string | undefined;
  /** Says whether a directory that was just fetched may be used: for pinning its keys. Called before it is used. */
  readonly verifyKeys?: ((directory: Directory) => boolean | Promise<boolean>) | undefined;
  /**
   * The schema that the app was compiled with, as `deno task schema types` writes it beside the types: nothing finer is
   * ever sent than it says, whatever the service asks for.
   */
  readonly declared?: object | undefined;
  /** Randomises fields under local differential privacy; without it no event that has one can be sent. */
  readonly localDp?: LocalDpReporter | undefined;
  /**
   * Sends several logs of one token in one request: `logBatches` of the package's `/log_batches`. By default each has a
   * request of its own, and a service that does not take them together gets them so anyway.
   */
  readonly logBatches?: LogBatches | undefined;
  /** Compress bodies that would not fit the smallest padded size; true where the platform can. */
  readonly gzip?: boolean | undefined;
  /** `fetch` of the platform by default. Its own one has to keep pools apart: see {@linkcode Fetch}. */
  readonly fetch?: Fetch | undefined;
  /** Unix time in milliseconds; `Date.now` by default. */
  readonly now?: (() => number) | undefined;
  /** Secure random bytes; those of the platform by default. */
  readonly random?: RandomSource | undefined;
}

/** Most seconds by which sending may wait: a timer of a platform counts no more milliseconds than 31 bits hold. */
const MAX_DELAY_SECONDS = 2_147_483;

/**
 * Most milliseconds by which sending waits.
 * @throws {TypeError} If the seconds are no number between 0 and 2,147,483, which is almost 25 days.
 */
export function checkDelay(delaySeconds = DELAY_SECONDS): number {
  if (Number.isFinite(delaySeconds) && delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS) {
    return delaySeconds * 1000;
  }
  throw new TypeError("Cannot make a client: its delaySeconds is no number of seconds from 0 to 2147483");
}

/**
 * Where the service is.
 * @throws {TypeError} If that is no https URL (http only on this machine), carries more than a place, or is said twice.
 */
export function checkEndpoints(
  { endpoint, issueEndpoint, logEndpoint }: OneEndpoint | TwoEndpoints,
): Endpoints {
  // An app without types may say anything.
  const isTwo = issueEndpoint !== undefined && logEndpoint !== undefined;
  const isOne = issueEndpoint === undefined && logEndpoint === undefined;
  if (endpoint === undefined ? !isTwo : !isOne) {
    throw new TypeError("Cannot make a client: it takes one endpoint, or an issueEndpoint and a logEndpoint");
  }
  return {
    issue: plainEndpoint(issueEndpoint ?? endpoint),
    log: plainEndpoint(logEndpoint ?? endpoint),
    follows: endpoint !== undefined,
  };
}

/**
 * The id itself.
 * @throws {TypeError} If it is not the id of an application.
 */
export function checkApp(app: string): string {
  if (/^[a-z][a-z0-9-]{0,62}$/.test(app)) return app;
  throw new TypeError("Cannot make a client: its app is not the id of an application");
}

/**
 * The schema that the app was compiled with.
 * @throws {TypeError} If it is none of this app, or one of its events makes no sense.
 */
export function checkDeclared(declared: object | undefined, app: string): Collection | undefined {
  if (declared === undefined) return undefined;
  try {
    const collection = readSchema(declared, app);
    if (faultsOf(collection).length === 0) return collection;
  } catch {
    // Said below.
  }
  throw new TypeError("Cannot make a client: what is declared is no schema of its app");
}

/**
 * The pins themselves.
 * @throws {TypeError} If one is no link of a chain.
 */
export function checkPin(keyPin: string | undefined): string | undefined {
  if (keyPin === undefined || /^[\w-]{43}( [\w-]{43})*$/.test(keyPin)) return keyPin;
  throw new TypeError("Cannot make a client: its keyPin is no link of a chain of keys");
}
