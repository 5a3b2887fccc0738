/**
 * Makes keys that are missing and ends those that are over. Idempotent: any number of processes may run it at once and
 * be killed between any two commits; the next run mends what is left.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { ALIVE_KEYS, ENDED_KEYS, ENDED_REPLACEMENTS, KEY_ENDS, ORDINALS, SIGNING_KEYS } from "./families.ts";
import type { Commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import { tokenKeyId, truncatedKeyId } from "../token/token.ts";
import type { RandomSource } from "../base/random.ts";
import type { Suite } from "../voprf/suite.ts";
import { epochAt, lifetimeOf, stateAt } from "./epoch.ts";
import { linkKey, linkOldKeys, readHead } from "./key_chain.ts";
import { type EndedKey, isZeroed, type KeyName, type KeyRow, PEPPER_LENGTH, sealSecret } from "./key_row.ts";
import type { Sealer } from "./sealing.ts";

/** Seconds that claims outlive their key, so that no late commit can claim a use again. */
const CLAIMS_OUTLIVE_SECONDS = 3_600;

/** Something happened to a key. */
export interface KeyEvent extends KeyName {
  /** What happened. */
  readonly event: "key_made" | "key_revoked" | "key_destroyed";
}

/** What rotation works with. */
export interface RotationContext {
  /** The store. */
  readonly store: Store;
  /** This deployment's region. */
  readonly region: string;
  /** Seals new secrets. */
  readonly sealer: Sealer;
  /** The cipher suites. */
  readonly suites: (name: Application["suite"]) => Suite;
  /** Secrets and peppers. */
  readonly random: RandomSource;
  /** Unix seconds: what ends by then is over, whatever a wall clock says that has leapt (core/clock). */
  readonly confirmedSeconds: () => number;
  /** Hears of every key that this process made or ended. */
  readonly onKeyEvent?: ((event: KeyEvent) => void) | undefined;
}

/** Draws of a key whose truncated id is free: all but impossible to need, unless nearly all 256 are taken. */
const MAX_DRAWS = 10_000;

/** Reads an application's keys in order of epoch and generation. */
export async function readKeyRows(store: Store, app: string, region: string): Promise<KeyRow[]> {
  return (await Array.fromAsync(store.list<KeyRow>(SIGNING_KEYS.prefix(app, region)))).map((entry) =>
    entry.value
  );
}

/** Makes the keys of the current epoch and of the horizon that are missing. Gives how many it made. */
export async function createMissingKeys(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
): Promise<number> {
  const rows = await readKeyRows(context.store, app.id, context.region);
  const current = epochAt(app, nowSeconds);
  let created = 0;
  await linkOldKeys(context, rows);
  for (let epoch = current; epoch <= current + app.horizonEpochs; epoch++) {
    if (hasKey(rows, epoch)) continue;
    const made = await commitKeys(context, app, (now) => hasKey(now, epoch) ? undefined : { epoch });
    if (made !== undefined) created++;
  }
  return created;
}

function hasKey(rows: readonly KeyRow[], epoch: number): boolean {
  return rows.some((row) => row.epoch === epoch && row.revokedAt === undefined);
}

/** What is to be done to an application's keys in one commit. */
export interface KeyChange {
  /** Makes the next generation of this epoch. */
  readonly epoch?: number;
  /** Makes it even where keys that end at or after its end have ended: an operator's, or one's that takes over. */
  readonly evenIfEnded?: boolean;
  /** Makes no generation outside these, both included. */
  readonly generations?: { readonly least: number; readonly most: number };
  /** Revokes these. */
  readonly revoke?: { readonly rows: readonly KeyRow[]; readonly atSeconds: number };
}

/**
 * Commits what `decide` says to the rows that it is shown; it is asked again whenever another process was faster.
 * Gives the row of the key that was made, undefined when none was: `decide` saw nothing to do, or all that was to be
 * made would already be over.
 */
export async function commitKeys(
  context: RotationContext,
  app: Application,
  decide: (rows: readonly KeyRow[]) => KeyChange | undefined,
): Promise<KeyRow | undefined> {
  const { store, region } = context;
  // Counter and end are read before the rows and checked in the commit: a key that is made or ended meanwhile makes it
  // fail, so what was read is what holds, and neither a name nor a truncated id can be given twice.
  const { result } = await store.update<number, Changed>(ORDINALS.key(), async (counter, commit) => {
    const ended = await store.get<number>(KEY_ENDS.key(app.id, region));
    const head = await readHead(context, app.id);
    const rows = await readKeyRows(store, app.id, region);
    const { epoch, revoke, evenIfEnded = false, generations } = decide(rows) ?? {};
    const { issueUntil, redeemUntil } = lifetimeOf(app, epoch ?? 0);
    const isOver = epoch !== undefined && redeemUntil <= (ended.value ?? 0);
    // Keys of a shorter overlap may have ended that those of today's would not have.
    const mayHaveEnded = issueUntil <= (ended.value ?? 0);
    const { least = 0, most = Infinity } = generations ?? {};
    const generation = epoch === undefined || (isOver && !evenIfEnded)
      ? Infinity
      : Math.max(least, await firstFreeGeneration(context, app, { epoch, rows, mayHaveEnded }));
    const drawn = epoch === undefined || generation > most || generation === Infinity
      ? undefined
      : await drawKey(context, app, { epoch, generation, ordinal: counter.value ?? 0, others: rows });
    commit.check(ended);
    const { rows: revoked, atSeconds } = revoke ?? { rows: [], atSeconds: 0 };
    for (const row of revoked) endKey(commit, { ...row, revokedAt: atSeconds }, atSeconds);
    const made = drawn && linkKey(context, commit, head, drawn);
    if (made !== undefined) addKey(commit, made);
    return { made, revoked };
  });
  for (const row of result.revoked) tell(context, "key_revoked", row);
  if (result.made !== undefined) tell(context, "key_made", result.made);
  return result.made;
}

