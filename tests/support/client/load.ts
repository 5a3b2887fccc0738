/**
 * Steady load from many clients that never give a log up.
 *
 * @module
 */
import type { Sent } from "../store/exactly_once.ts";
import { type Answer, type LoadToken, sendUntilKnown, signMarkedLog } from "./load_client.ts";

/** Load that is under way. */
export interface Load {
  /** Every log so far, with its answer; without its bytes once that is known. */
  readonly sent: Sent;
  /** Every answer of every attempt so far, by status and code, counted. */
  readonly heard: Map<string, number>;
  /** Lets each client finish its log, and waits for all of them. */
  readonly stop: () => Promise<void>;
}

/** How load is made. */
export interface LoadOptions {
  /** Where each attempt of a client goes. */
  readonly url: (client: number) => string | Promise<string>;
  /** The tokens, each of which one client uses. */
  readonly tokens: readonly LoadToken[];
  /** Clients at once; as many as tokens at most. */
  readonly clients: number;
  /** Milliseconds between two logs of a client; none by default. */
  readonly pauseMs?: number;
}

/** Starts load: each client signs a log, sends it until it knows what became of it, and goes on to the next. */
export function startLoad({ url, tokens, clients, pauseMs = 0 }: LoadOptions): Load {
  const sent: Sent = new Map();
  const heard = new Map<string, number>();
  const hear = ({ status, code }: Answer) => {
    const name = code === undefined ? String(status) : `${status} ${code}`;
    heard.set(name, (heard.get(name) ?? 0) + 1);
  };
  const perClient = Math.floor(tokens.length / clients);
  let running = true;
  const run = async (client: number) => {
    for (let index = 0; running; index++) {
      const token = tokens[client * perClient + Math.floor(index / 64)];
      if (token === undefined || index >= perClient * 64) throw new Error("The load has run out of tokens.");
      const log = signMarkedLog(token, index % 64);
      sent.set(log, undefined);
      const answer = await sendUntilKnown(() => url(client), log, hear);
      // Its bytes are not sent again, and a million of them would not find room.
      sent.delete(log);
      sent.set({ ...log, headers: {}, body: new Uint8Array() }, answer);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const done = Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  done.catch(() => {});
  return {
    sent,
    heard,
    async stop() {
      running = false;
      await done;
    },
  };
}
