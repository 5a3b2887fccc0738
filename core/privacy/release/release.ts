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
import { eventOf } from "../../schema/event.ts";
import { DayChangedError } from "../../ledger/day_records.ts";
import { TALLIES } from "../../ledger/families.ts";
import { budgetsOf, firstDayOf, RELEASES, releasesOf } from "./families.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import type { AuditLog } from "../../operations/audit_log.ts";
import type { TallyRow } from "../../ledger/tally.ts";
import { dayOf } from "../../base/time.ts";
import type { RandomSource } from "../../base/random.ts";
import { payment, readSpending } from "./budget.ts";
import type { CellTotal } from "../dp/contributions.ts";
import { countDay, type CountOptions } from "./count_day.ts";
import { countFigures, estimateFigures } from "./figures.ts";
import { breakdownOf, noiseOf, planOf, type ReleasePlan } from "./plan.ts";
import { methodOf, type Proof } from "./method.ts";
import { sealStatement, statementOf, withEntry } from "./proof.ts";
import { rememberTerms } from "./promises.ts";
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
  /** The events of an application that are withheld. */
  readonly withheldOf: (app: string) => ReadonlySet<string>;
  /** Where the digest of a release is written down before it is published. */
  readonly auditLog: Pick<AuditLog, "append">;
  /** The version of the code, which a release's method says. */
  readonly version: string;
}

/**
 * What became of a question. `published`: now. `present`: it was before. `refused`: the budget of the day's period is
 * spent. `withheld`: its event is in quarantine. `not over`: the day is not. `before the first key`: nobody can have sent
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
}

/** Answers all questions of an application about a day, each once. Gives what became of each. */
export async function releaseDay(
  context: ReleaseContext,
  app: Application,
  { day, nowSeconds, early = false }: DayOptions,
): Promise<Record<string, Outcome>> {
  await rememberTerms(context.store, app, dayOf(nowSeconds));
  const isOver = isDayOver(day, nowSeconds);
  const outcomes: Record<string, Outcome> = {};
  const reserved: { query: string; row: ReservedRow }[] = [];
  for (const [query, question] of Object.entries(app.releases?.queries ?? {})) {
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
  if (reserved.length === 0) return outcomes;
  const count = await countReserved(context, app, { day, plans: reserved.map(({ row }) => row.plan) });
  if (count.is !== "counted") {
    for (const { query } of reserved) outcomes[query] = count.is;
    return outcomes;
  }
  const made = reserved.map(({ query, row }, index) => {
    const totals = count.totals[index];
    if (totals === undefined) throw new Error(`The question ${query} was not counted.`);
    return makeRelease(context, app, { row, day, query, totals, nowSeconds, early: !isOver });
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
  { store, withheldOf }: Pick<ReleaseContext, "store" | "withheldOf">,
  app: Application,
  { day, nowSeconds, early = false, question }: DayOptions & { readonly question: ReleaseQuery },
): Promise<"before the first key" | "not over" | "withheld" | "incomplete" | undefined> {
  const first = await store.get<number>(firstDayOf(app.id));
  if (first.value !== null && day < first.value) return "before the first key";
  if (!isDayOver(day, nowSeconds) && !(early && day <= dayOf(nowSeconds))) return "not over";
  if (isWithheld(withheldOf(app.id), question)) return "withheld";
  return await isIncomplete(store, app, { day, nowSeconds }) ? "incomplete" : undefined;
}

/** Whether raw records of a day are gone: one beyond its retention has lost them, and in time every trace of them. */
async function isIncomplete(
  store: Store,
  app: Application,
  { day, nowSeconds }: Pick<DayOptions, "day" | "nowSeconds">,
): Promise<boolean> {
  return day < dayOf(nowSeconds) - app.retentionDays || await hasLostRecords(store, app.id, day);
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
    if (await isIncomplete(store, app, { day, nowSeconds })) return { is: "incomplete" };
    const pay = payment(await readSpending(store, app, day), plan.cost);
    if (pay === undefined) return { is: "refused" };
    const reserved: ReservedRow = { state: "reserved", id: toBase64url(random(12)), plan };
    pay(commit.set(key, reserved));
    return { is: "reserved", row: reserved };
  });
  return result;
}

function isWithheld(withheld: ReadonlySet<string>, { event, among }: ReleaseQuery): boolean {
  return withheld.has(event) || (among !== undefined && withheld.has(among));
}

function isAnswerable(app: Application, { event, by, of, among = event }: ReleasePlan): boolean {
  const fields = app.events[event]?.fields ?? {};
  const others = app.events[among]?.fields;
  return app.events[event] !== undefined && others !== undefined &&
    by.every((name) => fields[name] !== undefined && others[name] !== undefined) &&
    (of === undefined || fields[of]?.localDp !== undefined);
}

async function hasLostRecords(store: Store, app: string, day: number): Promise<boolean> {
  return ((await store.get<TallyRow>(TALLIES.key(app, day))).value?.recordsRetired ?? 0) > 0;
}

type Count =
  | { readonly is: "counted"; readonly totals: readonly Map<string, CellTotal>[] }
  | { readonly is: "busy" | "incomplete" };

async function countReserved(
  { store, random }: ReleaseContext,
  app: Application,
  { day, plans }: Pick<CountOptions, "day" | "plans">,
): Promise<Count> {
  if (await hasLostRecords(store, app.id, day)) return { is: "incomplete" };
  try {
    const totals = await countDay(store, app, { day, plans, random });
    // Records are removed and tallied in one commit: with none tallied, what was counted is all there was.
    return await hasLostRecords(store, app.id, day) ? { is: "incomplete" } : { is: "counted", totals };
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
  const { parts, hidden, withheld } = encodeFigures(figures, store.limits);
  const method = methodOf(plan, event, { code: version, reports: figures.reports });
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
    { ...row, query, day, figures: parts.flatMap(decodeFigures) },
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

/** Whether all questions about a day are answered, so that its raw records are needed no more. */
export async function isReleased(store: Store, app: Application, day: number): Promise<boolean> {
  const queries = Object.keys(app.releases?.queries ?? {});
  const keys = queries.map((query) => RELEASES.key(app.id, day, query, 0));
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
