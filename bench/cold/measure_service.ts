/**
 * What a fresh process of the service takes to its first answers, as its clients see it. What they compute themselves
 * meanwhile is not counted.
 *
 * @module
 */
import { decodeBatchResponse } from "../../core/token/batch.ts";
import { deriveMacKey } from "../../core/token/mac.ts";
import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { type LoadToken, prepareBatch, sendLog, signLog } from "../../tests/support/client/load_client.ts";
import type { RunningService } from "../../tests/support/processes/running_service.ts";
import { spawnService } from "../../tests/support/processes/spawned_service.ts";

/** Milliseconds of one round. */
export type ServiceTimes = Record<ServiceStep, number>;

/** The steps in the order of the table. */
export const SERVICE_STEPS = [
  "an empty script, from start to end",
  "a script that loads the service's modules",
  "empty store: to the first connection",
  "empty store: the directory",
  "empty store: a batch of 30",
  "empty store: a log",
  "existing store: to the first connection",
  "existing store: a batch of 30 as the first request",
  "existing store: a log as the first request",
  "existing store: another log of that token",
] as const;

/** A step that is measured. */
export type ServiceStep = (typeof SERVICE_STEPS)[number];

const BATCH = 30;

async function milliseconds<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  return [await work(), performance.now() - startedAt];
}

async function runScript(script: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--config=../../tests/deno.json", "--no-check", "--allow-all", script],
    cwd: new URL("./", import.meta.url),
  }).output();
  if (!success) throw new Error(`${script} failed`);
}

/** Spawns the service and gives it with the time until it takes connections. */
function start(folder: string): Promise<[RunningService, number]> {
  return milliseconds(async () => {
    const service = spawnService({ folder });
    for (let over = false;;) {
      service.ended.then(() => over = true);
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: service.port })).close();
        return service;
      } catch {
        if (over) throw new Error(`The service did not start:\n${service.lines.join("\n")}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  });
}

type Batch = Awaited<ReturnType<typeof prepareBatch>>;

async function sendBatch({ url }: RunningService, { headers, body }: Batch): Promise<Uint8Array> {
  const response = await fetch(`${url}/v1/apps/load/tokens`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`Tokens were refused: ${response.status} ${await response.text()}`);
  return await response.bytes();
}

function finalize(batch: Batch, answer: Uint8Array): LoadToken[] {
  const evaluated = decodeBatchResponse(nobleRistretto255, answer, batch.bound.length);
  return nobleRistretto255.finalize({ ...batch, ...evaluated }).map((authenticator, index) => ({
    keyId: batch.keyId,
    ...batch.bound[index]!,
    macKey: deriveMacKey(authenticator),
  }));
}

async function acceptLog({ url }: RunningService, token: LoadToken, use: number): Promise<number> {
  const log = signLog(token, use);
  const [{ status }, time] = await milliseconds(() => sendLog(url, log));
  if (status !== 200) throw new Error(`A log was answered ${status}`);
  return time;
}

/** Starts a service on an empty store, then two more on what it leaves. */
export async function measureColdService(): Promise<ServiceTimes> {
  const folder = await Deno.makeTempDir({ prefix: "dit-cold-" });
  try {
    const [, empty] = await milliseconds(() => runScript("nothing.ts"));
    const [, modules] = await milliseconds(() => runScript("modules.ts"));

    const [first, firstStart] = await start(folder);
    const [, directory] = await milliseconds(async () =>
      await (await fetch(`${first.url}/v1/apps/load/keys`)).json()
    );
    const batch = await prepareBatch(first.url, "first", BATCH);
    const [answer, firstBatch] = await milliseconds(() => sendBatch(first, batch));
    const tokens = finalize(batch, answer);
    const firstLog = await acceptLog(first, tokens[0]!, 0);
    const nextBatch = await prepareBatch(first.url, "second", BATCH);
    await first.end("SIGTERM");

    const [second, secondStart] = await start(folder);
    const [, secondBatch] = await milliseconds(() => sendBatch(second, nextBatch));
    await second.end("SIGTERM");

    const [third, thirdStart] = await start(folder);
    const thirdLog = await acceptLog(third, tokens[1]!, 0);
    const anotherLog = await acceptLog(third, tokens[1]!, 1);
    await third.end("SIGTERM");

    return {
      "an empty script, from start to end": empty,
      "a script that loads the service's modules": modules,
      "empty store: to the first connection": firstStart,
      "empty store: the directory": directory,
      "empty store: a batch of 30": firstBatch,
      "empty store: a log": firstLog,
      "existing store: to the first connection": (secondStart + thirdStart) / 2,
      "existing store: a batch of 30 as the first request": secondBatch,
      "existing store: a log as the first request": thirdLog,
      "existing store: another log of that token": anotherLog,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
