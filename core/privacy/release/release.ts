/**
 * Releases: from a day's raw records to figures that may be shown to anybody (docs/privacy.md).
 *
 * Two commits make a release. The first pays for it and reserves its row; the second puts the figures in place of the
 * reservation, once their digest is an entry of the audit log. A process may end anywhere: a rerun finds the reservation, counts again and pays nothing; of two that
 * count at once one publishes, and the figures of the other are forgotten unseen. So a question about a day is answered
 * once, and paid once.
 *
 * @module
 */
import { toBase64url } from "../../base/bytes.ts";
import type { ReleaseQuery } from "../../config/release_types.ts";
import type { Application } from "../../config/types.ts";
import { eventOf, isOpen, NO_SUPPRESSIONS } from "../../schema/event.ts";
import { DayChangedError } from "../../ledger/day_records.ts";
import { TALLIES } from "../../ledger/families.ts";
import { budgetsOf, firstDayOf, RELEASES, releasesOf } from "./families.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import type { AuditLog } from "../../operations/audit_log.ts";
import type { TallyRow } from "../../ledger/tally.ts";
import { dayOf } from "../../base/time.ts";
import type { RandomSource } from "../../base/random.ts";
import { payment, readSpending, type Spending } from "./budget.ts";
import type { CellTotal } from "../dp/contributions.ts";
import { countDays } from "./count_day.ts";
import { countFigures, estimateFigures } from "./figures.ts";
import { breakdownOf, daysOf, isAskedOn, noiseOf, planOf, type ReleasePlan } from "./plan.ts";
import { methodOf, type Proof } from "./method.ts";
import { sealStatement, statementOf, withEntry } from "./proof.ts";
import { periodOf, promisesOf, rememberTerms } from "./promises.ts";
import {
  decodeFigures,
  encodeFigures,
  type HiddenRow,
  type PublishedRow,
  type ReleaseRow,
  type ReservedRow,
} from "./rows.ts";
import { UniformSource } from "../../base/uniform.ts";

/** Seconds after a day's end before it is released: what was accepted before midnight has been written by then. */
const RELEASE_AFTER_SECONDS = 600;
/** Days that releases are kept: far longer than any raw record, so that no day is ever released again. */
const KEPT_DAYS = 800;
/** Bytes of randomness that are drawn at a time: a release takes many. */
const RANDOM_BLOCK = 4_096;

/** What a release works with. */
export interface ReleaseContext {
  /** The store. */
  readonly store: Store;
  /** A cryptographic source, for noise. */
  readonly random: RandomSource;
  /**
   * The events of an application that are withheld, and those, and fields as `event.field`, that were stopped at some
   * moment of these days: a count of what is left would be one of other people than it says.
   */
  readonly withheldWithin: (
    app: string,
    days: { readonly fromDay: number; readonly toDay: number },
  ) => Promise<ReadonlySet<string>>;
  /** Where the digest of a release is written down before it is published. */
  readonly auditLog: Pick<AuditLog, "append">;
  /** The version of the code, which a release's method says. */
  readonly version: string;
}

/**
 * What became of a question. `published`: now. `present`: it was before. `refused`: the budget of the day's period is
 * spent. `withheld`: an event of it is in quarantine, or was stopped on one of its days, or a field of it was. `not over`: the day is not. `before the first key`: nobody can have sent
 * anything. `incomplete`: raw records of the day are
 * gone already. `impossible`: it was paid for, and the schema no longer has what it asks for. `busy`: other work on the
 * day's records did not let it be read; try again.
 */
export type Outcome =
  | "published"
  | "present"
  | "refused"
  | "withheld"
  | "not over"
  | "before the first key"
  | "incomplete"
  | "impossible"
  | "busy";

/** Which day is released, and how. */
export interface DayOptions {
  /** Days since 1970. */
  readonly day: number;
  /** Unix seconds. */
  readonly nowSeconds: number;
  /** Whether a day that is not over may be released: what comes later will be in no release. */
  readonly early?: boolean;
  /** The first day that may be counted, where a period has begun before releases did; none by default. */
  readonly sinceDay?: number;
}

