/**
 * Devices that send a sample of an application's events week after week, and an analyst who has nothing but the exported
 * records and says which pseudonyms of two weeks are one device, by which events each of them sends.
 *
 * @module
 */
import { Clock } from "../../client/base/clock.ts";
import { randomFraction } from "../../client/base/random.ts";
import { Entries } from "../../client/storage/storage.ts";
import { Device } from "../../client/tokens/device.ts";
import { seededRandom } from "../core/voprf/suites.ts";
import type { Target } from "./guessing.ts";

/** The week for which a pseudonym lasts, in seconds. */
export const WEEK = 604_800;
const APP = "notes";
const ROTATION = { pseudonymSeconds: WEEK };

/** What the analyst reads of a record. */
export interface Exported {
  readonly pseudonym: string;
  readonly events: readonly { readonly name: string }[];
}

/** A week as it was exported, and whose pseudonyms are whose, which the analyst does not have. */
export interface Week {
  readonly records: readonly Exported[];
  /** The pseudonyms by device. */
  readonly pseudonyms: readonly string[];
}

/** Whether a device is in the sample of an event. */
export type Draw = (device: Device, entries: Entries, sampling: { event: string; sample: number }) => boolean;

/** The draw of the client. */
export const drawn: Draw = (device, entries, sampling) => device.isSampled(entries, ROTATION, sampling);

/** The draw of a weak build: one for the life of a device, as clients before 0.2.0 had it. */
export const drawnOnce: Draw = (device, entries, { event, sample }) =>
  randomFraction(device.random(entries, `sample\0${event}`)) < sample;

/** How many of which devices send what. */
export interface Habits {
  readonly devices: number;
  readonly weeks: number;
  /** Everybody has occasion to send each of so many events in each week. */
  readonly events: number;
  readonly sample: number;
  readonly draw: Draw;
  readonly seed: string;
}

/** Lets devices live for some weeks. One that sends nothing in a week leaves no record of it. */
export function exportWeeks({ devices, weeks, events, sample, draw, seed }: Habits): Week[] {
  const time = { now: 0 };
  const clock = new Clock(() => time.now);
  const names = Array.from({ length: events }, (_, index) => `event_${index}`);
  const all = Array.from({ length: devices }, (_, index) => ({
    device: new Device({ app: APP, clock, random: seededRandom(`${seed} ${index}`) }),
    entries: new Entries(new Map()),
  }));
  return Array.from({ length: weeks }, (_, week) => {
    time.now = (3_000 + week) * WEEK * 1000;
    const lived = all.map(({ device, entries }) => ({
      pseudonym: device.pseudonym(entries, ROTATION),
      events: names.filter((event) => draw(device, entries, { event, sample })).map((name) => ({ name })),
    }));
    return {
      records: lived.filter(({ events }) => events.length > 0),
      pseudonyms: lived.map(({ pseudonym }) => pseudonym),
    };
  });
}

/** Which events each pseudonym sent, one bit an event. */
function subsetsOf(records: readonly Exported[], places: ReadonlyMap<string, number>): Map<string, number> {
  const subsets = new Map<string, number>();
  for (const { pseudonym, events } of records) {
    const subset = events.reduce(
      (bits, { name }) => bits | 1 << places.get(name)!,
      subsets.get(pseudonym) ?? 0,
    );
    subsets.set(pseudonym, subset);
  }
  return subsets;
}

function ones(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}

/**
 * Says of each pseudonym of a week which one of the next is the same device's: the one whose events differ least. Most
 * are 31 events. Among equals it takes any one, by the order of their names.
 */
export function linkWeeks(before: readonly Exported[], after: readonly Exported[]): Map<string, string> {
  const names = [...before, ...after].flatMap(({ events }) => events.map(({ name }) => name));
  const places = new Map([...new Set(names)].sort().map((name, place) => [name, place]));
  const candidates = [...subsetsOf(after, places)].sort(([a], [b]) => a < b ? -1 : 1);
  const links = new Map<string, string>();
  for (const [pseudonym, subset] of subsetsOf(before, places)) {
    let [best, least] = ["", Infinity];
    for (const [other, bits] of candidates) {
      const distance = ones(subset ^ bits);
      if (distance < least) [best, least] = [other, distance];
    }
    links.set(pseudonym, best);
  }
  return links;
}

/** How the analyst did on all pairs of weeks that follow each other. */
export interface Linked {
  readonly targets: readonly Target[];
  readonly right: number;
}

/** Counts the devices that were seen in both weeks of a pair, and those whose pseudonyms were linked rightly. */
export function linked(weeks: readonly Week[]): Linked {
  const targets: Target[] = [];
  let right = 0;
  for (const [index, before] of weeks.slice(0, -1).entries()) {
    const after = weeks[index + 1]!;
    const links = linkWeeks(before.records, after.records);
    const seen = new Set(after.records.map(({ pseudonym }) => pseudonym));
    for (const [client, pseudonym] of before.pseudonyms.entries()) {
      const own = after.pseudonyms[client]!;
      if (!links.has(pseudonym) || !seen.has(own)) continue;
      targets.push({ client, crowd: seen.size });
      if (links.get(pseudonym) === own) right++;
    }
  }
  return { targets, right };
}

/**
 * Of all devices, the share whose logs of two tokens of one week are linked where no pseudonym is collected and each
 * token's logs have all that the device sends: who shares a subset with others is linked by chance.
 */
export function shareLinkedWithin({ records }: Week, devices: number): number {
  return new Set(records.map(({ events }) => events.map(({ name }) => name).join())).size / devices;
}
