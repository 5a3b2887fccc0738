// deno-lint-ignore-file no-console -- a program that a person watches.
/**
 * `deno task soak:rotation [--epoch=60] [--minutes=10]`: keys rotate in front of your eyes while clients never stop
 * sending, and the service is killed with SIGKILL every two minutes. Ends with exit code 1 when anything was refused,
 * lost or doubled.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { watchRotation } from "../support/processes/rotation_watch.ts";

const { values } = parseArgs({ options: { epoch: { type: "string" }, minutes: { type: "string" } } });
const epochSeconds = Number(values.epoch ?? 60);
const seconds = Number(values.minutes ?? 10) * 60;
if (!Number.isInteger(epochSeconds) || epochSeconds < 10 || !(seconds > 0)) {
  console.error("Use: deno task soak:rotation [--epoch=<seconds, 10 or more>] [--minutes=<number>]");
  Deno.exit(1);
}
const killAfter = Array.from({ length: Math.floor(seconds / 120) }, (_, index) => 60 + 120 * index);
const onEvent = (line: string) => console.log(new Date().toISOString().slice(11, 19), line);
const watched = await watchRotation({ epochSeconds, seconds, killAfter, clients: 8, onEvent });
console.log(watched);
const { no_answer: _dead, key_not_issuing = 0, ...refusals } = watched.refused;
const ok = Object.keys(refusals).length === 0 && key_not_issuing <= watched.crossed &&
  Object.keys(watched.dropped).length === 0 && watched.sent === watched.logged &&
  watched.stored === watched.logged;
console.log(ok ? "Not one refusal; every event is stored once." : "Something was refused, lost or doubled.");
Deno.exit(ok ? 0 : 1);