/** Answers all questions of an application about a day, each once. Gives what became of each. */
export async function releaseDay(
  context: ReleaseContext,
  app: Application,
  { day, nowSeconds, early = false, sinceDay = 0 }: DayOptions,
): Promise<Record<string, Outcome>> {
  await rememberTerms(context.store, app, dayOf(nowSeconds));
  const isOver = isDayOver(day, nowSeconds);
  const outcomes: Record<string, Outcome> = {};
  const reserved: Reserved[] = [];
  for (const [query, question] of Object.entries(app.releases?.queries ?? {})) {
    if (!isAskedOn(app, question, day) || day - daysOf(app, question) + 1 < sinceDay) continue;
    const against = await reasonAgainst(context, app, { day, nowSeconds, early, question });
    // What was answered before its records were gone is.
    if (against !== undefined && against !== "incomplete") outcomes[query] = against;
    else {
      const reservation = await reserve(context, app, { day, query, question, nowSeconds });
      if (reservation.is !== "reserved") outcomes[query] = reservation.is;
      else if (!isAnswerable(app, reservation.row.plan)) outcomes[query] = "impossible";
      else reserved.push({ query, row: reservation.row });
    }
  }
  for (const together of Map.groupBy(reserved, ({ row }) => row.plan.days ?? 1).values()) {
    Object.assign(outcomes, await answer(context, app, together, { day, nowSeconds, early: !isOver }));
  }
  return outcomes;
}

/** A question whose row waits for its figures. */
interface Reserved {
  readonly query: string;
  readonly row: ReservedRow;
}

/** Answers questions that are about the same days. */
async function answer(
  context: ReleaseContext,
  app: Application,
  reserved: readonly Reserved[],
  { day, nowSeconds, early }: { readonly day: number; readonly nowSeconds: number; readonly early: boolean },
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {};
  const count = await countReserved(context, app, day, reserved.map(({ row }) => row.plan));
  if (count.is !== "counted") {
    for (const { query } of reserved) outcomes[query] = count.is;
    return outcomes;
  }
  const made = reserved.map(({ query, row }, index) => {
    const totals = count.totals[index];
    if (totals === undefined) throw new Error(`The question ${query} was not counted.`);
    return makeRelease(context, app, { row, day, query, totals, nowSeconds, early });
  });
  const digests = Object.fromEntries(made.map(({ query, sealed: { digest } }) => [query, digest]));
  await withEntry(context.auditLog, { app: app.id, day, digests }, async (entry) => {
    for (const release of made) outcomes[release.query] = await publish(context, app, release, entry);
  });
  return outcomes;
}

/** Whether a day is over, so that whatever was accepted of it is written. */
export function isDayOver(day: number, nowSeconds: number): boolean {
  return nowSeconds >= (day + 1) * 86_400 + RELEASE_AFTER_SECONDS;
}

/** Why a question about a day would not be answered, whatever its budget has left; undefined where nothing is against it. */
export async function reasonAgainst(
  { store, withheldWithin }: Pick<ReleaseContext, "store" | "withheldWithin">,
  app: Application,
  { day, nowSeconds, early = false, question }: DayOptions & { readonly question: ReleaseQuery },
): Promise<"before the first key" | "not over" | "withheld" | "incomplete" | undefined> {
  const first = await store.get<number>(firstDayOf(app.id));
  if (first.value !== null && day < first.value) return "before the first key";
  if (!isDayOver(day, nowSeconds) && !(early && day <= dayOf(nowSeconds))) return "not over";
  const days = daysUntil(day, { days: daysOf(app, question) });
  const withheld = await withheldWithin(app.id, { fromDay: Math.min(...days), toDay: day });
  if (isWithheld(withheld, question) || isHalfClosed(app, question, day)) return "withheld";
  return await isIncomplete(store, app, { days, nowSeconds }) ? "incomplete" : undefined;
}

/** Whether raw records of one of these days are gone: a day beyond its retention has lost them, and in time every trace of them. */
async function isIncomplete(
  store: Store,
  app: Application,
  { days, nowSeconds }: { readonly days: readonly number[]; readonly nowSeconds: number },
): Promise<boolean> {
  return Math.min(...days) < dayOf(nowSeconds) - app.retentionDays ||
    await haveLostRecords(store, app.id, days);
}

