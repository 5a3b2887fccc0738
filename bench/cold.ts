/**
 * `deno task bench:cold`: what a fresh process takes to its first issued batch and to its first accepted log, and how
 * much of it is loading the crypto and signing. Real processes, started like production; kinds take turns.
 *
 * `--rounds=7`, `--write` (docs/measurements.md).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { measureColdCrypto } from "./cold/measure_crypto.ts";
import { measureColdService, SERVICE_STEPS, type ServiceTimes } from "./cold/measure_service.ts";
import { Report } from "./report.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, write: { type: "boolean", default: false } },
});
const ROUNDS = Number(values.rounds);
const BATCH = 30;
/** What loading the crypto and signing a batch of 30 may take, in milliseconds. */
const TARGET_MS = 40;

const report = new Report("bench:cold", `${ROUNDS} fresh processes of each kind in turn, medians`);

const kinds = await measureColdCrypto(ROUNDS, BATCH);
const middle = (numbers: number[]) => median(numbers).toFixed(1);
report.say(`Loading the crypto and signing a batch of ${BATCH}, ms inside the process:`);
report.say(markdownTable(
  ["", "import", "make ready", "sign", "together", "least disturbed", "sign again", `at most ${TARGET_MS}`],
  kinds.map(({ implementation, situation, times }) => {
    const together = times.map((time) => time.import + time.start + time.sign);
    return [
      `${implementation}, ${situation}`,
      middle(times.map((time) => time.import)),
      middle(times.map((time) => time.start)),
      middle(times.map((time) => time.sign)),
      middle(together),
      Math.min(...together).toFixed(1),
      middle(times.map((time) => time.again)),
      median(together) <= TARGET_MS ? "yes" : "no",
    ];
  }),
));

// As it is in the service, which has loaded that before.
const served = kinds.find(({ implementation, situation }) =>
  implementation === "kernel" && situation === "beside node:zlib"
);
report.figure(
  "first batch of a cold process, ms",
  median((served?.times ?? []).map((time) => time.import + time.start + time.sign)),
  1,
);

const services: ServiceTimes[] = [];
// The first round fills Deno's cache of compiled code and does not count.
for (let round = 0; round <= ROUNDS; round++) {
  const times = await measureColdService();
  if (round > 0) services.push(times);
}
const of = (...steps: (keyof ServiceTimes)[]) =>
  middle(services.map((times) => steps.reduce((sum, step) => sum + times[step], 0)));
report.say("The service, ms as its clients see it (what they compute themselves is not counted):");
report.say(markdownTable(["step", "ms"], SERVICE_STEPS.map((step) => [step, of(step)])));
const began = "existing store: to the first connection";
report.say(markdownTable(["from the start of a process", "empty store", "existing store"], [
  [
    "to the first issued batch",
    of("empty store: to the first connection", "empty store: the directory", "empty store: a batch of 30"),
    of(began, "existing store: a batch of 30 as the first request"),
  ],
  [
    "to the first accepted log",
    of(
      "empty store: to the first connection",
      "empty store: the directory",
      "empty store: a batch of 30",
      "empty store: a log",
    ),
    of(began, "existing store: a log as the first request"),
  ],
]));
await report.keep();
