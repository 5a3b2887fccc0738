// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task test:joining:long`: the joining test on fresh days, without a fixed seed, and the table of docs/threat_model.md:
 * what the thief gets before records are moved, with and without the SDK's random delay, and after.
 *
 * @module
 */
import { formatTable } from "../../cli/table.ts";
import { type Outcome, runTrial } from "./trial.ts";

const SCENARIOS: readonly [name: string, clients: number, hours: number, delaySeconds: number][] = [
  ["2,000 clients a day, no delay", 2_000, 24, 0],
  ["2,000 clients a day, delay of up to 1 min", 2_000, 24, 60],
  ["2,000 clients a day, delay of up to 10 min", 2_000, 24, 600],
  ["2,000 clients in 2 h, no delay", 2_000, 2, 0],
  ["2,000 clients in 2 h, delay of up to 1 min", 2_000, 2, 60],
  ["2,000 clients in 2 h, delay of up to 10 min", 2_000, 2, 600],
];

/** The hours at which the thief comes while records still lie where they arrived. */
const THEFTS = [1, 2, 6, 9, 12, 15, 18, 21, 24];

/** The method that got most right. */
function best({ scores, targets }: Outcome): string {
  const { method, right } = scores.reduce((a, b) => b.right > a.right ? b : a);
  return `${(100 * right / targets).toFixed(1)} % (${method})`;
}

function share({ expected, targets }: Outcome): string {
  return `${(100 * expected / targets).toFixed(1)} %`;
}

const table: string[][] = [["", "before", "a guesser", "after", "a guesser", "crowd", "least chance"]];
let failed = false;
for (const [name, clients, hours, delaySeconds] of SCENARIOS) {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const { before, after } = await runTrial({ clients, hours, delaySeconds, seed }, THEFTS);
  const least = after.scores.reduce((a, b) => b.chance < a.chance ? b : a);
  // Of 66 attacks one in a thousand may look lucky; one in a hundred thousand may not.
  if (least.chance < 1e-5) failed = true;
  console.log(`seed ${seed}: ${name}; ${before.targets} clients before, ${after.targets} after`);
  table.push([
    name,
    best(before),
    share(before),
    best(after),
    share(after),
    String(after.medianCrowd),
    `${least.chance.toFixed(4)} (${least.method})`,
  ]);
}
console.log(formatTable(table));
Deno.exit(failed ? 1 : 0);
