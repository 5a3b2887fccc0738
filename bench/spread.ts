/**
 * `deno task bench:spread`: what it costs that a token's uses meet several processes, each of which evaluates its MAC key
 * once. Two processes on one PostgreSQL database take all uses of some tokens: once each token's uses stay with one
 * process, once each use goes to any. The kinds take turns, so that a noisy machine hurts both alike.
 *
 * `--rounds=9`, `--tokens=1000` in a round, of `--uses=4` each (of 64, so that the difference stands out), `--write` (docs/measurements.md).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { startCluster } from "../tests/support/postgres/cluster.ts";
import { fetchTokens, type LoadToken, signLog } from "../tests/support/client/load_client.ts";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { runLoad } from "./http/load.ts";
import { postRequest } from "./http/wire_connection.ts";
import { Report } from "./report.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    tokens: { type: "string", default: "1000" },
    uses: { type: "string", default: "4" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const TOKENS = Number(values.tokens);
const USES = Number(values.uses);
const CONNECTIONS = 32;
const PATH = "/v1/apps/load/logs";

const oneOfTwo = () => Math.random() < 0.5 ? 0 : 1;
/** To which of two processes a use goes. */
const KINDS = {
  "each token stays with one": (token: number) => token % 2,
  "each use meets any": oneOfTwo,
} as const;
type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];

const folder = await Deno.makeTempDir();
await using cluster = await startCluster();
const kv = await cluster.newDatabase();
const services = [1, 2].map(() => spawnService({ folder, kv }));
await Promise.all(services.map((service) => service.ready()));

/** All uses of all tokens for each process, in the order of their uses: between two of a token many others come. */
function shareOut(tokens: readonly LoadToken[], kind: Kind): Uint8Array[][] {
  const shares: Uint8Array[][] = [[], []];
  for (let use = 0; use < USES; use++) {
    for (const [index, token] of tokens.entries()) {
      const { headers, body } = signLog(token, use);
      shares[KINDS[kind](index)]?.push(postRequest(PATH, headers, body));
    }
  }
  return shares;
}

/** Microseconds of CPU that both processes spent on a log. */
async function measure(kind: Kind): Promise<number> {
  const [first] = services;
  const tokens = await fetchTokens(first?.url ?? "", crypto.randomUUID(), TOKENS);
  const shares = shareOut(tokens, kind);
  const results = await Promise.all(
    services.map(({ port, child: { pid } }, index) =>
      runLoad({ port, pid, requests: shares[index] ?? [], connections: CONNECTIONS })
    ),
  );
  const cpuMs = results.reduce((sum, { serverCpuMs, accepted }) => sum + serverCpuMs * accepted, 0);
  return cpuMs * 1_000 / (TOKENS * USES);
}

try {
  const report = new Report(
    "bench:spread",
    `two processes on PostgreSQL, ${ROUNDS} rounds of ${TOKENS} tokens in turn, medians`,
  );
  const results = new Map<Kind, number[]>(ALL.map((kind) => [kind, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? ALL : ALL.toReversed()) {
      const result = await measure(kind);
      // The first round warms everything up.
      if (round >= 0) results.get(kind)?.push(result);
    }
  }
  const [stays] = ALL.map((kind) => results.get(kind) ?? []);
  report.say(markdownTable(
    [`a token's ${USES} uses`, "CPU of both processes, us a log", "of the first, within a round"],
    ALL.map((kind) => {
      const own = results.get(kind) ?? [];
      const ratios = own.map((cpu, round) => cpu / (stays?.[round] ?? NaN));
      return [kind, median(own).toFixed(0), median(ratios).toFixed(3)];
    }),
  ));
  await report.keep();
} finally {
  await Promise.all(services.map((service) => service.end("SIGTERM")));
  await Deno.remove(folder, { recursive: true });
}