/** What became of a wish to release: a row that waits for its figures, or why there is none. */
type Reservation =
  | { readonly is: "reserved"; readonly row: ReservedRow }
  | { readonly is: "present" | "refused" | "incomplete" };

interface Asked {
  readonly day: number;
  readonly query: string;
  readonly question: ReleaseQuery;
  readonly nowSeconds: number;
}

/** Pays for a release and reserves its row, or finds it reserved. */
async function reserve(
  { store, random }: ReleaseContext,
  app: Application,
  { day, query, question, nowSeconds }: Asked,
): Promise<Reservation> {
  const key = RELEASES.key(app.id, day, query, 0);
  const plan = planOf(app, question);
  // Whether a commit landed is told by the row, which is read again: one that was sent twice says no.
  const { result } = await store.update<ReleaseRow, Reservation>(key, async (row, commit) => {
    if (row.value?.state === "published") return { is: "present" };
    if (row.value !== null) return { is: "reserved", row: row.value };
    const days = daysUntil(day, plan);
    if (await isIncomplete(store, app, { days, nowSeconds })) return { is: "incomplete" };
    const spending = await readSpending(store, app, day);
    const pay = payment(spending, plan.cost);
    if (pay === undefined || !areChargedTogether(app, spending, day, plan)) return { is: "refused" };
    const reserved: ReservedRow = { state: "reserved", id: toBase64url(random(12)), plan };
    pay(commit.set(key, reserved));
    return { is: "reserved", row: reserved };
  });
  return result;
}

/** The days that a plan counts, up to the one that is released. */
function daysUntil(day: number, { days = 1 }: Pick<ReleasePlan, "days">): number[] {
  return Array.from({ length: days }, (_, index) => day - days + 1 + index);
}

/**
 * Whether what is paid for the last of these days is charged in every period that any of them lies in. It is not where
 * the pseudonym's period was another one meanwhile: then people of several pseudonyms would be counted, and one paid for.
 */
export function areChargedTogether(
  app: Application,
  { terms }: Spending,
  day: number,
  plan: Pick<ReleasePlan, "days">,
): boolean {
  return daysUntil(day, plan).every((one) =>
    promisesOf(app, terms.value ?? [], one).every(({ fromDay, toDay }) => fromDay <= day && day <= toDay)
  );
}

/** Whether anything is withheld that a question is about: of a rate, in either of its events. */
function isWithheld(
  withheld: ReadonlySet<string>,
  { event, among = event, by = [], of }: ReleaseQuery,
): boolean {
  const fields = of === undefined ? by : [of];
  return [event, among].some((name) =>
    withheld.has(name) || fields.some((field) => withheld.has(`${name}.${field}`))
  );
}

/** Whether one event of a rate is collected and the other one is not: then it is a rate of nothing. */
function isHalfClosed(app: Application, { event, among = event }: ReleaseQuery, day: number): boolean {
  const isCollected = (name: string) =>
    isOpen(name, eventOf(app, name), NO_SUPPRESSIONS, (day + 1) * 86_400 - 1);
  return isCollected(event) !== isCollected(among);
}

function isAnswerable(app: Application, { event, by, of, among = event }: ReleasePlan): boolean {
  const fields = app.events[event]?.fields ?? {};
  const others = app.events[among]?.fields;
  return app.events[event] !== undefined && others !== undefined &&
    by.every((name) => fields[name] !== undefined && others[name] !== undefined) &&
    (of === undefined || fields[of]?.localDp !== undefined);
}

async function haveLostRecords(store: Store, app: string, days: readonly number[]): Promise<boolean> {
  for (const day of days) {
    const tally = await store.get<TallyRow>(TALLIES.key(app, day));
    if ((tally.value?.recordsRetired ?? 0) > 0) return true;
  }
  return false;
}

type Count =
  | { readonly is: "counted"; readonly totals: readonly Map<string, CellTotal>[] }
  | { readonly is: "busy" | "incomplete" };

