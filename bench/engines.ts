/**
 * `deno task bench:engines`: the same claims in each engine of the store, in turns (docs/performance.md).
 *
 * `--sizes=0,400000` rows in the store, `--rounds=3`, `--write` (docs/performance.md).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { compareEngines } from "./ledger/engines.ts";
import { Report } from "./report.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "0,400000" },
    rounds: { type: "string", default: "3" },
    write: { type: "boolean", default: false },
  },
});
const folder = await Deno.makeTempDir();
const report = new Report("bench:engines", `512 claims at once, ${values.rounds} rounds, medians`);
try {
  report.say(await compareEngines(folder, values.sizes.split(",").map(Number), Number(values.rounds)));
  await report.keep();
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit();
