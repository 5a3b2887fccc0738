/**
 * Verifying a release from what is public: its figures, its method and the audit log. Nothing here reads a store, so that
 * a reviewer needs no access to the service.
 *
 * @module
 */
import type { Chain } from "../../operations/audit_chain.ts";
import { localDp } from "../dp/local_dp.ts";
import { spreadOf } from "../dp/local_dp_estimate.ts";
import { rateOf } from "./derived.ts";
import { type CellValue, countsShownFrom, estimatesShownFrom, type Figure, varianceOf } from "./figures.ts";
import { mechanismOf, type Method, planOfMethod, type Proof, selectionMethod } from "./method.ts";
import { countsOf, noiseOf } from "./plan.ts";
import { halfWidth, isNear, sizeOf } from "./shown.ts";
import { digestOf, releaseAction, statedFigure, statedSums, type Statement } from "./proof.ts";
import { tellLoss, tellNoise } from "./told.ts";

/** Which part of itself a number that is computed again may be off: the last digits of a logarithm are another engine's. */
const MATH_TOLERANCE = 1e-8;

/** A release as the API tells it, with what of it is verified. */
export interface ToldRelease {
  readonly query: string;
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Of a period: its first day. */
  readonly from?: string | undefined;
  readonly event: string;
  readonly by: readonly string[];
  readonly among?: string | undefined;
  readonly published: string;
  readonly early: boolean;
  readonly withheld: number;
  readonly figures: readonly ToldFigure[];
  readonly totals?: unknown;
  readonly quantiles?: unknown;
  readonly method?: Method | undefined;
  readonly proof?: Proof | undefined;
}

/** A figure as the API tells it. */
export interface ToldFigure {
  /** The values of the breakdown by field. */
  readonly cell: Readonly<Record<string, CellValue>>;
  readonly count: number;
  readonly lower: number;
  readonly upper: number;
  readonly among?: number | undefined;
  readonly rate?: {
    readonly share: number | null;
    readonly lower: number;
    readonly upper: number;
  } | undefined;
}

/** How a release was verified against the audit log. */
export interface VerifyOptions {
  /** Whose release it is. */
  readonly app: string;
  /** The audit log, checked. */
  readonly chain: Chain;
}

/** What differs between a release and what its method and the audit log say: a sentence each; none where it holds. */
export function differencesOf(release: ToldRelease, { app, chain }: VerifyOptions): string[] {
  const { method, proof } = release;
  if (method === undefined || proof === undefined) return ["it has no proof: an older version made it"];
  try {
    return [
      ...entryDifferences(release, proof, { app, chain }),
      ...methodDifferences(method),
      ...memberDifferences(release, retell(release, method, proof)),
      ...figureDifferences(release, method),
    ];
  } catch (error) {
    if (error instanceof RangeError) return [`its method cannot be carried out: ${error.message}`];
    throw error;
  }
}

function entryDifferences(release: ToldRelease, proof: Proof, { app, chain }: VerifyOptions): string[] {
  const found: string[] = [];
  const digest = digestOf(statementOf(app, release, proof), proof.salt);
  if (digest !== proof.digest) found.push(`its digest is ${digest}, and its proof says ${proof.digest}`);
  if (!chain.intact) return [...found, `the audit log does not fit together at entry ${chain.at}`];
  const entry = chain.entries.get(proof.entry);
  if (entry?.action !== releaseAction(app, release.day)) {
    found.push(`entry ${proof.entry} of the audit log is not of this release`);
  } else if (digestIn(entry.details, release.query) !== digest) {
    found.push(`entry ${proof.entry} of the audit log has another digest`);
  }
  return found;
}

function digestIn(details: unknown, query: string): unknown {
  if (typeof details !== "string") return undefined;
  const digests: unknown = JSON.parse(details);
  return typeof digests === "object" && digests !== null
    ? Object.entries(digests).find(([name]) => name === query)?.[1]
    : undefined;
}

