/**
 * Who keeps connections and the moments of requests, and joins logs to the sessions of their clients by them: what comes
 * over one connection is one client's, and what comes at one moment may be.
 *
 * @module
 */
import { assemble } from "../../client/parts.ts";
import { present } from "../support/base/present.ts";
import { seededRandom } from "../support/base/seeded_random.ts";
import { startService } from "../support/client/client_service.ts";
import type { Target } from "./guessing.ts";

/** Clients that are there, each with an account of its own. */
const CLIENTS = 40;
/** Within so many milliseconds each logs something, and so long is the longest delay. */
const MINUTE = 60_000;

/** A request as it was seen. */
interface SeenRequest {
  readonly at: number;
  readonly step: string;
  readonly connection: string;
  /** Who it is: the attacker sees it of token requests alone. */
  readonly client: number;
}

/** How clients connect and are answered. */
export interface ConnectedTrial {
  /** The connection of a request, by its client, its step and its pool: each pool has its own unless it says otherwise. */
  readonly connect?: (client: number, step: string, pool: string) => string;
  /** Whether the service refuses everybody's first log, so that they ask for another token. */
  readonly refuses?: boolean;
}

/** How many logs were joined to their clients' sessions, and what their crowds are. */
export interface Joined {
  readonly right: number;
  readonly targets: readonly Target[];
}

/** Lets clients log and send in their delayed passes, one after the other on one clock. */
async function watch({ connect = (_client, _step, pool) => pool, refuses }: ConnectedTrial) {
  const test = await startService({ tokensPerClient: 64 });
  const random = seededRandom(17);
  const seen: SeenRequest[] = [];
  const begin = test.clock.now;
  const refused = new Set<number>();
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    assemble({
      endpoint: "https://telemetry.example",
      app: "notes",
      session: () => test.signIn(`person ${client}`),
      now: () => test.clock.now,
      async fetch(url, init, pool) {
        const step = present(url.split("/").at(-1));
        seen.push({ at: test.clock.now, step, connection: connect(client, step, present(pool)), client });
        if (!refuses || step !== "logs" || refused.has(client)) return await test.fetch(url, init);
        refused.add(client);
        const headers = { "content-type": "application/problem+json" };
        return Response.json({ code: "key_unknown" }, { status: 401, headers });
      },
    }, {
      report: () => {},
      consent: { isBarred: false, look: () => () => {}, signal: new AbortController().signal },
      isOpen: () => true,
      isHidden: () => false,
    }));
  const due = clients.map((_, client) => ({
    client,
    trigger: "tokens" as "tokens" | "delay",
    at: begin + random.unit() * MINUTE,
  }));
  while (due.length > 0) {
    due.sort((a, b) => b.at - a.at);
    const { client, trigger, at } = present(due.pop());
    test.clock.now = at;
    const { passes, queue } = present(clients[client]);
    const event = { name: "app_opened", at: at / 1000, fields: {}, encoded: false };
    if (trigger === "tokens") await queue.enqueue(() => undefined, () => [event]);
    const outcome = await passes.run(trigger);
    if (trigger === "tokens" || outcome !== "done") {
      due.push({ client, trigger: "delay", at: at + random.unit() * MINUTE });
    }
  }
  await test.close();
  return seen;
}

/** Has clients log, and joins each one's first log. */
export async function joinByConnections(trial: ConnectedTrial): Promise<Joined> {
  const seen = await watch(trial);
  const logs = [...Map.groupBy(seen.filter(({ step }) => step === "logs"), ({ client }) => client).values()]
    .flatMap(([first]) => first ?? []);
  let right = 0;
  const targets = logs.map((log): Target => {
    const order = seen.indexOf(log);
    // Whatever else came over its connection came from its client; the sign-in that follows may be that client's.
    const beside = seen.findIndex((one) => one !== log && one.connection === log.connection);
    const from = beside >= 0 ? beside : order;
    const near = seen.filter(({ step, at }) => step === "tokens" && Math.abs(at - log.at) <= MINUTE);
    const next = near.find((one) => seen.indexOf(one) > from);
    const last = near.findLast((one) => seen.indexOf(one) < order);
    const guess = beside >= 0 || trial.refuses ? next : last;
    if (guess?.client === log.client) right++;
    // Who only knows the delay chooses among those who signed in within it.
    const crowd = new Set(
      near.filter((one) => trial.refuses ? seen.indexOf(one) > order : seen.indexOf(one) < order)
        .map(({ client }) => client),
    );
    return { client: log.client, crowd: Math.max(crowd.size, 1) };
  });
  return { right, targets };
}
