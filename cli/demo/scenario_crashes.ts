// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task demo --scenario crash-by-version`: a population that is known sends its crashes; what is released of it
 * stands beside the truth.
 *
 * @module
 */
import { dayOf, formatDay } from "../../core/base/time.ts";
import { openScenario, Population, type Sending } from "./population.ts";
import { formatRate, makeReleases, type ReleaseAnswer } from "../release.ts";
import { formatTable } from "../table.ts";

type Shares<S extends readonly [value: unknown, share: number, ...rest: unknown[]]> = readonly [S, ...S[]];

/** The share of clients on each version, and of these the share that crash. */
const VERSIONS: Shares<readonly [version: `${number}.${number}`, share: number, crashing: number]> = [
  ["3.1", 0.42, 0.02],
  ["3.0", 0.27, 0.11],
  ["2.4", 0.16, 0.04],
  ["2.3", 0.09, 0.05],
  ["2.0", 0.05, 0.3],
  ["1.4", 0.0085, 0.2],
  ["1.0", 0.0015, 0.2],
];
const PLATFORMS: Shares<readonly ["windows" | "darwin" | "linux" | "other", number]> = [
  ["windows", 0.62],
  ["darwin", 0.2],
  ["linux", 0.16],
  ["other", 0.02],
];
const QUERY = "crashes_by_version";

function pick<S extends readonly [value: unknown, share: number, ...rest: unknown[]]>(shares: Shares<S>): S {
  let left = uniform();
  for (const entry of shares) {
    left -= entry[1];
    if (left < 0) return entry;
  }
  return shares[0];
}

function uniform(): number {
  const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1));
  return drawn / 2 ** 32;
}

/** What each client does: its version, its platform, and how often it crashes. */
function populate(count: number) {
  return Array.from({ length: count }, () => {
    const [version, , crashing] = pick(VERSIONS);
    // Who crashes, crashes up to five times: people are counted all the same, and not crashes.
    const crashes = uniform() < crashing ? 1 + Math.floor(uniform() * 5) : 0;
    const [platform] = pick(PLATFORMS);
    return { version, platform, crashes };
  });
}

/** Runs the scenario, on a running service or on one of its own. Gives whether everything that was sent arrived. */
export async function showCrashesByVersion(count: number, running?: string): Promise<boolean> {
  const service = await openScenario(running);
  try {
    console.log(`${count} clients send to it.\n`);
    const people = populate(count);
    const day = formatDay(dayOf(Date.now() / 1000));
    const startedAt = performance.now();
    const sending = await (await Population.of(service.url)).send(0, count, (client, number) => {
      const { version, platform, crashes } = people[number]!;
      client.log("client_start", { platform, runtime: "2.9" });
      client.log("app_start", { version, platform });
      for (let crash = 0; crash < crashes; crash++) client.log("app_crash", { version, platform });
    });
    report(sending, (performance.now() - startedAt) / 1000);
    const { outcomes, releases, budgets } = await makeReleases("demo", day, true);
    const release = releases.find(({ query }) => query === QUERY);
    if (release === undefined || outcomes[QUERY] !== "published") {
      console.log(
        `Nothing was released (${outcomes[QUERY]}): is today answered already, or has midnight UTC passed?`,
      );
      return false;
    }
    const truth = new Map<string, Truth>();
    for (const { version, crashes } of people) {
      const { crashed, running } = truth.get(version) ?? { crashed: 0, running: 0 };
      truth.set(version, { crashed: crashed + (crashes > 0 ? 1 : 0), running: running + 1 });
    }
    compare(release, truth);
    compareRates(release, truth);
    for (const { spent, left, to } of budgets.slice(-1)) {
      console.log(`\nThis has cost ${spent.epsilon} of epsilon; ${left.epsilon} is left until ${to}.`);
    }
    return sending.failures.size === 0;
  } finally {
    await service.stop();
  }
}

function report({ accepted, failures }: Sending, seconds: number): void {
  console.log(`\n\n${accepted} events were accepted in ${seconds.toFixed(0)} s.`);
  for (const [code, count] of failures) console.log(`  ${code}: ${count}`);
}

/** What the people of a version really did. */
interface Truth {
  readonly crashed: number;
  readonly running: number;
}

function compare(
  { figures, threshold, method, withheld }: ReleaseAnswer,
  truth: ReadonlyMap<string, Truth>,
): void {
  console.log("\nPeople who saw the app crash, by version:\n");
  let covered = 0, shown = 0;
  const rows = VERSIONS.map(([version]) => {
    const people = truth.get(version)?.crashed ?? 0;
    const figure = figures.find(({ cell }) => cell.version === version);
    if (figure === undefined) {
      return [version, people, `below ${method?.["shown-from"] ?? threshold}`, "", ""];
    }
    const isCovered = figure.lower <= people && people <= figure.upper;
    shown++;
    if (isCovered) covered++;
    return [version, people, figure.count, `${figure.lower} .. ${figure.upper}`, isCovered ? "yes" : "no"];
  });
  console.log(formatTable([["version", "truth", "released", "95 % interval", "covers it"], ...rows]));
  const named = new Set<unknown>(VERSIONS.map(([version]) => version));
  const unreal = figures.filter(({ cell }) => !named.has(cell.version)).length;
  console.log(
    `\n${covered} of ${shown} intervals cover the truth (19 of 20 should). ${withheld} versions that few or nobody have ` +
      `are not told apart${unreal === 0 ? "" : `; released by noise alone: ${unreal}`}.`,
  );
}

/** The rates: of those who ran a version, how many saw it crash; at no cost beyond that of the counts. */
function compareRates({ figures }: ReleaseAnswer, truth: ReadonlyMap<string, Truth>): void {
  console.log("\nOf those who ran the version, by the same answer:\n");
  const rows = VERSIONS.flatMap(([version]) => {
    const { crashed, running } = truth.get(version) ?? { crashed: 0, running: 0 };
    const rate = figures.find(({ cell }) => cell.version === version)?.rate;
    if (rate === undefined || running === 0) return [];
    const isCovered = rate.lower <= crashed / running && crashed / running <= rate.upper;
    return [[
      version,
      `${(crashed / running * 100).toFixed(1)} %`,
      ...formatRate(rate),
      isCovered ? "yes" : "no",
    ]];
  });
  console.log(formatTable([["version", "true rate", "released", "95 % interval", "covers it"], ...rows]));
}
