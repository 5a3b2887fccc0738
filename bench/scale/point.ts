/**
 * One point of the curves of `bench/scale.ts`: a whole service in a process of its own, on a store with so many redemptions, with so many applications and clients. It takes requests as `Deno.serve` would hand them over; only the
 * sockets are left out. Each line on standard input (a number of logs) is a round and is answered with its measurement.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { serialize } from "node:v8";
import { MacKeyCache } from "../../core/acs/mac_keys.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import { dayOf } from "../../core/base/time.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import { runMaintenance } from "../../core/jobs/maintenance.ts";
import { SEGMENTS } from "../../core/ledger/families.ts";
import { openStore } from "../../boot/open_store.ts";
import { deriveMacKey } from "../../core/token/mac.ts";
import { encodeTokenInput } from "../../core/token/token.ts";
import config from "../../tests/faults/config.ts";
import { boundNonce } from "../../tests/support/client/bound_nonce.ts";
import { type LoadToken, signLog } from "../../tests/support/client/load_client.ts";
import { type AssembledTest, assembleTest } from "../../tests/support/service/assembled.ts";
import { answerLines } from "../contenders/serve.ts";
import { residentMiB } from "../http/load.ts";
import { fillStore } from "./fill.ts";
import { loadStore } from "./load.ts";

/** Where a point lies. */
export interface Point {
  /** Claims in the store, and their records in segments. */
  readonly redemptions: number;
  /** Applications, each with its keys. */
  readonly applications: number;
  /** Clients that each have a token in use and send in random order. */
  readonly clients: number;
  /** The URL of an empty database in PostgreSQL; an SQLite file where there is none. */
  readonly database?: string | undefined;
}

/** What a round took. */
export interface Measurement {
  /** Microseconds from the first log to the last answer, a log. */
  readonly wall: number;
  /** Microseconds of CPU of the whole process, a log. */
  readonly cpu: number;
  /** Microseconds inside of commits, a log. */
  readonly commit: number;
  /** Logs in a commit. */
  readonly group: number;
  /** Share of one core, in percent, of what happens beside requests: counters every 5 s, sketches every 30 s. */
  readonly maintenance: number;
  /** Resident memory, MiB. */
  readonly memory: number;
}

const CONNECTIONS = 64;
const USES = 64;
/** What MacKeyCache holds unless it is told otherwise. */
const CACHED_TOKENS = 100_000;
/** Segments as maintenance leaves them: so many records of some 30 bytes each (bench/segments.ts). */
const SEGMENT_RECORDS = 1_300;
const SEGMENT_BYTES = 40_000;

const [folder, text] = Deno.args as [string, string];
const point: Point = JSON.parse(text);
const path = point.database ?? `${await Deno.makeTempDir({ dir: folder })}/kv.sqlite3`;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const now = () => Math.floor(Date.now() / 1000);
const { load } = config.applications;
const ids = Array.from({ length: point.applications }, (_, index) => index === 0 ? "load" : `load-${index}`);
const deployment = checkConfig(
  { issuer: config.issuer, applications: Object.fromEntries(ids.map((id) => [id, load])) },
  { development: true },
);
const sealKey = random(32);
const macKeys = new MacKeyCache(random, CACHED_TOKENS);
const commits = { count: 0, claims: 0, milliseconds: 0 };

/** The service on the point's file; a round reads no line about a request, so none is kept. */
function openService(): Promise<AssembledTest> {
  return assembleTest({
    deployment,
    now,
    openStore: () => openStore(path, { deadlineMs: 60_000 }),
    sealKey,
    settings: { logRequests: false, requestsPerSecond: 1_000_000 },
    tuning: {
      macKeys,
      committer: {
        maxInFlight: point.database === undefined ? 1 : 4,
        onCommit(claims, milliseconds) {
          commits.count++;
          commits.claims += claims;
          commits.milliseconds += milliseconds;
        },
      },
    },
  });
}

