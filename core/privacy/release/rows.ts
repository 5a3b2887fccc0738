/**
 * Releases in the store. A release's row says first that it is paid for and then, for ever, what was published; its
 * figures follow in parts that fit KV's values.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { releasesOf } from "./families.ts";
import { roomInCommit, roomInValue } from "../../store/limits.ts";
import type { Limits } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import type { Figure, Figures } from "./figures.ts";
import type { Method, Proof } from "./method.ts";
import type { Breakdown, Noise, ReleasePlan } from "./plan.ts";
import { loweredNear, sizeOf } from "./shown.ts";

/** What a release's row says. */
export type ReleaseRow = ReservedRow | PublishedRow;

/** The release is paid for and not yet made. */
export interface ReservedRow {
  /** Tells it from what is published. */
  readonly state: "reserved";
  /** Random: shows a process, when it reads the row again, that the reservation is its own. */
  readonly id: string;
  /** How it is to be made, whatever the configuration says by then. */
  readonly plan: ReleasePlan;
}

/** The release is made. Nothing of it ever changes. */
export interface PublishedRow {
  /** Tells it from what is reserved. */
  readonly state: "published";
  /** Of the reservation. */
  readonly id: string;
  /** How it was made. */
  readonly plan: ReleasePlan;
  /** The noise of its figures, or of the reports that they were estimated from. */
  readonly noise: Noise;
  /** Unix seconds. */
  readonly publishedAt: number;
  /** Whether the day was not over yet: what came later is in no release. */
  readonly early: boolean;
  /** Figures that were left out. */
  readonly withheld: number;
  /** What adding its figures up needs to know; absent in a release that was made before they were added up. */
  readonly breakdown?: Breakdown;
  /** How it was made; absent, as the proof is, in a release that was made before releases had proofs. */
  readonly method?: Method;
  /** What binds it to the audit log. */
  readonly proof?: Proof;
}

/** Figures that are not shown, one by one: a row of their own, which a program that knows no sums passes over. */
export interface HiddenRow {
  /** Tells it from a release's row. */
  readonly state: "hidden";
  /** As figures are that are published. */
  readonly part: Uint8Array;
}

/** A release with its figures. */
export interface Release extends PublishedRow {
  /** The question's name. */
  readonly query: string;
  /** The day, days since 1970. */
  readonly day: number;
  /** What is published, the greatest first. */
  readonly figures: readonly Figure[];
  /** Those below the threshold, for sums; fewer than are withheld where they were not kept. */
  readonly hidden: readonly Figure[];
}

/** Figures as a store keeps them. */
export interface EncodedFigures {
  /** Rows of those that are published. */
  readonly parts: readonly Uint8Array[];
  /** Rows of those below the threshold; none where there is no room for all of them. */
  readonly hidden: readonly HiddenRow[];
  /** From how many people on a figure is published. */
  readonly shownFrom: number;
  /** Figures that are not published. */
  readonly withheld: number;
}

/** The figures as parts of JSON that fit a row each; what does not fit a commit is withheld too, the smallest first. */
export function encodeFigures(figures: Figures, limits: Limits): EncodedFigures {
  const { withheld, hidden } = figures;
  const maxPartBytes = roomInValue(limits);
  let { figures: published, shownFrom } = figures;
  let shown = packFigures(published, maxPartBytes, roomInCommit(limits));
  const last = published[shown.kept - 1];
  if (shown.kept < published.length && last !== undefined) {
    // What decides is then not to be below the last one. No text gets longer.
    shownFrom = sizeOf(last);
    published = published.slice(0, shown.kept).map((figure) => loweredNear(figure, sizeOf(last)));
    shown = packFigures(published, maxPartBytes, roomInCommit(limits));
  }
  const dropped = figures.figures.length - shown.kept;
  const below = packFigures(hidden, maxPartBytes, roomInCommit(limits) - shown.bytes);
  const isRoom = dropped === 0 && below.kept === hidden.length && hidden.length > 0;
  return {
    parts: shown.parts,
    hidden: isRoom ? below.parts.map((part) => ({ state: "hidden", part })) : [],
    shownFrom,
    withheld: withheld + dropped,
  };
}

function packFigures(figures: readonly Figure[], maxPartBytes: number, maxBytes: number) {
  let part: string[] = [];
  const parts = [part];
  let length = 0, total = 0, kept = 0;
  for (const { cell, count, lower, upper, among } of figures) {
    const text = JSON.stringify([cell, count, lower, upper, ...(among === undefined ? [] : [among])]);
    const bytes = utf8(text).length + 1;
    if (total + bytes > maxBytes) break;
    if (length + bytes > maxPartBytes) {
      part = [];
      parts.push(part);
      length = 0;
    }
    part.push(text);
    length += bytes;
    total += bytes;
    kept++;
  }
  return { parts: parts.map((texts) => utf8(`[${texts.join()}]`)), bytes: total, kept };
}

/** The figures of a part. */
export function decodeFigures(part: Uint8Array): Figure[] {
  const rows = JSON.parse(new TextDecoder().decode(part)) as [
    Figure["cell"],
    count: number,
    lower: number,
    upper: number,
    among?: number,
  ][];
  return rows.map(([cell, count, lower, upper, among]) => ({
    cell,
    count,
    lower,
    upper,
    ...(among === undefined ? {} : { among }),
  }));
}

/** The published releases of the days from..to, in order of day and name. */
export async function readReleases(
  store: Store,
  app: string,
  fromDay: number,
  toDay: number,
): Promise<Release[]> {
  const releases: (Release & { figures: Figure[]; hidden: Figure[] })[] = [];
  for await (
    const { key, value } of store.list<ReleaseRow | HiddenRow | Uint8Array>(releasesOf(app, fromDay, toDay))
  ) {
    const [, , day, query] = key as [string, string, number, string];
    // The parts of a release follow its row; a reserved one has none.
    if (value instanceof Uint8Array) releases.at(-1)?.figures.push(...decodeFigures(value));
    else if (value.state === "hidden") releases.at(-1)?.hidden.push(...decodeFigures(value.part));
    else if (value.state === "published") releases.push({ ...value, query, day, figures: [], hidden: [] });
  }
  return releases;
}
