import { assert, assertEquals, assertGreater } from "@std/assert";
import { encodeLogBatch, LOG_BATCH_TYPE } from "../../core/token/log_batch.ts";
import { parseCredential } from "../../core/token/credential.ts";
import { present } from "../support/base/present.ts";
import {
  type Answer,
  fetchTokens,
  isUnknown,
  type LoadToken,
  type SignedLog,
  signMarkedLog,
} from "../support/client/load_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const ROUNDS = LONG ? 30 : 8;
const CLIENTS = 8;
const TOKENS_PER_CLIENT = LONG ? 200 : 60;
const USES = 64;
/** Good logs of a batch. */
const GOOD = 16;

/** Logs for the next uses of a token, one for a use that the first has, and one whose MAC is another's. */
function batchOf(token: LoadToken, firstUse: number): { logs: SignedLog[]; expected: string[] } {
  const good = Array.from({ length: GOOD }, (_, index) => signMarkedLog(token, firstUse + index));
  const [first, ...others] = good;
  const rival = signMarkedLog(token, firstUse);
  const forged = { ...signMarkedLog(token, firstUse), headers: present(others[0]).headers };
  return {
    logs: [present(first), rival, ...others, forged],
    expected: ["stored", "use_taken", ...others.map(() => "stored"), "mac_invalid"],
  };
}

/** Sends logs in one request; undefined: nothing came back that tells of each. */
async function sendBatch(url: string, logs: readonly SignedLog[]): Promise<Answer[] | undefined> {
  const body = encodeLogBatch(logs.map(({ headers, body }) => ({
    credential: parseCredential(present(headers.authorization)),
    contentEncoding: "",
    body,
  })));
  try {
    const response = await fetch(`${url}/v1/apps/load/logs`, {
      method: "POST",
      headers: { "content-type": LOG_BATCH_TYPE },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const { outcomes } = await response.json();
    return response.status === 200
      ? outcomes.map((outcome: Answer) => ({ ...outcome, replayed: outcome.replayed === true }))
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Sends the same logs until each is answered: all in one request, then in two side by side, and so on, so that one part may
 * be known when the service dies and the other not. What was stored once has to be a replay ever after.
 */
async function sendUntilKnown(
  url: () => Promise<string>,
  logs: readonly SignedLog[],
  sent: Sent,
): Promise<void> {
  const giveUpAt = performance.now() + 120_000;
  for (let attempt = 0; logs.some((log) => sent.get(log) === undefined); attempt++) {
    assert(performance.now() < giveUpAt, "A batch got no answer for two minutes");
    const parts = attempt % 2 === 0 ? [logs] : [logs.slice(0, 7), logs.slice(7)];
    const to = await url();
    await Promise.all(parts.map(async (part) => {
      const answers = await sendBatch(to, part);
      if (answers === undefined) return;
      assertEquals(answers.length, part.length);
      for (const [index, log] of part.entries()) {
        const answer = present(answers[index]);
        if (isUnknown(answer)) continue;
        const before = sent.get(log);
        if (before === undefined) sent.set(log, answer);
        else {
          assertEquals([answer.status, answer.code], [before.status, before.code]);
          assertEquals(answer.replayed, answer.status === 200, "what was stored is stored again");
        }
      }
    }));
    await new Promise((resolve) => setTimeout(resolve, Math.min(10 * 2 ** attempt, 160)));
  }
}

Deno.test(`kill -9 at ${ROUNDS} random instants amid batches: each log once, each its own answer`, async () => {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  let service = spawnService({ folder, port });
  await service.ready();
  const tokens = await fetchTokens(service.url, "batches", CLIENTS * TOKENS_PER_CLIENT);
  let gate = Promise.resolve();
  const sent: Sent = new Map();
  let batches = 0;
  let running = true;
  const run = async (client: number) => {
    const own = tokens.slice(client * TOKENS_PER_CLIENT, (client + 1) * TOKENS_PER_CLIENT);
    for (const token of own) {
      for (let use = 0; use < USES; use += GOOD) {
        if (!running) return;
        const { logs, expected } = batchOf(token, use);
        for (const log of logs) sent.set(log, undefined);
        await sendUntilKnown(() => gate.then(() => service.url), logs, sent);
        const heard = logs.map((log) => {
          const { status, code } = present(sent.get(log));
          return status === 200 ? "stored" : code;
        });
        assertEquals(heard, expected);
        batches++;
      }
    }
    throw new Error("The load has run out of tokens.");
  };
  const done = Promise.all(Array.from({ length: CLIENTS }, (_, client) => run(client)));
  let failed = false;
  done.catch(() => failed = true);
  let unknown = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const enough = batches + CLIENTS + Math.floor(Math.random() * 10);
    await until(() => failed || batches >= enough);
    if (failed) break;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    assertEquals((await service.end("SIGKILL")).signal, "SIGKILL");
    service = spawnService({ folder, port });
    await service.ready();
    // Before anybody sends again: what was acknowledged is there, what was refused is not.
    await assertExactlyOnce(service, sent);
    unknown += sent.values().filter((answer) => answer === undefined).toArray().length;
    resolve();
  }
  running = false;
  await done;
  assertGreater(unknown, 0, "every kill found the service idle");
  const stored = await assertExactlyOnce(service, sent);
  assertEquals(stored.size, sent.size / (GOOD + 2) * GOOD);
  await service.end("SIGTERM");
  await Deno.remove(folder, { recursive: true });
});