/** The store as it is after so many redemptions by so many clients. */
async function prepareStore(): Promise<void> {
  const { service, close } = await openService();
  await runMaintenance(service);
  const keys = await Promise.all(ids.map((id) => service.ringOf(id).issuing(now())));
  for (let segments = Math.floor(point.redemptions / SEGMENT_RECORDS); segments > 0; segments -= 16) {
    await service.store.commit((operation) => {
      for (let index = 0; index < Math.min(16, segments); index++) {
        operation.set(SEGMENTS.key("load", dayOf(now()), random(12)), random(SEGMENT_BYTES));
      }
    });
  }
  const filling = {
    ordinals: keys.map(({ ordinal }) => ordinal),
    claims: point.redemptions,
    day: dayOf(now()),
    quotas: point.clients,
    quotaValue: serialize({
      granted: 4,
      requests: [{ digest: random(32), hour: Math.floor(now() / 3_600), repeats: 0 }],
      exp: now() + 86_400,
    }),
  };
  if (point.database !== undefined) await loadStore(service.store, filling);
  await close();
  if (point.database === undefined) fillStore(path, filling);
}

await prepareStore();
const { service, handle, close } = await openService();
const keys = await Promise.all(ids.map((id) => service.ringOf(id).issuing(now())));

/** Clients that were here before: their tokens in memory, their pseudonyms in the sketches. */
for (let client = 0; client < point.clients; client++) {
  const index = client % ids.length;
  if (client < CACHED_TOKENS) macKeys.set(keys[index]!.ordinal, random(32), random(32));
  const event = { name: "ping", at: now(), fields: { ok: true, latency_ms: 1 } };
  service.risk.observe(ids[index]!, toBase64url(random(16)), [event], now());
}

/** A token as the application's key signs it: what the client would compute, with the server's faster arithmetic. */
function makeToken(index: number): LoadToken {
  const { keyId, challengeDigest, secretKey, voprf } = keys[index]!;
  const bound = boundNonce();
  const { nonce } = bound;
  const input = encodeTokenInput({ tokenType: voprf.tokenType, nonce, challengeDigest, tokenKeyId: keyId });
  return { app: ids[index]!, keyId, ...bound, macKey: deriveMacKey(voprf.evaluate(secretKey, [input])[0]!) };
}

/** Requests of a round: from tokens that are in memory and, as often as this many clients cause it, from others. */
function makeRequests(count: number): Request[] {
  const unknown = Math.round(count * Math.max(1 / USES, 1 - CACHED_TOKENS / point.clients));
  const tokens = Array.from(
    { length: Math.max(CONNECTIONS, Math.ceil((count - unknown) / USES)) },
    (_, at) => {
      const index = at % ids.length;
      const token = makeToken(index);
      macKeys.set(keys[index]!.ordinal, token.nonce, token.macKey);
      return token;
    },
  );
  return Array.from({ length: count }, (_, at) => {
    // Spread evenly among the others.
    const isUnknown = Math.floor((at + 1) * unknown / count) > Math.floor(at * unknown / count);
    const token = isUnknown ? makeToken(at % ids.length) : tokens[at % tokens.length]!;
    const { headers, body } = signLog(token, isUnknown ? 0 : Math.floor(at / tokens.length));
    return new Request(`http://127.0.0.1/v1/apps/${token.app}/logs`, { method: "POST", headers, body });
  });
}

async function measureRound(count: number): Promise<Measurement> {
  const requests = makeRequests(count);
  Object.assign(commits, { count: 0, claims: 0, milliseconds: 0 });
  let next = 0;
  const cpuBefore = cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (next < requests.length) {
      const response = await handle(requests[next++]!, "127.0.0.1");
      const answer = await response.text();
      if (response.status !== 200) throw new Error(`Answered ${response.status}: ${answer}`);
    }
  }));
  const wall = (performance.now() - startedAt) * 1_000;
  const cpu = cpuUsage(cpuBefore);
  const maintenanceBefore = performance.now();
  await service.counterRows.flush();
  const flushedAt = performance.now();
  await service.risk.merge(now());
  const mergedAt = performance.now();
  return {
    wall: wall / count,
    cpu: (cpu.user + cpu.system) / count,
    commit: commits.milliseconds * 1_000 / count,
    group: commits.claims / commits.count,
    maintenance: (flushedAt - maintenanceBefore) / 50 + (mergedAt - flushedAt) / 300,
    memory: residentMiB(Deno.pid),
  };
}

await answerLines(async (line) => line === "check" ? "" : JSON.stringify(await measureRound(Number(line))));
await close();
