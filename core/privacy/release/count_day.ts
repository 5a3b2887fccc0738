/**
 * Counts the records of a day, or of several, for any number of releases in one pass, or in several where there are more people than memory
 * is meant for.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import type { Application } from "../../config/types.ts";
import { DayChangedError, readRecords } from "../../ledger/day_records.ts";
import type { Store } from "../../store/store.ts";
import { indexOfValue } from "../../schema/fields/table.ts";
import { decodeRecord, type LogRecord } from "../../schema/record.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import { isInDomain } from "../../schema/validate.ts";
import type { RandomSource } from "../../base/random.ts";
import { BoundedContributions, type CellTotal } from "../dp/contributions.ts";
import { absentIndex } from "./figures.ts";
import type { ReleasePlan } from "./plan.ts";
import { SipHash, SIPHASH_KEY_LENGTH } from "../sketch/siphash.ts";

/** People that are held in memory for all releases of a pass together, some 200 bytes each. */
const MAX_PEOPLE = 500_000;
/** Passes are doubled up to this many, then people are held whatever it takes. */
const MAX_PASSES = 256;
/** Tries to read a day while its records are moved. */
const MAX_TRIES = 5;

/** What is counted, and how. */
export interface CountOptions {
  /** Days since 1970; a person counts once over all of them. */
  readonly days: readonly number[];
  /** What is counted of them. */
  readonly plans: readonly ReleasePlan[];
  /** Keys the choice of kept cells. */
  readonly random: RandomSource;
  /** People held in memory at a time; 500,000 by default. */
  readonly maxPeople?: number;
}

/**
 * The totals of each plan by cell, contributions bounded. A cell is the indexes of its values, joined by commas.
 * @throws {DayChangedError} If records were moved again and again meanwhile.
 */
export async function countDays(
  store: Store,
  app: Application,
  { days, plans, random, maxPeople = MAX_PEOPLE }: CountOptions,
): Promise<Map<string, CellTotal>[]> {
  for (let tries = 1, passes = 1;;) {
    const counter = new DayCounter({
      app,
      plans,
      passes,
      key: new SipHash(random(SIPHASH_KEY_LENGTH)),
    });
    try {
      if (await counter.run(store, days, passes < MAX_PASSES ? maxPeople : Infinity)) return counter.totals;
      passes *= 2;
    } catch (error) {
      if (!(error instanceof DayChangedError) || tries++ === MAX_TRIES) throw error;
    }
  }
}

/** A question, and what it has come to. */
interface Counted {
  readonly plan: ReleasePlan;
  readonly totals: Map<string, CellTotal>;
}

/** A question, and what the people of a pass contribute to it. */
interface Bounded extends Counted {
  readonly contributions: BoundedContributions;
}

/** How a day is counted. */
interface DayCounterOptions {
  readonly app: Application;
  readonly plans: readonly ReleasePlan[];
  /** How often its records are read, each time for other people. */
  readonly passes: number;
  /** Who counts in which pass, and which of their contributions. */
  readonly key: SipHash;
}

class DayCounter {
  readonly #app: Application;
  readonly #counted: readonly Counted[];
  readonly #passes: number;
  readonly #key: SipHash;

  constructor({ app, plans, passes, key }: DayCounterOptions) {
    this.#app = app;
    this.#counted = plans.map((plan) => ({ plan, totals: new Map() }));
    this.#passes = passes;
    this.#key = key;
  }

  /** The totals of each question, in their order. */
  get totals(): Map<string, CellTotal>[] {
    return this.#counted.map(({ totals }) => totals);
  }

  /** Gives false when there are more people in a pass than `maxPeople`. */
  async run(store: Store, days: readonly number[], maxPeople: number): Promise<boolean> {
    for (let pass = 0; pass < this.#passes; pass++) {
      const bounded = this.#counted.map((counted): Bounded => ({
        ...counted,
        contributions: new BoundedContributions(counted.plan, this.#key),
      }));
      for await (const line of this.#recordsOf(store, days)) {
        const record = decodeRecord(line);
        // A pseudonym counts in its own period only: what is said of it is paid for by that period's budget.
        if (record.pseudonym === undefined || record.otherPeriod === true) continue;
        if (!this.#isInPass(record.pseudonym, pass)) continue;
        this.#add(record.pseudonym, record, bounded);
        if (bounded.reduce((sum, { contributions }) => sum + contributions.people, 0) > maxPeople) {
          return false;
        }
      }
      for (const { totals, contributions } of bounded) contributions.addTo(totals);
    }
    return true;
  }

  async *#recordsOf(store: Store, days: readonly number[]): AsyncGenerator<Uint8Array> {
    for (const day of days) yield* readRecords(store, this.#app.id, day);
  }

  #isInPass(pseudonym: string, pass: number): boolean {
    return this.#passes === 1 || this.#key.hash(utf8(pseudonym)).low % this.#passes === pass;
  }

  #add(pseudonym: string, { events }: LogRecord, bounded: readonly Bounded[]): void {
    for (const event of events) {
      for (const { plan, contributions } of bounded) {
        if (plan.event !== event.name && plan.among !== event.name) continue;
        const cell = cellOf(this.#app, plan, event);
        // Of a rate the event itself is marked: who has it is among those who have either.
        if (cell !== undefined) contributions.add(pseudonym, cell, plan.event === event.name);
      }
    }
  }
}

/** The cell that an event belongs to; undefined when a value is no longer in its field's domain. */
function cellOf(
  app: Application,
  plan: ReleasePlan,
  { name: event, fields: values }: LogRecord["events"][number],
): string | undefined {
  const fields = app.events[event]?.fields ?? {};
  if (plan.of !== undefined) {
    const [field, report] = [fields[plan.of], values[plan.of]];
    return field !== undefined && isInDomain(field, report) ? String(report) : undefined;
  }
  const indexes: number[] = [];
  for (const name of plan.by) {
    const field = fields[name];
    const index = field && indexOf(field, values[name]);
    if (index === undefined) return undefined;
    indexes.push(index);
  }
  return indexes.join();
}

function indexOf(field: FieldSchema, value: unknown): number | undefined {
  if (value === undefined) return absentIndex(field);
  return isInDomain(field, value) ? indexOfValue(field, value) : undefined;
}