async function countReserved(
  { store, random }: ReleaseContext,
  app: Application,
  day: number,
  plans: readonly ReleasePlan[],
): Promise<Count> {
  const days = daysUntil(day, plans[0] ?? {});
  if (await haveLostRecords(store, app.id, days)) return { is: "incomplete" };
  try {
    const totals = await countDays(store, app, { days, plans, random });
    // Records are removed and tallied in one commit: with none tallied, what was counted is all there was.
    return await haveLostRecords(store, app.id, days) ? { is: "incomplete" } : { is: "counted", totals };
  } catch (error) {
    if (error instanceof DayChangedError) return { is: "busy" };
    throw error;
  }
}

/** What is published in place of a reservation. */
interface Counted {
  readonly row: ReservedRow;
  readonly day: number;
  readonly query: string;
  readonly totals: ReadonlyMap<string, CellTotal>;
  readonly nowSeconds: number;
  readonly early: boolean;
}

/** A release that waits for its entry of the audit log. */
interface Made {
  readonly day: number;
  readonly query: string;
  readonly row: Omit<PublishedRow, "proof">;
  readonly sealed: Omit<Proof, "entry">;
  /** The rows of its figures. */
  readonly parts: readonly (Uint8Array | HiddenRow)[];
}

/** Draws the noise of a release. */
function makeRelease(
  { store, random, version }: ReleaseContext,
  app: Application,
  { row: { plan, id }, day, query, totals, nowSeconds, early }: Counted,
): Made {
  const event = eventOf(app, plan.event);
  const uniform = new UniformSource(random, RANDOM_BLOCK);
  const figures = (plan.of === undefined ? countFigures : estimateFigures)(plan, event, totals, uniform);
  const { parts, hidden, shownFrom, withheld } = encodeFigures(figures, store.limits);
  const method = methodOf(plan, event, { code: version, shownFrom, reports: figures.reports });
  const row: Made["row"] = {
    state: "published",
    id,
    plan,
    noise: noiseOf(plan),
    publishedAt: nowSeconds,
    early,
    withheld,
    ...(plan.of === undefined ? { breakdown: breakdownOf(plan, event) } : {}),
    method,
  };
  const statement = statementOf(
    app.id,
    {
      ...row,
      query,
      day,
      figures: parts.flatMap(decodeFigures),
      hidden: hidden.flatMap(({ part }) => decodeFigures(part)),
    },
    method,
  );
  return { day, query, row, sealed: sealStatement(statement, random), parts: [...parts, ...hidden] };
}

/** Puts the figures in place of the reservation. */
async function publish(
  { store }: ReleaseContext,
  app: Application,
  { day, query, row: published, sealed, parts }: Made,
  entry: number,
): Promise<Outcome> {
  const key = RELEASES.key(app.id, day, query, 0);
  const { result } = await store.update<ReleaseRow, Outcome>(key, (row, commit) => {
    if (row.value?.state === "published") return "present";
    if (row.value?.id !== published.id) return "busy";
    commit.set(key, { ...published, proof: { ...sealed, entry } });
    for (const [index, part] of parts.entries()) {
      commit.set(RELEASES.key(app.id, day, query, index + 1), part);
    }
    return "published";
  });
  return result;
}

/** Whether all questions about a day, and its period, are answered, so that its raw records are needed no more. */
export async function isReleased(store: Store, app: Application, day: number): Promise<boolean> {
  const queries = Object.entries(app.releases?.queries ?? {});
  const keys = queries.map(([name, query]) => {
    const { toDay } = periodOf(day, daysOf(app, query));
    return RELEASES.key(app.id, toDay, name, 0);
  });
  const rows = await store.getMany<ReleaseRow>(keys);
  return rows.length > 0 && rows.every(({ value }) => value?.state === "published");
}

/** Removes releases and budgets of more than 800 days ago. Gives how many rows. */
export async function sweepReleases(
  store: Store,
  app: Application,
  nowSeconds: number,
  pace: SweepPace,
): Promise<number> {
  if (app.releases === undefined) return 0;
  const lastDay = dayOf(nowSeconds) - KEPT_DAYS;
  return await store.sweep(releasesOf(app.id, 0, lastDay), pace) +
    await store.sweep(budgetsOf(app.id, 0, lastDay), pace);
}
