// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task release verify`: computes the noise, thresholds and intervals of releases again from what is public of them,
 * and holds their digests against the audit log. Against a running service, or files of it that were saved.
 *
 * @module
 */
import { checkChain } from "../core/operations/audit_chain.ts";
import { splitLines } from "../core/ledger/pack_records.ts";
import { beyondProof, differencesOf, type ToldRelease } from "../core/privacy/release/verify_release.ts";
import { callAdmin, CommandError } from "./admin_api.ts";

/** What is verified. */
export interface VerifyOptions {
  /** The applications, where a running service is asked. */
  readonly apps: () => Promise<readonly string[]>;
  /** `YYYY-MM-DD`: the releases of this day alone; of all days that are told by default. */
  readonly day?: string | undefined;
  /** A file with an answer of `GET /admin/v1/apps/{app}/releases`, instead of a running service. */
  readonly file?: string | undefined;
  /** A file with the answer of `GET /admin/v1/trail.ndjson`, beside it. */
  readonly trail?: string | undefined;
}

interface Told {
  readonly app: string;
  readonly releases: readonly ToldRelease[];
}

/** Verifies releases and says of each whether it holds. Gives whether all do. */
export async function verifyReleases({ apps, day, file, trail }: VerifyOptions): Promise<boolean> {
  if ((file === undefined) !== (trail === undefined)) {
    throw new CommandError("Give --file with the releases and --trail with the audit log, or neither.");
  }
  const chain = checkChain(await readTrail(trail));
  let differing = 0, verified = 0;
  for (
    const { app, releases } of file === undefined ? await askReleases(await apps()) : [await readFile(file)]
  ) {
    for (const release of releases) {
      if (day !== undefined && release.day !== day) continue;
      const found = differences(release, app, chain);
      verified++;
      if (found.length > 0) differing++;
      console.log(
        `${app}, ${release.day}, ${release.query}: ${found.length === 0 ? summary(release) : "DIFFERS"}`,
      );
      for (const sentence of found) console.log(`  ${sentence}.`);
    }
  }
  if (verified === 0) throw new CommandError("There is no release to verify.");
  console.log(
    chain.intact
      ? `The audit log fits together: ${chain.entries.size} entries, the last one ${chain.digest}. ` +
        "Compare it with the lines `trail` that the service has written."
      : `The audit log does NOT fit together at entry ${chain.at}.`,
  );
  // They stand beside the releases, and change with every payment.
  console.log("Budgets are what the service says now: they are no part of a release, and not verified.");
  return differing === 0 && chain.intact;
}

function differences(release: ToldRelease, app: string, chain: Parameters<typeof differencesOf>[1]["chain"]) {
  try {
    return differencesOf(release, { app, chain });
  } catch (error) {
    // What somebody has put into a file may have any shape.
    if (error instanceof TypeError || error instanceof SyntaxError) {
      return ["it has not the shape of a release"];
    }
    throw error;
  }
}

/** How a release that holds was made, in a line. */
function summary(release: ToldRelease): string {
  const { method, figures, proof } = release;
  const { code, mechanism, parameter, cost } = method!;
  const beyond = Object.keys(beyondProof(release));
  return `holds (${figures.length} figures, ${mechanism} of ${parameter}, ${cost.unit} ${cost.amount}, ` +
    `code ${code}, entry ${proof!.entry})` +
    (beyond.length === 0
      ? ""
      : `, but nothing shows it of ${beyond.join(" and ")}: an older version made it`);
}

async function askReleases(apps: readonly string[]): Promise<Told[]> {
  const told: Told[] = [];
  for (const app of apps) {
    const answer = await callAdmin(`/admin/v1/apps/${encodeURIComponent(app)}/releases`);
    told.push({ app, releases: (await answer.json()).releases });
  }
  return told;
}

async function readTrail(file: string | undefined): Promise<Uint8Array[]> {
  if (file !== undefined) return splitLines(await readBytes(file));
  return splitLines(await (await callAdmin("/admin/v1/trail.ndjson")).bytes());
}

async function readFile(file: string): Promise<Told> {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(await readBytes(file)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isAnswer(answer)) {
    throw new CommandError(`${file} is no answer of GET /admin/v1/apps/{app}/releases.`);
  }
  return answer;
}

function isAnswer(answer: unknown): answer is Told {
  return typeof answer === "object" && answer !== null && "app" in answer && typeof answer.app === "string" &&
    "releases" in answer && Array.isArray(answer.releases) &&
    answer.releases.every((release) => typeof release === "object" && release !== null);
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
