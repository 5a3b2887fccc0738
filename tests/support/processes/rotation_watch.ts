/**
 * Watches a real service rotate its keys in front of clients that never stop sending, across kill -9 and restart.
 *
 * @module
 */
import { DitClient } from "../../../client/mod.ts";
import { concat } from "../../../core/base/bytes.ts";
import { exportDay } from "../../../core/operations/export.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { platformRandom } from "../service/keys.ts";
import { freePort } from "./free_ports.ts";
import type { RunningService } from "./running_service.ts";
import { demoConfig, Folders, signIn, startReady } from "./service_process.ts";

/** How to watch. */
export interface WatchOptions {
  /** Seconds of an epoch. */
  readonly epochSeconds: number;
  /** Seconds of the whole watch. */
  readonly seconds: number;
  /**
   * Seconds after its start after which the service is killed as soon as an epoch has begun, and started again a moment
   * later: a log that was under way has that epoch for its retry, before its token ends and nobody can say any more
   * whether it was stored.
   */
  readonly killAfter: readonly number[];
  /** Clients that send all the time. */
  readonly clients: number;
  /** Hears of every key event and kill as it happens. */
  readonly onEvent?: (line: string) => void;
}

/** What was seen. */
export interface Watched {
  /** Events that clients logged, and that the service took. */
  readonly logged: number;
  readonly sent: number;
  /** Codes of refusals, and how often each came. `no_answer` is what a dead service says. */
  readonly refused: Record<string, number>;
  readonly dropped: Record<string, number>;
  /** Tokens that clients got. */
  readonly tokens: number;
  /** Requests for tokens that an epoch's end overtook on their way, on a machine that had no time for them. */
  readonly crossed: number;
  /** Epochs whose keys were destroyed in front of the clients. */
  readonly destroyed: number;
  /** Records that the store has in the end. */
  readonly stored: number;
}

/** Runs the watch. */
export async function watchRotation(options: WatchOptions): Promise<Watched> {
  const { epochSeconds, seconds, killAfter, clients, onEvent = () => {} } = options;
  await using folders = new Folders();
  const folder = await folders.make(demoConfig({ epochSeconds }));
  const port = freePort();
  const start = () => startReady({ folder, port, env: { DIT_CONFIG: "config.js" } });
  const processes: RunningService[] = [await start()];
  const url = processes[0]!.url;
  const endsAt = performance.now() + seconds * 1000;
  const counts = { logged: 0, sent: 0, tokens: 0, crossed: 0 };
  const epochNow = () => Math.floor(Date.now() / 1000 / epochSeconds);
  const refused: Record<string, number> = {};
  const dropped: Record<string, number> = {};
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const startedAt = performance.now();

  async function operate(): Promise<void> {
    for (const second of killAfter) {
      await sleep(Math.max(0, startedAt + second * 1000 - performance.now()));
      for (const before = epochNow(); epochNow() === before;) await sleep(50);
      onEvent("kill -9");
      await processes.at(-1)!.end("SIGKILL");
      processes.push(await start());
      onEvent("started again");
    }
  }

  async function send(number: number): Promise<void> {
    let jwt = await signIn(url, `client ${number}`);
    const client = new DitClient({
      endpoint: url,
      app: "demo",
      // An app keeps its session: only a refusal has it sign in again.
      session: async ({ renew }) => renew ? (jwt = await signIn(url, `client ${number}`)) : jwt,
      fetch: async (to, init) => {
        const before = epochNow();
        const response = await fetch(to, init);
        if (response.status === 422 && epochNow() !== before) counts.crossed++;
        return response;
      },
    });
    let open = 0;
    client.on("sent", ({ events }) => (counts.sent += events, open -= events));
    client.on("issued", ({ tokens }) => counts.tokens += tokens);
    client.on("refused", ({ code }) => refused[code] = (refused[code] ?? 0) + 1);
    client.on("dropped", ({ reason, events }) => {
      dropped[reason] = (dropped[reason] ?? 0) + events;
      open -= events;
    });
    while (performance.now() < endsAt || open > 0) {
      if (performance.now() > endsAt + 60_000) break;
      if (performance.now() < endsAt) {
        client.log("app_opened", {});
        counts.logged++;
        open++;
      }
      await client.flush();
      // Slow enough for a client's quota of tokens to last an epoch.
      await sleep(Math.max(100, 12 * epochSeconds) + 20 * number);
    }
    await client.close();
  }

  let told = 0;
  const telling = setInterval(() => {
    const lines = processes.flatMap((process) => process.lines).filter((line) =>
      line.includes('"event":"key_')
    );
    for (const line of lines.slice(told)) onEvent(line);
    told = lines.length;
  }, 250);
  try {
    await Promise.all([operate(), ...Array.from({ length: clients }, (_, number) => send(number))]);
  } finally {
    clearInterval(telling);
    await processes.at(-1)!.end("SIGTERM");
  }
  const destroyed = new Set(
    processes.flatMap((process) => process.events("key_destroyed")).map(({ epoch }) => epoch),
  ).size;
  return { ...counts, refused, dropped, destroyed, stored: await countEvents(`${folder}/.dit/kv.sqlite3`) };
}

/** The events in the records that a stopped service has left, of today and of the days around it. */
async function countEvents(path: string): Promise<number> {
  using kv = await Deno.openKv(path);
  const store = storeOver(kv);
  const today = Math.floor(Date.now() / 86_400_000);
  let events = 0;
  for (const day of [today - 1, today, today + 1]) {
    const chunks = await Array.fromAsync(exportDay({ store, random: platformRandom }, { app: "demo", day }));
    const lines = new TextDecoder().decode(concat(...chunks)).split("\n").filter((line) => line !== "");
    for (const line of lines) events += JSON.parse(line).events.length;
  }
  return events;
}
