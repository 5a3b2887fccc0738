/**
 * Moving a deployment from one store to another, while no service runs on either (docs/operating.md).
 *
 * Where the target keeps the stamps of its rows they are those of the source, and all that rests on them is as it was.
 * Where it gives stamps itself, rows of one commit are rows of one commit again. No row keeps the stamp of another one: it
 * is known to processes only (the rows that say which keys are alive, counters, the confirmed time), which start anew.
 *
 * @module
 */
import { ALIVE_KEYS, ENDED_KEYS, SEAL_PROOFS, SIGNING_KEYS } from "../../keys/families.ts";
import type { EndedKey, KeyRow } from "../../keys/key_row.ts";
import { type AuditReport, auditStore } from "../../jobs/reconciliation.ts";
import type { Store } from "../../store/store.ts";
import { type Contents, readContents } from "../copy/contents.ts";
import { copyCommits, isOfCommit } from "../copy/copy_commits.ts";
import { type CopyMark, type CopyPlace, readCopyMark } from "../copy/copy_mark.ts";
import { type Copying, copyRows } from "../copy/copy_rows.ts";
import { STORE_FORMATS } from "../families.ts";
import { STORE_COPIES } from "../../store/families.ts";
import type { Actor, AuditLog } from "../audit_log.ts";

/** How a copy is made. */
export interface CopyOrder {
  /** The store that is copied. */
  readonly from: Store;
  /** The store that is filled: without a row, or with an interrupted copy of the same source. */
  readonly to: Store;
  /** The audit log of the target. */
  readonly auditLog: AuditLog;
  /** The ids of the configured applications. */
  readonly apps: readonly string[];
  /** Hears how far it is: `read` and `compared` are of the rows of a store that are looked at. */
  readonly onProgress?: (step: CopyStep, rows: number, of: number | undefined) => void;
  /** Waits until each service that still runs on the source has looked at its mark; does not wait by default. */
  readonly settle?: (() => Promise<void>) | undefined;
  /** See {@linkcode copyCommits}. */
  readonly rowsOfASlice?: number | undefined;
}

/** What a copy does. */
export type CopyStep = "read" | "copied" | "compared";

/** What came of a copy. */
export type Copied =
  /** The target is served from now on, and the source no more. `resumed`: so many rows were there already. */
  | {
    readonly is: "done";
    readonly rows: number;
    readonly resumed: number;
    readonly audit: AuditReport;
  }
  /** Nothing was written to either. */
  | { readonly is: "refused"; readonly because: CopyRefusal }
  /** The target is left as it is, and cannot be served; the source can. */
  | { readonly is: "failed"; readonly because: "changed" | "differs" }
  | { readonly is: "failed"; readonly because: "audit"; readonly audit: AuditReport };

/** Why a copy is not begun. */
export type CopyRefusal =
  /** The source has no row. */
  | "source_empty"
  /** The source is not whole itself. */
  | "source_not_whole"
  /** The source was moved before. */
  | "source_moved"
  /** The target has rows of another store. */
  | "target_occupied"
  /** The target has an interrupted copy of another source, or of this one before it changed. */
  | "target_of_another";

