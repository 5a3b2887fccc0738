/** Every lie of the table, told to the real client in every runtime. */
import { findPlayers, type Player } from "./players.ts";
import { LIES } from "./rows/mod.ts";
import { runLie } from "./run_lie.ts";
import type { Lie } from "./table.ts";

/** Lies that are told at once to one runtime; those that take half a minute run beside them. */
const AT_ONCE = 3;

/** What came of each lie: undefined, or what was thrown. */
type Outcomes = ReadonlyMap<Lie, Promise<unknown>>;

/** Tells all lies to one runtime. */
function tellAll(player: Player): { outcomes: Outcomes; ended: Promise<void> } {
  const outcomes = new Map(LIES.map((lie) => [lie, Promise.withResolvers<unknown>()]));
  const run = async () => {
    await using remote = await player.start();
    const tell = (lie: Lie) =>
      runLie(remote, lie).then(() => undefined, (error) => error).then(outcomes.get(lie)!.resolve);
    const slow = LIES.filter((lie) => lie.slow).map(tell);
    const others = LIES.filter((lie) => !lie.slow);
    const worker = async () => {
      for (let lie = others.shift(); lie !== undefined; lie = others.shift()) await tell(lie);
    };
    await Promise.all([...slow, ...Array.from({ length: AT_ONCE }, worker)]);
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
