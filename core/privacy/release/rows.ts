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
import type { Noise, ReleasePlan } from "./plan.ts";

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
}

/** A release with its figures. */
export interface Release extends PublishedRow {
  /** The question's name. */
  readonly query: string;
  /** The day, days since 1970. */
  readonly day: number;
  /** What is published, the greatest first. */
  readonly figures: readonly Figure[];
}

/** The figures as parts of JSON that fit a row each, and how many did not fit a commit: the smallest. */
export function encodeFigures(
  { figures, withheld }: Figures,
  limits: Limits,
): { parts: Uint8Array[]; withheld: number } {
  const maxPartBytes = roomInValue(limits);
  const maxBytes = roomInCommit(limits);
  let part: string[] = [];
  const parts = [part];
  let length = 0, total = 0, kept = 0;
  for (const { cell, count, lower, upper } of figures) {
    const text = JSON.stringify([cell, count, lower, upper]);
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
  return {
    parts: parts.map((texts) => utf8(`[${texts.join()}]`)),
    withheld: withheld + figures.length - kept,
  };
}

function decodeFigures(part: Uint8Array): Figure[] {
  const rows = JSON.parse(new TextDecoder().decode(part)) as [Figure["cell"], number, number, number][];
  return rows.map(([cell, count, lower, upper]) => ({ cell, count, lower, upper }));
}

/** The published releases of the days from..to, in order of day and name. */
export async function readReleases(
  store: Store,
  app: string,
  fromDay: number,
  toDay: number,
): Promise<Release[]> {
  const releases: (Release & { figures: Figure[] })[] = [];
  for await (
    const { key, value } of store.list<ReleaseRow | Uint8Array>(releasesOf(app, fromDay, toDay))
  ) {
    const [, , day, query] = key as [string, string, number, string];
    // The parts of a release follow its row; a reserved one has none.
    if (value instanceof Uint8Array) releases.at(-1)?.figures.push(...decodeFigures(value));
    else if (value.state === "published") releases.push({ ...value, query, day, figures: [] });
  }
  return releases;
}