/** Copies `from` to `to`, or goes on with it; then only `to` can be served. */
export async function copyStore(actor: Actor, order: CopyOrder): Promise<Copied> {
  const { from, to, onProgress = () => {} } = order;
  const [ofSource, ofTarget] = [await readCopyMark(from), await readCopyMark(to)];
  if (ofSource?.is === "arriving") return refused("source_not_whole");
  if (ofTarget?.is === "moved" || (ofTarget === null && !await isEmpty(to))) {
    return refused("target_occupied");
  }
  if (ofSource?.is === "moved" && ofTarget === null) return refused("source_moved");
  const source = await readContents(from, (rows) => onProgress("read", rows, undefined));
  if (source.rows === 0) return refused("source_empty");
  if (ofTarget !== null && ofTarget.source !== source.digest) return refused("target_of_another");

  const reached = ofTarget?.reached ?? { rows: 0 };
  const copying: Copying = {
    from,
    to,
    source: source.digest,
    onProgress: (rows) => onProgress("copied", Math.min(rows, source.rows), source.rows),
  };
  if (ofTarget === null) await begin(copying, reached);
  await copyAll(copying, reached, order);
  const compare = (store: Store) => readContents(store, (rows) => onProgress("compared", rows, source.rows));
  if (isOther(await compare(to), source)) return { is: "failed", because: "differs" };
  const audit = await auditStore(to, order.apps);
  // What was wrong before is no fault of the copy, and is told.
  if (!audit.ok && kinds(audit) !== kinds(await auditStore(from, order.apps))) {
    return { is: "failed", because: "audit", audit };
  }
  await close(from);
  await order.settle?.();
  if (isOther(await readContents(from), source)) {
    await from.commit((commit) => commit.delete(STORE_COPIES.key()));
    return { is: "failed", because: "changed" };
  }
  await finish(actor, order);
  return { is: "done", rows: source.rows, resumed: reached.rows, audit };
}

/** With the mark comes what a store is known by, so that an interrupted copy can be opened again. */
async function begin({ from, to, source }: Copying, reached: CopyPlace): Promise<void> {
  const known = await from.getMany([SEAL_PROOFS.key(), STORE_FORMATS.key()]);
  const mark: CopyMark = { is: "arriving", source, reached };
  await to.commit((commit) => {
    commit.set(STORE_COPIES.key(), mark);
    for (const { key, value } of known) if (value !== null) commit.set(key, value);
  });
}

async function copyAll(
  copying: Copying,
  reached: CopyPlace,
  { from, rowsOfASlice }: CopyOrder,
): Promise<void> {
  if (copying.to.keepsStamps) {
    await copyRows(copying, reached);
    return;
  }
  const place = await copyRows(copying, reached, (row) => !isOfCommit(row));
  const apps = await readApps(from);
  await copyCommits(copying, place, { appOf: (ordinal) => apps.get(ordinal), rowsOfASlice });
}

/**
 * Lets no service go on with the source that still runs on it (core/store/moved.ts). What one has written before that is
 * found afterwards. Interrupted from here on, neither is served, and the same copy goes on.
 */
async function close(from: Store): Promise<void> {
  const moved: CopyMark = { is: "moved" };
  await from.commit((commit) => commit.set(STORE_COPIES.key(), moved));
  for await (const { key } of from.list(ALIVE_KEYS.all())) {
    await from.update(key, (row, commit) => {
      if (row.value !== null) commit.set(key, row.value);
    });
  }
}

async function finish(actor: Actor, { to, auditLog }: CopyOrder): Promise<void> {
  await to.commit((commit) => commit.delete(STORE_COPIES.key()));
  await auditLog.record(actor, { action: "copy the store from another one" }, () => Promise.resolve());
}

async function readApps(store: Store): Promise<ReadonlyMap<number, string>> {
  const apps = new Map<number, string>();
  for await (const { key, value } of store.list<EndedKey>(ENDED_KEYS.all())) {
    apps.set(key[1] as number, value.app);
  }
  for await (const { value } of store.list<KeyRow>(SIGNING_KEYS.all())) apps.set(value.ordinal, value.app);
  return apps;
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.list({ prefix: [] }, { limit: 1 })) return false;
  return true;
}

function isOther(contents: Contents, { rows, digest }: Contents): boolean {
  return contents.rows !== rows || contents.digest !== digest;
}

function kinds({ findings }: AuditReport): string {
  return findings.map(({ kind, app = "", day = "", count }) => `${kind} ${app} ${day} ${count}`).sort().join(
    "\n",
  );
}

function refused(because: CopyRefusal): Copied {
  return { is: "refused", because };
}
