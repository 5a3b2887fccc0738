/**
 * What binds a release to the audit log: a digest over everything that is published of it, which is an entry of the audit
 * log before the release is published. So a release that is changed afterwards does not fit its entry, and one that has no
 * entry was not made by the service.
 *
 * The digest is SHA-256 over canonical JSON with a salt: that of figures which were drawn and never published, because
 * another process was faster, says nothing about them.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical_json.ts";
import type { RandomSource } from "../../base/random.ts";
import { formatDay, formatInstant } from "../../base/time.ts";
import type { AuditLog } from "../../operations/audit_log.ts";
import { deriveFrom } from "./derived.ts";
import type { CellValue, Figure } from "./figures.ts";
import type { Method, Proof } from "./method.ts";
import type { Release } from "./rows.ts";
import { tellDerived } from "./told.ts";

/** Bytes of a salt. */
const SALT_LENGTH = 32;

/** Digits of a number that is not whole: the last ones are another engine's, and say nothing. */
const STATED_DIGITS = 6;

/** What is published of a release, and covered by its digest. */
export interface Statement {
  /** Its form; absent: the first one, without totals and quantiles. */
  readonly statement?: 2;
  /** The application. */
  readonly app: string;
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Of a period: its first day; `day` is its last one. */
  readonly from?: string;
  /** The question's name. */
  readonly query: string;
  /** The event that is counted. */
  readonly event: string;
  /** The fields of the breakdown; of an estimate, the field alone. */
  readonly by: readonly string[];
  /** Of a rate: the event of those among whom people are counted. */
  readonly among?: string;
  /** How it was made. */
  readonly method: Method;
  /** RFC 3339. */
  readonly published: string;
  /** Whether the day was not over yet. */
  readonly early: boolean;
  /** Figures that are not published. */
  readonly withheld: number;
  /** Each as {@linkcode statedFigure} gives it. */
  readonly figures: readonly (readonly CellValue[])[];
  /** As they are told, rounded as {@linkcode statedSums} does; absent where there are none, as the quantiles are. */
  readonly totals?: unknown;
  /** As they are told. */
  readonly quantiles?: unknown;
}

/** What a release states: all that is told of it but its proof. */
export function statementOf(
  app: string,
  release: Omit<Release, "proof" | "method">,
  method: Method,
): Statement {
  const { day, query, plan, publishedAt, early, withheld, figures } = release;
  return {
    statement: 2,
    app,
    day: formatDay(day),
    ...(plan.days === undefined ? {} : { from: formatDay(day - plan.days + 1) }),
    query,
    event: plan.event,
    by: plan.of === undefined ? plan.by : [plan.of],
    ...(plan.among === undefined ? {} : { among: plan.among }),
    method,
    published: formatInstant(publishedAt),
    early,
    withheld,
    figures: figures.map(statedFigure),
    ...statedSums(tellDerived(deriveFrom({ ...release, method }))),
  };
}

/** Totals and quantiles as they are stated: as they are told, but numbers that are not whole with 6 digits. */
export function statedSums(
  { totals, quantiles }: { readonly totals?: unknown; readonly quantiles?: unknown },
): Pick<Statement, "totals" | "quantiles"> {
  return {
    ...(totals === undefined ? {} : { totals: rounded(totals) }),
    ...(quantiles === undefined ? {} : { quantiles: rounded(quantiles) }),
  };
}

function rounded(value: unknown): unknown {
  if (typeof value === "number") {
    return Number.isInteger(value) ? value : Number(value.toPrecision(STATED_DIGITS));
  }
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]));
}

/** A figure as it is stated: the values of its cell, its count, the ends of its interval, and of a rate the people among. */
export function statedFigure({ cell, count, lower, upper, among }: Figure): CellValue[] {
  return [...cell, count, lower, upper, ...(among === undefined ? [] : [among])];
}

/** The digest of a statement under a salt, in hex. */
export function digestOf(statement: Statement, salt: string): string {
  return sha256(utf8(canonicalJson({ ...statement, salt }))).toHex();
}

/** Draws a salt for a statement, and gives the digest with it. */
export function sealStatement(statement: Statement, random: RandomSource): Omit<Proof, "entry"> {
  const salt = toBase64url(random(SALT_LENGTH));
  return { salt, digest: digestOf(statement, salt), statement: 2 };
}

/** What the entries of releases are called. */
export function releaseAction(app: string, day: string): string {
  return `publish releases of ${app} of ${day}`;
}

/**
 * Does `work` between an entry of the audit log that holds the digests of releases by question, and one that says that it
 * was done. `work` hears the number of the first.
 */
export async function withEntry<T>(
  auditLog: Pick<AuditLog, "append">,
  { app, day, digests }: { app: string; day: number; digests: Readonly<Record<string, string>> },
  work: (entry: number) => Promise<T>,
): Promise<T> {
  const { number } = await auditLog.append({
    operator: "service",
    via: "service",
    action: releaseAction(app, formatDay(day)),
    details: JSON.stringify(digests),
  });
  const result = await work(number);
  await auditLog.append({ of: number, outcome: "done" }).catch(() => {});
  return result;
}
