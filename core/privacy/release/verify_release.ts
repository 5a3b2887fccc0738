/**
 * Verifying a release from what is public: its figures, its method and the audit log. Nothing here reads a store, so that
 * a reviewer needs no access to the service.
 *
 * @module
 */
import type { Chain } from "../../operations/audit_chain.ts";
import { localDp } from "../dp/local_dp.ts";
import { spreadOf } from "../dp/local_dp_estimate.ts";
import { toNumber } from "../dp/rational.ts";
import { rateOf } from "./derived.ts";
import { type CellValue, type Figure, halfWidth, sizeOf, varianceOf } from "./figures.ts";
import { mechanismOf, type Method, planOfMethod, type Proof, selectionMethod } from "./method.ts";
import { noiseOf } from "./plan.ts";
import { digestOf, releaseAction, statedFigure, type Statement } from "./proof.ts";

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
  readonly threshold: number;
  readonly bounds: Method["clamps"];
  readonly cells: "declared" | "selected";
  readonly confidence: number;
  readonly noise: {
    readonly kind: "laplace" | "gaussian";
    readonly scale?: number | undefined;
    readonly "standard-deviation"?: number | undefined;
  };
  readonly published: string;
  readonly early: boolean;
  readonly withheld: number;
  readonly figures: readonly ToldFigure[];
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
      ...methodDifferences(release, method),
      ...figureDifferences(release, method),
    ];
  } catch (error) {
    if (error instanceof RangeError) return [`its method cannot be carried out: ${error.message}`];
    throw error;
  }
}

function entryDifferences(release: ToldRelease, proof: Proof, { app, chain }: VerifyOptions): string[] {
  const found: string[] = [];
  const digest = digestOf(statementOf(app, release), proof.salt);
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

function statementOf(app: string, release: ToldRelease): Statement {
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
  return { ...what, method, published, early, withheld, figures };
}

function figureOf({ cell, count, lower, upper, among }: ToldFigure, by: readonly string[]): Figure {
  const values = by.map((name) => cell[name] ?? null);
  return { cell: values, count, lower, upper, ...(among === undefined ? {} : { among }) };
}

/** Whether the noise and the selection follow from the cost and the clamps, and what is told beside the method from it. */
function methodDifferences(release: ToldRelease, method: Method): string[] {
  const plan = planOfMethod(method);
  const noise = noiseOf(plan);
  const said = release.noise.kind === "laplace" ? release.noise.scale : release.noise["standard-deviation"];
  const parameter = noise.kind === "laplace" ? toNumber(noise.scale) : Math.sqrt(toNumber(noise.variance));
  const { mechanism, parameter: exact } = mechanismOf(plan);
  const selected = "selected" in method.cells ? method.cells.selected : undefined;
  const selection = plan.cells === "selected" ? selectionMethod(plan) : undefined;
  return differing([
    ["the mechanism", method.mechanism, mechanism],
    ["the noise's parameter", method.parameter, exact],
    ["the noise that is told", said, parameter],
    ["the noise's kind", release.noise.kind, noise.kind],
    ["the selection's epsilon", selected?.epsilon, selection?.epsilon],
    ["the selection's delta", selected?.delta, selection?.delta],
    ["the selection's least number of people", selected?.["minimum-people"], selection?.["minimum-people"]],
    ["the selection's certain number of people", selected?.["certain-from"], selection?.["certain-from"]],
    ["the kind of cells", release.cells, plan.cells],
    ["the threshold", release.threshold, method.threshold],
    ["the confidence", release.confidence, method.confidence],
    ["cells-per-person", release.bounds["cells-per-person"], method.clamps["cells-per-person"]],
    ["events-per-cell", release.bounds["events-per-cell"], method.clamps["events-per-cell"]],
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
  for (const figure of figures) {
    const { cell, count, lower, upper } = figure;
    const name = by.map((field) => `${field} ${cell[field] ?? "absent"}`).join(", ") || "all";
    const size = sizeOf(figureOf(figure, by));
    if (size < method.threshold) found.push(`${name}: ${size} is below the threshold`);
    if (method["local-dp"] !== undefined) {
      found.push(...estimateDifferences(name, figure, method));
      continue;
    }
    found.push(...differing([
      [`${name}: the interval's lower end`, lower, Math.max(0, count - half)],
      [`${name}: the interval's upper end`, upper, Math.max(0, count + half)],
    ]));
    const rate = rateOf(figureOf(figure, by), noise);
    if (rate === undefined && figure.rate === undefined) continue;
    found.push(...differing([
      [`${name}: the rate`, figure.rate?.share, rate === undefined ? undefined : rate.share ?? null],
      [`${name}: the rate's lower end`, figure.rate?.lower, rate?.lower],
      [`${name}: the rate's upper end`, figure.rate?.upper, rate?.upper],
    ]));
  }
  return found;
}

/** An estimate's interval has the devices' noise too. It was computed before the count was rounded: an end may differ by 1. */
function estimateDifferences(name: string, { count, lower, upper }: ToldFigure, method: Method): string[] {
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
    ["lower", lower, Math.max(0, Math.floor(interval.lower))],
    ["upper", upper, Math.max(0, Math.ceil(interval.upper))],
  ] as const;
  return ends.filter(([, is, should]) => !(Math.abs(is - should) <= 1)).map(([end, is, should]) =>
    `${name}: the interval's ${end} end is ${is}, and has to be ${should}, or 1 off`
  );
}

function differing(compared: readonly (readonly [what: string, is: unknown, should: unknown])[]): string[] {
  return compared.filter(([, is, should]) => is !== should).map(([what, is, should]) =>
    `${what} is ${is}, and has to be ${should}`
  );
}