function statementOf(app: string, release: ToldRelease, proof: Proof): Statement {
  const { day, from, query, event, by, among, method, published, early, withheld } = release;
  if (method === undefined) throw new RangeError("there is none");
  const figures = release.figures.map((figure) => statedFigure(figureOf(figure, by)));
  const what = {
    app,
    day,
    ...(from === undefined ? {} : { from }),
    query,
    event,
    by,
    ...(among === undefined ? {} : { among }),
  };
  const sums = proof.statement === undefined ? {} : { statement: proof.statement, ...statedSums(release) };
  return { ...what, method, published, early, withheld, figures, ...sums };
}

function figureOf({ cell, count, lower, upper, among }: ToldFigure, by: readonly string[]): Figure {
  const values = by.map((name) => cell[name] ?? null);
  return { cell: values, count, lower, upper, ...(among === undefined ? {} : { among }) };
}

/** Whether the noise and the selection follow from the cost and the clamps. */
function methodDifferences(method: Method): string[] {
  const plan = planOfMethod(method);
  const { mechanism, parameter } = mechanismOf(plan);
  const selected = "selected" in method.cells ? method.cells.selected : undefined;
  const selection = plan.cells === "selected" ? selectionMethod(plan) : undefined;
  return differing([
    ["the mechanism", method.mechanism, mechanism],
    ["the noise's parameter", method.parameter, parameter],
    ["the selection's epsilon", selected?.epsilon, selection?.epsilon],
    ["the selection's delta", selected?.delta, selection?.delta],
    ["the selection's least number of people", selected?.["minimum-people"], selection?.["minimum-people"]],
    ["the selection's certain number of people", selected?.["certain-from"], selection?.["certain-from"]],
  ]);
}

/** Computes the interval of each figure again, and whether as many figures are told or withheld as there are cells. */
function figureDifferences(release: ToldRelease, method: Method): string[] {
  const { figures, withheld, by } = release;
  const found: string[] = [];
  if ("declared" in method.cells) {
    found.push(
      ...differing([["figures with those withheld", figures.length + withheld, method.cells.declared]]),
    );
  }
  const noise = noiseOf(planOfMethod(method));
  const half = halfWidth(noise, method.confidence);
  const shownFrom = method["shown-from"];
  if (shownFrom !== undefined) found.push(...lineDifferences(release, method, shownFrom));
  for (const figure of figures) {
    const { cell, count, lower, upper } = figure;
    const name = by.map((field) => `${field} ${cell[field] ?? "absent"}`).join(", ") || "all";
    const size = sizeOf(figureOf(figure, by));
    if (size < (shownFrom ?? method.threshold)) found.push(`${name}: ${size} is below the threshold`);
    const lowest = (end: number) =>
      shownFrom !== undefined && isNear(figureOf(figure, by), shownFrom) ? 0 : Math.max(0, end);
    if (method["local-dp"] !== undefined) {
      found.push(...estimateDifferences(name, figure, { method, lowest }));
      continue;
    }
    found.push(...differing([
      [`${name}: the interval's lower end`, lower, lowest(count - half)],
      [`${name}: the interval's upper end`, upper, Math.max(0, count + half)],
    ]));
    const rate = rateOf(figureOf(figure, by), noise, shownFrom);
    if (rate === undefined && figure.rate === undefined) continue;
    found.push(...differing([
      [`${name}: the rate`, figure.rate?.share, rate === undefined ? undefined : rate.share ?? null],
      [`${name}: the rate's lower end`, figure.rate?.lower, rate?.lower],
      [`${name}: the rate's upper end`, figure.rate?.upper, rate?.upper],
    ]));
  }
  return found;
}

/** From where on figures are shown follows from the noise and the cells; it is the least of them where not all fit. */
function lineDifferences({ figures, among, by }: ToldRelease, method: Method, shownFrom: number): string[] {
  const plan = planOfMethod(method);
  const noise = noiseOf(plan);
  const { cells, threshold, "local-dp": told } = method;
  const least = told === undefined
    ? countsShownFrom(
      { ...plan, ...(among === undefined ? {} : { among }) },
      noise,
      "declared" in cells ? cells.declared : 0,
    )
    : estimatesShownFrom(threshold, noise, {
      mechanism: localDp(told.epsilon, told.values),
      reports: told.reports,
    });
  if (shownFrom > least && shownFrom === Math.min(...figures.map((one) => sizeOf(figureOf(one, by))))) {
    return [];
  }
  return differing([["the number from which figures are shown", shownFrom, least]]);
}