/** What one commit did to an application's keys. */
interface Changed {
  readonly made: KeyRow | undefined;
  readonly revoked: readonly KeyRow[];
}

function addKey(commit: Commit, row: KeyRow): void {
  const key = SIGNING_KEYS.key(row.app, row.region, row.epoch, row.generation);
  commit
    .check({ key, stamp: null })
    .set(ORDINALS.key(), row.ordinal + 1)
    .set(key, row)
    .set(ALIVE_KEYS.key(row.ordinal), true);
}

/**
 * The first generation of an epoch whose name was never given away, and no later one was. Of an epoch whose keys have
 * ended the rows are gone: what is known are its replacements, and that it had a first key.
 */
async function firstFreeGeneration(
  { store, region }: RotationContext,
  app: Application,
  { epoch, rows, mayHaveEnded }: { epoch: number; rows: readonly KeyRow[]; mayHaveEnded: boolean },
): Promise<number> {
  const generations = rows.filter((row) => row.epoch === epoch).map((row) => row.generation);
  for await (const { key } of store.list(ENDED_REPLACEMENTS.prefix(app.id, region, epoch))) {
    generations.push(key[4] as number);
  }
  return Math.max(mayHaveEnded ? 0 : -1, ...generations) + 1;
}

/** What a key is drawn for. */
interface Drawing {
  readonly epoch: number;
  readonly generation: number;
  readonly ordinal: number;
  /** The application's other keys. */
  readonly others: readonly KeyRow[];
}

async function drawKey(
  context: RotationContext,
  app: Application,
  { epoch, generation, ordinal, others }: Drawing,
): Promise<KeyRow> {
  const name = { app: app.id, region: context.region, epoch, generation };
  const suite = context.suites(app.suite);
  const taken = new Set(others.map((row) => truncatedKeyId(tokenKeyId(row.publicKey))));
  let keys = suite.generateKeyPair(context.random);
  for (let draw = 1; taken.has(truncatedKeyId(tokenKeyId(keys.publicKey))); draw++) {
    if (draw === MAX_DRAWS) throw new Error("No key with a free truncated id was drawn.");
    keys = suite.generateKeyPair(context.random);
  }
  return {
    ...name,
    ...lifetimeOf(app, epoch),
    ordinal,
    suite: app.suite,
    publicKey: keys.publicKey,
    sealed: await sealSecret(context.sealer, name, keys.secretKey, context.random(PEPPER_LENGTH)),
    usesPerToken: app.usesPerToken,
    tokensPerClient: app.tokensPerClient,
  };
}

/** The alive row goes first and the secret with it, overwritten by zeros of equal length. */
function endKey(commit: Commit, row: KeyRow, nowSeconds: number): void {
  const ended: EndedKey = {
    app: row.app,
    region: row.region,
    epoch: row.epoch,
    generation: row.generation,
    claimsAfter: nowSeconds + CLAIMS_OUTLIVE_SECONDS,
  };
  commit
    .delete(ALIVE_KEYS.key(row.ordinal))
    .set(SIGNING_KEYS.key(row.app, row.region, row.epoch, row.generation), {
      ...row,
      sealed: new Uint8Array(row.sealed.length),
    })
    .set(ENDED_KEYS.key(row.ordinal), ended);
}

/**
 * Ends the keys of this region that are over at `nowSeconds` and by the confirmed time, of one application or of all, those that are no longer
 * configured included: first the alive row and the secret, in the next commit the row. The end is remembered in the same
 * commits, so that a process whose clock is behind cannot make such a key again. Gives how many it ended.
 */
export async function destroyOverKeys(
  context: RotationContext,
  nowSeconds: number,
  app?: string,
): Promise<number> {
  const { store, region } = context;
  const overBy = Math.min(nowSeconds, context.confirmedSeconds());
  let ended = 0;
  const selector = app === undefined ? SIGNING_KEYS.all() : SIGNING_KEYS.prefix(app, region);
  for await (const { key, value: row, stamp } of store.list<KeyRow>(selector)) {
    if (row.region !== region || stateAt(row, overBy) !== "over") continue;
    const end = await store.get<number>(KEY_ENDS.key(row.app, region));
    // Zeroed before: revoked, or a run was killed between the two commits.
    const zeroed = isZeroed(row);
    const done = await store.commit((commit) => {
      commit.check({ key, stamp }).check(end);
      // Written even where it stays the same: whoever makes or revokes keys at this moment has to look again.
      commit.set(end.key, Math.max(end.value ?? 0, row.redeemUntil));
      if (row.generation > 0) {
        commit.set(ENDED_REPLACEMENTS.key(row.app, region, row.epoch, row.generation), row.redeemUntil);
      }
      if (zeroed) commit.delete(key);
      else endKey(commit, row, overBy);
    });
    if (done === undefined || zeroed) continue;
    ended++;
    tell(context, "key_destroyed", row);
    await store.commit((operation) => operation.check({ key, stamp: done }).delete(key));
  }
  return ended;
}

function tell(context: RotationContext, event: KeyEvent["event"], row: KeyRow): void {
  const { app, region, epoch, generation } = row;
  context.onKeyEvent?.({ event, app, region, epoch, generation });
}
