/**
 * What the overview shows, read from the counters and from the process itself.
 *
 * @module
 */
import { HISTORY_HOURS, liveWindows, makeOverview, type Overview, type Window } from "./read.ts";
import { stateAt } from "../../../core/keys/epoch.ts";
import { type AppCounts, type Counters, sumCounts } from "../../../core/operations/counters.ts";
import { toldOf } from "../../../core/operations/siblings.ts";
import type { Server } from "../../../core/service.ts";
import { isTheirs, type Operator } from "../../../edge/auth/operator.ts";
import { formatCount, formatDistance } from "../frame/format.ts";
import { expiryOf } from "../schema/view.ts";

/** Everything that the page shows. */
export interface OverviewView {
  /** The counters. */
  readonly counts: Overview;
  /** The last hour of the processes on this port, by the minute. */
  readonly minutes: readonly Window[];
  /** How the service is. */
  readonly health: readonly HealthLine[];
}

/** One thing about the health of the service. */
export interface HealthLine {
  /** How it is. */
  readonly tone: "good" | "warn" | "bad";
  /** What it is, in a few words. */
  readonly text: string;
  /** More about it. */
  readonly more?: string;
  /** The page that has it all. */
  readonly href?: string;
}

/** Seconds after which the hourly job counts as missed. */
const MAINTENANCE_DUE_SECONDS = 2 * 3_600;

/** Reads what the page shows to somebody: of their applications alone, where they are not an operator of all. */
export async function readOverview(
  service: Server,
  operator: Pick<Operator, "apps"> = {},
): Promise<OverviewView> {
  const now = service.now();
  const hour = Math.floor(now / 3_600);
  const hours = await service.counterRows.read(hour - HISTORY_HOURS + 1, hour);
  const own = (counts: ReadonlyMap<number, AppCounts>) => ofOwnApps(counts, operator);
  const { applications } = service.deployment;
  const apps = new Map([...applications].filter(([app]) => isTheirs(operator, app)));
  return {
    counts: makeOverview(own(hours), apps.keys(), now),
    minutes: liveWindows(own(await readMinutes(service)), now),
    health: await readHealth({ ...service, deployment: { ...service.deployment, applications: apps } }),
  };
}

/** The last minutes of all processes on this port. */
export async function readMinutes(
  { counters, siblings }: Pick<Server, "siblings"> & { readonly counters: Pick<Counters, "minutes"> },
): Promise<ReadonlyMap<number, AppCounts>> {
  const own = counters.minutes();
  if (siblings === undefined) return own;
  const all = [own, ...toldOf(await siblings.ask("minutes")).values()];
  const minutes = new Set(all.flatMap((told) => [...told.keys()]));
  return new Map(
    [...minutes].map((minute) => [minute, sumCounts(all.map((told) => told.get(minute) ?? new Map()))]),
  );
}

/** Counts of one's own applications; what was counted of no application is for operators of all. */
function ofOwnApps(
  counts: ReadonlyMap<number, AppCounts>,
  operator: Pick<Operator, "apps">,
): ReadonlyMap<number, AppCounts> {
  if (operator.apps === undefined) return counts;
  return new Map(
    [...counts].map(([at, byApp]) => [at, new Map([...byApp].filter(([app]) => isTheirs(operator, app)))]),
  );
}

async function readHealth(service: Server): Promise<HealthLine[]> {
  const { health, store, committer, deployment } = service;
  const now = service.now();
  const lines: HealthLine[] = [
    store.writes.refuses
      ? { tone: "bad", text: "The store does not answer", more: "logs are refused until it does" }
      : { tone: "good", text: "The store answers" },
  ];
  const without: string[] = [];
  let nextChange = Infinity;
  for (const { id } of deployment.applications.values()) {
    const keys = await service.publishedKeys(id, now).catch(() => []);
    const issuing = keys.find((key) => stateAt(key, now) === "issuing");
    if (issuing === undefined) without.push(id);
    else nextChange = Math.min(nextChange, issuing.issueUntil);
  }
  lines.push(
    without.length > 0
      ? { tone: "bad", text: "No key issues", more: `for ${without.join(", ")}` }
      : { tone: "good", text: "Keys issue", more: `next rotation ${formatDistance(nextChange, now)}` },
  );
  if (service.time.held) {
    lines.push({
      tone: "warn",
      text: "The clock is ahead of what was confirmed",
      more: "nothing is destroyed or ended by it until it has agreed with itself for ten minutes",
    });
  }
  const { maintenance, maintainedAtSeconds } = health;
  const age = now - (maintainedAtSeconds ?? health.startedAtSeconds);
  if (maintenance?.failure !== undefined) {
    lines.push({ tone: "bad", text: "Maintenance failed", more: maintenance.failure });
  } else if (age > MAINTENANCE_DUE_SECONDS) {
    lines.push({ tone: "warn", text: "Maintenance is late", more: formatDistance(now - age, now) });
  } else {
    const when = maintainedAtSeconds === undefined ? "not yet" : formatDistance(maintainedAtSeconds, now);
    lines.push({ tone: "good", text: "Maintenance ran", more: when });
  }
  const { waiting } = committer;
  lines.push({
    tone: waiting > 1_000 ? "warn" : "good",
    text: waiting === 0 ? "No log waits" : `${formatCount(waiting)} logs wait for the store`,
  });
  lines.push(...stopLines(service), ...expiryLines(service));
  return lines;
}

/** What is not collected because it singled people out. */
function stopLines({ deployment, suppressionsOf }: Server): HealthLine[] {
  return [...deployment.applications.keys()].flatMap((app): HealthLine[] => {
    const { events, fields } = suppressionsOf(app);
    const names = [...events, ...fields];
    if (names.length === 0) return [];
    const text = names.length === 1 ? "A collection is stopped" : `${names.length} collections are stopped`;
    return [{ tone: "bad", text, more: `${app}: ${names.join(", ")}`, href: `/console/apps/${app}/privacy` }];
  });
}

/** What ends soon, while there is time to decide about it. */
function expiryLines({ deployment, now }: Server): HealthLine[] {
  return [...deployment.applications.values()].flatMap((app): HealthLine[] => {
    const soon = Object.entries(app.events).filter(([, event]) => expiryOf(event, now()).isSoon);
    if (soon.length === 0) return [];
    const text = soon.length === 1 ? "An event expires soon" : `${soon.length} events expire soon`;
    const names = soon.map(([name, event]) =>
      `${name} ${formatDistance(expiryOf(event, now()).endsAt, now())}`
    );
    return [{
      tone: "warn",
      text,
      more: `${app.id}: ${names.join(", ")}`,
      href: `/console/apps/${app.id}/schema`,
    }];
  });
}
