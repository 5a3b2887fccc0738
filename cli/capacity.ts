// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * The table of docs/capacity.md, whose formulas these are: what a number of clients a day costs.
 * `deno task capacity --clients 1e9 --logs 20` prints one column, `--write` renews the document.
 *
 * @module
 */
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { UsageError } from "./options.ts";
import { markdownTable } from "./table.ts";

const PAGE = new URL("../docs/capacity.md", import.meta.url);
const PLACE = /(?<=<!-- table -->\n)[^]*(?=<!-- \/table -->)/;
const DAY = 86_400;
/** How many times the mean the busiest second is, and the share of a core or store that is planned to be busy then. */
const PEAK = 3;
const BUSY = 0.7;

// Costs of the first table of docs/measurements.md; sizes of core/ledger and core/acs; days of dit.config.ts.
const CPU_MS = { log: 0.182, evaluation: 0.025, request: 1.67, token: 0.075, document: 0.25 };
const BYTES = { claim: 75, quota: 205, record: 171, segment: 15.5, bodyAndHeaders: 1_269, answer: 244 };
const REMEMBERED_TOKENS = 100_000;
const USES = 64;
const CLAIM_DAYS = 2;
const RECORD_DAYS = 30;
const LOGS_A_SECOND = { file: 4_027, endpoint: 6_298, primary: 26_500 };

/** What so many clients cost that send so many logs a day each: a row's name, and its figure. */
function costs(clients: number, logsEach: number): [string, string][] {
  const logs = clients * logsEach;
  const tokens = clients * Math.ceil(logsEach / USES);
  const forgotten = 1 - Math.min(1, REMEMBERED_TOKENS / tokens);
  const evaluations = tokens + (logs - tokens) * forgotten;
  const cpuMs = logs * CPU_MS.log + evaluations * CPU_MS.evaluation +
    clients * (CPU_MS.request + 2 * CPU_MS.document) + tokens * CPU_MS.token;
  const stored = logs * BYTES.claim + clients * BYTES.quota + logs * BYTES.segment;
  const kept = (logs * BYTES.claim + clients * BYTES.quota) * CLAIM_DAYS +
    logs * BYTES.segment * RECORD_DAYS +
    logs * BYTES.record / 24;
  const peak = logs / DAY * PEAK;
  // A process on one file was measured with tokens that it remembered: all else that it does counts as so many logs.
  const filePeak = cpuMs / CPU_MS.log / DAY * PEAK;
  return [
    ["logs a day", amount(logs)],
    ["logs a second at the peak", amount(peak)],
    ["tokens evaluated a day", amount(evaluations)],
    ["cores at the peak", amount(cpuMs / 1_000 / DAY * PEAK / BUSY)],
    ["files, one process each", amount(Math.ceil(filePeak / LOGS_A_SECOND.file / BUSY))],
    ["or KV Connect endpoints", amount(Math.ceil(peak / LOGS_A_SECOND.endpoint / BUSY))],
    ["or PostgreSQL primaries", amount(Math.ceil(peak / LOGS_A_SECOND.primary / BUSY))],
    ["stored a day, GB", amount(stored / 1e9)],
    ["kept, GB", amount(kept / 1e9)],
    ["from clients a day, GB", amount(logs * BYTES.bodyAndHeaders / 1e9)],
    ["to clients a day, GB", amount(logs * BYTES.answer / 1e9)],
  ];
}

function amount(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

function table(populations: readonly number[], logsEach: number): string {
  const columns = populations.map((clients) => costs(clients, logsEach));
  const rows = (columns[0] ?? []).map((
    [name],
    row,
  ) => [name, ...columns.map((column) => column[row]?.[1] ?? "")]);
  return markdownTable([`${logsEach} logs each`, ...populations.map((n) => `${amount(n)} clients`)], rows);
}

/** A whole number from 1 up. Throws {@linkcode UsageError} if it is none. */
function readNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} is ${JSON.stringify(text)}: give a whole number from 1 to ${most}.`);
}

await runCommand({
  name: "capacity",
  help: "Computes what a number of clients costs (docs/capacity.md).",
  subcommands: {
    "": subcommand({
      help: "Computes what a number of clients costs: cores, stores and bytes (docs/capacity.md).",
      options: {
        clients: { type: "string", value: "N", default: "1e6", help: "How many clients report in a day." },
        logs: {
          type: "string",
          value: "N",
          default: "20",
          help: "How many logs each of them sends in a day.",
        },
        write: {
          type: "boolean",
          help: "Renews the table in docs/capacity.md in the place of printing one.",
        },
      },
      async work({ clients, logs, write }) {
        if (write) {
          const made = `\n${table([1e6, 1e7, 1e9], 20)}\n\n`;
          await Deno.writeTextFile(PAGE, (await Deno.readTextFile(PAGE)).replace(PLACE, made));
        } else {
          console.log(table([readNumber("clients", clients, 1e10)], readNumber("logs", logs, 1e5)));
        }
      },
    }),
  },
});
