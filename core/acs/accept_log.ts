/**
 * The verb of logs: verify, read, bind, validate, encode, store, observe, in the order of work of docs/protocol.md, section 5.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import type { Application } from "../config/types.ts";
import type { Counters } from "../operations/counters.ts";
import type { RiskMonitor } from "../privacy/risk/monitor.ts";
import { type LogBody, readBody, requirePseudonym } from "../schema/body.ts";
import { isOfOtherPeriod } from "../schema/pseudonym.ts";
import { encodeRecord, ofOtherPeriod } from "../schema/record.ts";
import type { Suppressions } from "../schema/event.ts";
import { type Rejection, validateEvents, type Validation, type WireEvent } from "../schema/validate.ts";
import { digestBody } from "../token/body_digest.ts";
import type { Credential } from "../token/credential.ts";
import type { ContentEncoding } from "../token/mac.ts";
import { requireBoundNonce } from "./binding.ts";
import type { Redeemer } from "./redeemer.ts";

/** What accepting a log needs of a server. */
export interface AcceptLogContext {
  /** Verifies the use and stores the record. */
  readonly redeemer: Omit<Redeemer, "expect">;
  /** Counts what was accepted. */
  readonly counters: Pick<Counters, "logged">;
  /** Says what is stopped, and measures what was accepted. */
  readonly risk: Pick<RiskMonitor, "suppressionsOf" | "observe">;
}

/** A log as it was sent; nothing of it is verified yet. */
export interface SentLog {
  /** The application that it was sent to. */
  readonly app: Application;
  /** The token's use that it spends. */
  readonly credential: Credential;
  /** How the body is encoded. */
  readonly contentEncoding: ContentEncoding;
  /** The body's bytes as they were sent, at most 64 KiB: the MAC covers them. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Unix seconds, whole: when its whole body had arrived. */
  readonly nowSeconds: number;
}

/** What became of a log that was not refused. */
export interface AcceptedLog {
  /** How many of its events were stored. */
  readonly accepted: number;
  /** Events that were not stored, and fields that were dropped from events that were. */
  readonly rejected: readonly Rejection[];
  /** Whether this very request had been accepted before: nothing was stored or counted again. */
  readonly replayed: boolean;
}

/**
 * Accepts a log: spends its use and stores its record in one commit, or refuses it and writes nothing.
 *
 * @example
 * ```ts ignore
 * const { accepted, rejected, replayed } = await acceptLog(service, {
 *   app: service.appOf("notes"),
 *   credential: parseCredential(authorization),
 *   contentEncoding: "gzip",
 *   body,
 *   nowSeconds: service.now(),
 * });
 * ```
 *
 * @throws {Refusal} With a code of docs/protocol.md, section 6.
 */
export async function acceptLog(context: AcceptLogContext, log: SentLog): Promise<AcceptedLog> {
  const { redeemer, counters, risk } = context;
  const { app, credential, contentEncoding, body, nowSeconds } = log;
  const covered = { contentEncoding, bodyDigest: digestBody(body) };
  const use = await redeemer.verify({ app: app.id, credential, body: covered }, nowSeconds);
  const read = readBody(body, contentEncoding);
  requireBoundNonce(read, credential.nonce);
  let prepared: PreparedLog;
  try {
    prepared = prepare(app, risk.suppressionsOf(app.id), read, nowSeconds);
  } catch (error) {
    // What is collected may have changed since these bytes were accepted: they are answered as they were then. Which of
    // the events had been rejected is kept nowhere, since it would tell which record belongs to a claim.
    if (!(error instanceof Refusal) || !await redeemer.wasStored(use)) throw error;
    return { accepted: read.events.length, rejected: [], replayed: true };
  }
  const { accepted, rejected, record } = prepared;
  let isLate = false;
  const outcome = await redeemer.store(use, (keyBeginsSeconds) => {
    isLate = isOfOtherPeriod({ keyBeginsSeconds, nowSeconds, rotationSeconds: app.pseudonymSeconds });
    return isLate ? ofOtherPeriod(record) : record;
  });
  if (outcome === "accepted") {
    counters.logged(app.id, credential.use, accepted.length, rejected.map(({ code }) => code));
    // A pseudonym is measured in its own period only, as it is released in its own only.
    if (!isLate) risk.observe(app.id, read.pseudonym, accepted, nowSeconds);
  }
  return { accepted: accepted.length, rejected, replayed: outcome === "replayed" };
}

/** A log that may be stored by what is collected now. */
interface PreparedLog extends Validation {
  /** Its record. */
  readonly record: Uint8Array;
}

function prepare(
  app: Application,
  suppressions: Suppressions,
  body: LogBody,
  nowSeconds: number,
): PreparedLog {
  requirePseudonym(body, app.pseudonymSeconds !== undefined);
  const validation = validate(app, suppressions, body.events, nowSeconds);
  return { ...validation, record: encodeRecord(body.pseudonym, validation.accepted) };
}

function validate(
  app: Application,
  suppressions: Suppressions,
  events: readonly WireEvent[],
  nowSeconds: number,
): Validation {
  const validation = validateEvents(app.events, suppressions, events, nowSeconds, app.granularitySeconds);
  const { accepted, rejected } = validation;
  if (accepted.length > 0) return validation;
  if (rejected.every(({ code }) => code === "collection_stopped")) {
    throw new Refusal("collection_stopped", "Every event of this body is stopped; stop sending them.", {
      members: { rejected },
    });
  }
  throw new Refusal("events_invalid", "No event of this body is valid.", { members: { rejected } });
}
