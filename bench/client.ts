/**
 * What the client costs a device: computing time a token and a log, and the bytes and round trips of a day with one token
 * and 64 logs, beside the same logs sent plainly. The service runs in this process; its time is not counted.
 *
 *     deno task bench:client
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { DitClient, type Fetch } from "../client/mod.ts";
import { nobleRistretto255 } from "../core/voprf/noble.ts";
import { clientRistretto255 } from "../core/voprf/noble_client.ts";
import { startService } from "../tests/support/client/client_service.ts";
import { environment } from "./environment.ts";
import { markdownTable, median } from "./statistics.ts";

const ROUNDS = 200;
const LOGS = 64;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function milliseconds<T>(work: () => T): [T, number] {
  const start = performance.now();
  return [work(), performance.now() - start];
}

/** Blind and finalize of a batch of one, the server's part left out. */
function tokenTimes(): { blind: number; finalize: number } {
  const keys = nobleRistretto255.generateKeyPair(random);
  const blinds: number[] = [];
  const finalizes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const inputs = [random(98)];
    const [blinded, blind] = milliseconds(() => clientRistretto255.blind(inputs, random));
    const evaluated = nobleRistretto255.blindEvaluate(keys, blinded.blindedElements, random);
    const request = { inputs, ...blinded, ...evaluated, publicKey: keys.publicKey };
    const [, finalize] = milliseconds(() => clientRistretto255.finalize(request));
    blinds.push(blind);
    finalizes.push(finalize);
  }
  return { blind: median(blinds), finalize: median(finalizes) };
}

/** Bytes of a message as HTTP/1.1 writes it, without what every browser adds to any request. */
function messageLength(startLine: string, headers: Headers, body: number): number {
  return [...headers].reduce(
    (sum, [name, value]) => sum + name.length + value.length + 4,
    startLine.length + 4 + body,
  );
}

/** What went over the wire for one kind of request. */
interface Traffic {
  roundTrips: number;
  up: number;
  down: number;
}

async function measureDay(): Promise<{ traffic: Map<string, Traffic>; plain: Traffic; log: number }> {
  const test = await startService();
  const traffic = new Map<string, Traffic>();
  let inService = 0;
  const fetch: Fetch = async (url, init) => {
    const start = performance.now();
    const step = url.slice(url.lastIndexOf("/") + 1);
    const response = await test.fetch(url, init);
    const body = new Uint8Array(await response.arrayBuffer());
    const sums = traffic.get(step) ?? { roundTrips: 0, up: 0, down: 0 };
    const sent = (init.body as Uint8Array | undefined)?.length ?? 0;
    const request = `${init.method} ${new URL(url).pathname} HTTP/1.1`;
    traffic.set(step, {
      roundTrips: sums.roundTrips + 1,
      up: sums.up + messageLength(request, new Headers(init.headers), sent),
      down: sums.down + messageLength("HTTP/1.1 200 OK", response.headers, body.length),
    });
    inService += performance.now() - start;
    return new Response(body, response);
  };
  const client = new DitClient({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    fetch,
    now: () => test.clock.now,
  });
  const fields = { ok: true, platform: "web", latency_ms: 41.7, version: "2.9" };
  const times: number[] = [];
  for (let log = 0; log < LOGS; log++) {
    inService = 0;
    const start = performance.now();
    client.log("note_saved", fields);
    await client.flush();
    // The first one fetches the documents and the token too.
    if (log > 0) times.push(performance.now() - start - inService);
  }
  await client.close();
  await test.close();
  const event = JSON.stringify({ name: "note_saved", at: "2027-01-15T10:00:00Z", fields });
  const headers = new Headers({ "content-type": "application/json" });
  const plain = {
    roundTrips: LOGS,
    up: LOGS * messageLength("POST /v1/apps/notes/logs HTTP/1.1", headers, event.length),
    down: LOGS * messageLength("HTTP/1.1 204 No Content", new Headers(), 0),
  };
  return { traffic, plain, log: median(times) };
}

const { blind, finalize } = tokenTimes();
const { traffic, plain, log } = await measureDay();
const rows = [...traffic].map(([step, { roundTrips, up, down }]) => [step, roundTrips, up, down]);
const total = [1, 2, 3].map((column) => rows.reduce((sum, row) => sum + (row[column] as number), 0));
const text = (row: (string | number)[]) => row.map((cell) => String(cell));

console.log(environment());
console.log(markdownTable(["work on the device", "ms (median)"], [
  ["blind one token", blind.toFixed(2)],
  ["verify and unblind it", finalize.toFixed(2)],
  ["log and send one event, storage in memory", log.toFixed(2)],
]));
console.log();
console.log(markdownTable(["a day of 64 logs, one by one", "round trips", "bytes up", "bytes down"], [
  ...rows.map(text),
  text(["all", ...total]),
  text(["the same logs sent plainly", plain.roundTrips, plain.up, plain.down]),
]));
const ratio = (total[1]! + total[2]!) / (plain.up + plain.down);
console.log(
  `\n${ratio.toFixed(2)} times the bytes and ${
    (total[0]! / plain.roundTrips).toFixed(2)
  } times the round trips.`,
);
