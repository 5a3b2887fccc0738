/**
 * What an operator does to keys by hand: starting the next generation of an epoch, and revoking keys at once. Both may be
 * repeated when an answer was lost, and change nothing more: a call names the keys that it is about.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { Refusal } from "../base/errors.ts";
import { epochAt, lifetimeOf } from "./epoch.ts";
import { KEY_ENDS } from "./families.ts";
import { isZeroed, type KeyName, type KeyRow } from "./key_row.ts";
import { commitKeys, readKeyRows, type RotationContext } from "./rotation.ts";

/** Replacements of an epoch's key that clients accept (docs/protocol.md, section 7). */
export const MAX_GENERATION = 2;

/** Which key of an application: the rest of its name is the deployment's. */
export type WantedKey = Pick<KeyName, "epoch" | "generation">;

/** The key that the next replacement of the current epoch makes. */
export async function nextReplacement(
  { store, region }: Pick<RotationContext, "store" | "region">,
  app: Application,
  nowSeconds: number,
): Promise<WantedKey> {
  const epoch = epochAt(app, nowSeconds);
  return { epoch, generation: nextGeneration(await readKeyRows(store, app.id, region), epoch) };
}

/**
 * Starts the next generation of the current epoch; the key before it goes on redeeming. Where `named` says which key is
 * to be made, one that is there already is answered as it was when it was made: so a call may be repeated.
 * @throws {Refusal} `replacement_refused` when clients would not accept another one, or the named one is not the next.
 */
export async function replaceIssuingKey(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
  named?: WantedKey,
): Promise<KeyName> {
  const { epoch, generation: wanted } = await nextReplacement(context, app, nowSeconds);
  if (named !== undefined && !(named.epoch === epoch && named.generation === wanted)) {
    return await madeBefore(context, app, named);
  }
  if (wanted > MAX_GENERATION) {
    throw new Refusal(
      "replacement_refused",
      `Clients accept ${MAX_GENERATION} replacements of an epoch's key and no more; the next epoch's key is ready.`,
    );
  }
  // A commit that landed may be reported as failed: the generation that was wanted is there then.
  const made = await commitKeys(
    context,
    app,
    (rows) => nextGeneration(rows, epoch) > wanted ? undefined : { epoch, evenIfEnded: hasLeft(rows, epoch) },
  );
  const rows = await readKeyRows(context.store, app.id, context.region);
  const name = made ?? rows.find((row) => row.epoch === epoch && row.generation === wanted);
  if (name === undefined) {
    throw new Refusal("replacement_refused", "The epoch is over for other processes: check this clock.");
  }
  return nameOf(name);
}

/** Whether an epoch has a key whose secret is there. */
function hasLeft(rows: readonly KeyRow[], epoch: number): boolean {
  return rows.some((row) => row.epoch === epoch && !isZeroed(row));
}

/**
 * Makes the next generation of each epoch whose keys are gone though it issues or is to come: they were destroyed by a
 * clock that was ahead, and no process makes keys anew that have ended. May be repeated: an epoch that has a key keeps it.
 *
 * `leastGeneration` is for keys that a program before this one destroyed, which left no word of their generations.
 *
 * @returns The keys that now stand in place of those that are gone.
 * @throws {Refusal} `replacement_refused` when none is gone, or clients would accept no other.
 */
export async function replaceGoneKeys(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
  leastGeneration = 0,
): Promise<readonly KeyName[]> {
  const { store, region } = context;
  const { value: ended } = await store.get<number>(KEY_ENDS.key(app.id, region));
  const current = epochAt(app, nowSeconds);
  const gone = Array.from({ length: app.horizonEpochs + 1 }, (_, ahead) => current + ahead)
    .filter((epoch) => lifetimeOf(app, epoch).redeemUntil <= (ended ?? 0));
  if (gone.length === 0) {
    throw new Refusal("replacement_refused", "No epoch that issues or is to come has lost its keys.");
  }
  const generations = { least: leastGeneration, most: MAX_GENERATION };
  for (const epoch of gone) {
    await commitKeys(
      context,
      app,
      (rows) => hasLeft(rows, epoch) ? undefined : { epoch, evenIfEnded: true, generations },
    );
  }
  const rows = await readKeyRows(store, app.id, region);
  const standing = gone.flatMap((epoch) =>
    rows.findLast((row) => row.epoch === epoch && !isZeroed(row)) ?? []
  );
  if (standing.length > 0) return standing.map(nameOf);
  throw new Refusal(
    "replacement_refused",
    `Clients accept ${MAX_GENERATION} replacements of an epoch's key and no more: they wait for the epoch after.`,
  );
}

