/**
 * What has to end in a store that was put back from a backup: since the backup uses were claimed, quotas were spent and
 * keys were revoked, of which it knows nothing (docs/operating.md).
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { epochAt } from "./epoch.ts";
import type { KeyName, KeyRow } from "./key_row.ts";
import { endKeys, MAX_GENERATION } from "./replacement.ts";
import { createMissingKeys, destroyOverKeys, readKeyRows, type RotationContext } from "./rotation.ts";

/** What was done to the keys of an application. */
export interface RenewedKeys {
  /** How many ended. */
  readonly ended: number;
  /** Those that took over. */
  readonly made: readonly KeyName[];
}

/** The newest generation of an epoch that is known to have been given away after the backup; 0 where nothing is known. */
export type GivenGeneration = (epoch: number) => number;

/** The epochs that issue or are to come, and have given away all generations that clients take. */
export function closedEpochs(app: Application, nowSeconds: number, given: GivenGeneration): number[] {
  const current = epochAt(app, nowSeconds);
  return Array.from({ length: app.horizonEpochs + 1 }, (_, ahead) => current + ahead)
    .filter((epoch) => given(epoch) >= MAX_GENERATION);
}

/**
 * Ends every key of an application, and has the next generation of each epoch that issues or is to come take over. The
 * keys of the horizon are made first: clients may know their names from before, with another value. No generation that was
 * `given` is left either, of epochs whose keys were replaced after the backup.
 */
export async function renewKeys(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
  given: GivenGeneration = () => 0,
): Promise<RenewedKeys> {
  await destroyOverKeys(context, nowSeconds, app.id);
  await createMissingKeys(context, app, nowSeconds);
  const read = () => readKeyRows(context.store, app.id, context.region);
  const before = (await read()).filter(isAlive);
  for (const epoch of new Set(before.map((row) => row.epoch))) {
    const generations = before.filter((row) => row.epoch === epoch).map((row) => row.generation);
    const through = Math.max(given(epoch), ...generations);
    const isLeft = (row: KeyRow) => row.epoch === epoch && row.generation <= through && isAlive(row);
    // What takes over may have a generation that was given away already: then it ends as well.
    while ((await read()).some(isLeft)) {
      await endKeys(context, app, { epoch, throughGeneration: through, nowSeconds });
    }
  }
  const made = (await read()).filter(isAlive);
  return {
    ended: before.length,
    made: made.map(({ app, region, epoch, generation }) => ({ app, region, epoch, generation })),
  };
}

function isAlive({ revokedAt }: KeyRow): boolean {
  return revokedAt === undefined;
}