/** An estimate's interval has the devices' noise too. It was computed before the count was rounded: an end may differ by 1. */
function estimateDifferences(
  name: string,
  { count, lower, upper }: ToldFigure,
  { method, lowest }: { readonly method: Method; readonly lowest: (end: number) => number },
): string[] {
  const { "local-dp": told, confidence } = method;
  if (told === undefined) return [];
  const noiseVariance = varianceOf(noiseOf(planOfMethod(method)));
  const { interval } = spreadOf(localDp(told.epsilon, told.values), {
    count,
    reports: told.reports,
    confidence,
    noiseVariance,
  });
  const ends = [
    ["lower", lower, lowest(Math.floor(interval.lower))],
    ["upper", upper, Math.max(0, Math.ceil(interval.upper))],
  ] as const;
  return ends.filter(([, is, should]) => !(Math.abs(is - should) <= 1)).map(([end, is, should]) =>
    `${name}: the interval's ${end} end is ${is}, and has to be ${should}, or 1 off`
  );
}

/**
 * What is told, made again: the members of the statement as they are, and all others as they follow from them. So
 * whatever is told and is neither differs.
 */
function retell(release: ToldRelease, method: Method, proof: Proof): object {
  const { query, day, from, event, among, by, published, early, withheld, figures } = release;
  const plan = planOfMethod(method);
  const { clamps, threshold, confidence, "local-dp": localDp } = method;
  const { salt, digest, entry, statement } = proof;
  return {
    ...{ query, day, from, event, among, by, published, early, withheld, method, threshold, confidence },
    counts: countsOf(plan),
    bounds: clamps,
    cells: plan.cells,
    cost: tellLoss(plan.cost),
    noise: tellNoise(noiseOf(plan)),
    "local-dp": localDp && { epsilon: localDp.epsilon },
    figures: figures.map((figure) => retellFigure(figure, by)),
    totals: release.totals,
    quantiles: release.quantiles,
    proof: { salt, digest, entry, statement },
    // What a file of an older version says of its devices is more.
    ...(statement === undefined ? beyondProof(release) : {}),
  };
}

/** The figure; that its interval and its rate follow is looked at by itself. */
function retellFigure({ cell, count, lower, upper, among, rate }: ToldFigure, by: readonly string[]): object {
  return {
    cell: Object.fromEntries(by.map((name) => [name, cell[name] ?? null])),
    ...{ count, lower, upper, among },
    rate: among === undefined || rate === undefined
      ? undefined
      : { share: rate.share, lower: rate.lower, upper: rate.upper },
  };
}

/** The members that the proof of a release of an older version does not cover; of one with all of them, none. */
export function beyondProof({ proof, ...release }: ToldRelease): Readonly<Record<string, unknown>> {
  const names = ["local-dp", "totals", "quantiles"];
  return proof?.statement !== undefined
    ? {}
    : Object.fromEntries(Object.entries(release).filter(([name]) => names.includes(name)));
}

/** Compares all members of what is told with what they have to be, and names those that differ by their paths. */
function memberDifferences(is: unknown, should: unknown, path = ""): string[] {
  if (isObject(is) && isObject(should) && Array.isArray(is) === Array.isArray(should)) {
    const names = new Set([...Object.keys(is), ...Object.keys(should)]);
    return [...names].flatMap((name) =>
      memberDifferences(is[name], should[name], path === "" ? name : `${path}.${name}`)
    );
  }
  return isSame(is, should)
    ? []
    : [`${path} is ${JSON.stringify(is)}, and has to be ${JSON.stringify(should)}`];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isSame(is: unknown, should: unknown): boolean {
  if (typeof is !== "number" || typeof should !== "number" || Number.isInteger(should)) return is === should;
  return Math.abs(is - should) <= MATH_TOLERANCE * Math.abs(should);
}

function differing(compared: readonly (readonly [what: string, is: unknown, should: unknown])[]): string[] {
  return compared.filter(([, is, should]) => is !== should).map(([what, is, should]) =>
    `${what} is ${is}, and has to be ${should}`
  );
}