/** The key of a replacement that was done already. */
async function madeBefore(
  { store, region }: RotationContext,
  app: Application,
  { epoch, generation }: WantedKey,
): Promise<KeyName> {
  const rows = await readKeyRows(store, app.id, region);
  const row = rows.find((row) => row.epoch === epoch && row.generation === generation && generation > 0);
  if (row !== undefined) return nameOf(row);
  throw new Refusal(
    "replacement_refused",
    `Generation ${generation} of epoch ${epoch} is not the next one: list the keys, and name the one after the newest.`,
  );
}

/** What a revocation did. */
export interface Revocation {
  /** The keys of the epoch that are revoked now. */
  readonly revoked: readonly KeyName[];
  /** The key that took over, while the epoch issues or is still to come. */
  readonly replacement?: KeyName;
}

/**
 * Revokes the keys of an epoch up to a generation at once: nothing that they signed redeems any more, and while the
 * epoch issues or is still to come the next generation takes over in the same commit. A generation that is still to come
 * cannot be revoked: the same call sent again would end the replacement that the first one made.
 * @throws {Refusal} `epoch_unknown`, `generation_unknown`.
 */
export async function revokeKeys(
  context: RotationContext,
  app: Application,
  epoch: number,
  throughGeneration: number,
  nowSeconds: number,
): Promise<Revocation> {
  return await endKeys(context, app, { epoch, throughGeneration, nowSeconds }, (rows) => {
    const newest = nextGeneration(rows, epoch) - 1;
    if (newest === -1) {
      throw new Refusal("epoch_unknown", `${app.id} has no key of epoch ${epoch} in this region.`);
    }
    if (throughGeneration > newest) {
      throw new Refusal(
        "generation_unknown",
        `Epoch ${epoch} of ${app.id} has no generation above ${newest}: revoke up to one that there is.`,
      );
    }
  });
}

/** Which keys end, and when. */
export interface Ending {
  /** Their epoch. */
  readonly epoch: number;
  /** The last generation that ends. */
  readonly throughGeneration: number;
  /** Unix seconds, whole. */
  readonly nowSeconds: number;
}

/**
 * Ends the keys of an epoch up to a generation, and has the next one take over while the epoch issues or is still to
 * come. `check` sees the rows as the commit finds them, and may refuse.
 */
export async function endKeys(
  context: RotationContext,
  app: Application,
  { epoch, throughGeneration, nowSeconds }: Ending,
  check: (rows: readonly KeyRow[]) => void = () => {},
): Promise<Revocation> {
  const concerned = (rows: readonly KeyRow[]) =>
    rows.filter((row) => row.epoch === epoch && row.generation <= throughGeneration);
  await commitKeys(context, app, (rows) => {
    check(rows);
    const revoke = concerned(rows).filter((row) => row.revokedAt === undefined);
    if (revoke.length === 0) return undefined;
    const needsNext = nowSeconds < lifetimeOf(app, epoch).issueUntil &&
      !rows.some((row) => row.epoch === epoch && row.generation > throughGeneration);
    const next = needsNext ? { epoch, evenIfEnded: hasLeft(rows, epoch) } : {};
    return { revoke: { rows: revoke, atSeconds: nowSeconds }, ...next };
  });
  const rows = await readKeyRows(context.store, app.id, context.region);
  const replacement = rows.findLast((row) =>
    row.epoch === epoch && row.generation > throughGeneration && row.revokedAt === undefined
  );
  return {
    revoked: concerned(rows).map(nameOf),
    ...(replacement === undefined ? {} : { replacement: nameOf(replacement) }),
  };
}

function nextGeneration(rows: readonly KeyRow[], epoch: number): number {
  return Math.max(-1, ...rows.filter((row) => row.epoch === epoch).map((row) => row.generation)) + 1;
}

function nameOf({ app, region, epoch, generation }: KeyName): KeyName {
  return { app, region, epoch, generation };
}
