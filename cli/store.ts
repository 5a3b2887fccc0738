// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task store copy --from A --to B`: moves a deployment whose service is stopped from one store to another: from a
 * file to a database that processes share, or back. After an interruption the same command goes on.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { checkConfig } from "../core/config/check/check.ts";
import { readSealed, requireSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import {
  type Copied,
  type CopyRefusal,
  type CopyStep,
  copyStore,
} from "../core/operations/actions/copy_store.ts";
import { AuditLog } from "../core/operations/audit_log.ts";
import { passOnStoreToken, processEnvironment } from "../boot/credentials.ts";
import { developmentSecret } from "../boot/development_secrets.ts";
import { loadConfig } from "../boot/load_config.ts";
import { mistakeInLocation } from "../boot/engines.ts";
import { isStoreFile, openStore } from "../boot/open_store.ts";
import { readSettings } from "../boot/settings.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { showProgress } from "./progress.ts";
import { exists, findStore, HOLDER, lockStopped } from "./stopped_store.ts";

/** A service looks every five seconds whether its store was moved, and writes down what happened in it. */
const SETTLE_MS = 11_000;
/** Reads of a whole store are patient. */
const DEADLINE_MS = 30_000;

const REFUSED: Readonly<Record<CopyRefusal, string>> = {
  source_empty: "The store of --from has nothing in it.",
  source_not_whole: "The store of --from is an interrupted copy itself: copy from the one that it is of.",
  source_moved: "The store of --from was moved before: copy from the one that took its place.",
  target_occupied:
    "The store of --to has rows of another store: name an empty database, or a file that is not there.",
  target_of_another:
    "The store of --to holds an interrupted copy of another store, or of this one before a service ran on it again: empty it first.",
};
const FAILED = {
  changed:
    "Somebody wrote to the store of --from meanwhile: stop every process of the service, empty the store of --to and begin anew.",
  differs:
    "The store of --to does not hold what was copied: somebody else writes to it. Empty it and begin anew.",
  audit:
    "The reconciliation finds in the store of --to what it does not find in that of --from: empty it and begin anew.",
} as const;

/** What both stores are opened with. */
interface Surroundings {
  readonly deployment: Deployment;
  readonly sealKeys: readonly Uint8Array<ArrayBuffer>[];
}

async function readSurroundings(to: string): Promise<Surroundings> {
  const { development } = await findStore();
  const settings = readSettings((name) =>
    name === "DIT_ENV"
      ? (development ? "development" : "production")
      : name === "DIT_KV"
      ? to
      : processEnvironment(name)
  );
  const deployment = checkConfig(await loadConfig(settings.config), { development });
  return { deployment, sealKeys: settings.sealKeys ?? [await developmentSecret("seal_key", 32)] };
}

function tellProgress(step: CopyStep, rows: number, of: number | undefined): void {
  if (of === undefined || (rows % 1_000 !== 0 && rows !== of)) return;
  showProgress(rows, of, `rows ${step}`);
}

async function copy(from: string, to: string): Promise<Copied> {
  for (const location of [from, to]) {
    // Not repeated: it may be a URL with a password in it.
    const wrong = mistakeInLocation(location);
    if (wrong !== undefined) throw new CommandError(`A store is ${wrong}.`);
  }
  if (from === to) throw new CommandError("--from and --to are one store.");
  if (isStoreFile(from) && !await exists(from)) throw new CommandError(`There is no file ${from}.`);
  const { deployment, sealKeys } = await readSurroundings(to);
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  if (![from, to].every(isStoreFile)) passOnStoreToken(processEnvironment);
  using _from = await lockStopped(from);
  using _to = await lockStopped(to);
  const options = { sealKeys, place: "any", deadlineMs: DEADLINE_MS } as const;
  const source = await openStore(from, options);
  try {
    await requireSealingKeys(await readSealed(source), await Sealer.of(sealKeys, random));
    const target = await openStore(to, options);
    try {
      const now = () => Math.floor(Date.now() / 1000);
      return await copyStore(HOLDER, {
        from: source,
        to: target,
        auditLog: new AuditLog(target, { random, now }),
        apps: [...deployment.applications.keys()],
        // A file is locked; of another store nobody can tell who else has it.
        settle: isStoreFile(from)
          ? undefined
          : () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS)),
        onProgress: tellProgress,
      });
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

function tell(copied: Copied): void {
  switch (copied.is) {
    case "refused":
      throw new CommandError(REFUSED[copied.because]);
    case "failed":
      throw new CommandError(FAILED[copied.because]);
    case "done": {
      const { rows, resumed, audit } = copied;
      console.log(
        `${rows} rows are copied${resumed === 0 ? "" : ` (${resumed} of them before the interruption)`}.`,
      );
      console.log(
        audit.ok
          ? `Nothing is wrong: ${audit.claims} claims, ${audit.records} records.`
          : `The audit finds what it finds in the store of --from as well: ${audit.findings.length} findings.`,
      );
      console.log(
        "Start the service with DIT_KV naming the store of --to. That of --from is not served any more; it still " +
          "holds keys and records: destroy it, and its backups, when you need it no more.",
      );
    }
  }
}

await runCommand({
  name: "store",
  help: "Moves a deployment to another store.",
  subcommands: {
    copy: subcommand({
      help:
        "With the service stopped: moves a deployment from one store to another. After an interruption the same " +
        "command goes on.",
      options: {
        from: {
          type: "string",
          value: "STORE",
          required: true,
          help: "The store that is there: what DIT_KV is.",
        },
        to: { type: "string", value: "STORE", required: true, help: "The empty store: what DIT_KV will be." },
      },
      work: async ({ from, to }) => tell(await copy(from, to)),
    }),
  },
});
