/** Every lie of the table, told to the real client in every runtime. */
import { findPlayers, type Player } from "./players.ts";
import { LIES } from "./rows/mod.ts";
import { runLie } from "./run_lie.ts";
import type { Lie } from "./table.ts";

/** Lies that are told at once to one runtime. */
const AT_ONCE = 4;

/** Milliseconds after which a client counts as held up by a lie. */
const PATIENCE_MS = 90_000;

/** What came of each lie: undefined, or what was thrown. */
type Outcomes = ReadonlyMap<Lie, Promise<unknown>>;

function deadline(work: Promise<void>, milliseconds: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the client is held up")), milliseconds);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/** Tells all lies to one runtime. */
function tellAll(player: Player): { outcomes: Outcomes; ended: Promise<void> } {
  const outcomes = new Map(LIES.map((lie) => [lie, Promise.withResolvers<unknown>()]));
  const run = async () => {
    await using remote = await player.start();
    const tell = (lie: Lie) =>
      deadline(runLie(remote, lie), PATIENCE_MS).then(() => undefined, (error) => error)
        .then(outcomes.get(lie)!.resolve);
    const left = [...LIES];
    const worker = async () => {
      for (let lie = left.shift(); lie !== undefined; lie = left.shift()) await tell(lie);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  const ended = run().catch((error) => {
    for (const { resolve } of outcomes.values()) resolve(error);
  });
  return { outcomes: new Map([...outcomes].map(([lie, { promise }]) => [lie, promise])), ended };
}

for (const player of findPlayers()) {
  let told: ReturnType<typeof tellAll> | undefined;
  const { name: runtime, missing } = player;
  const options = { ignore: missing !== undefined, sanitizeOps: false, sanitizeResources: false };
  for (const lie of LIES) {
    Deno.test({
      ...options,
      name: `${runtime} bears ${lie.area}: ${lie.name}`,
      async fn() {
        told ??= tellAll(player);
        const error = await told.outcomes.get(lie);
        if (error !== undefined) throw error;
      },
    });
  }
  Deno.test({ ...options, name: `${runtime} ends`, fn: () => told?.ended });
}
