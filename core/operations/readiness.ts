/**
 * Whether a process can do its work, and the others that answer on its port.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import type { Application, Deployment } from "../config/types.ts";
import { StoreUnavailable } from "../store/breaker.ts";
import type { Store } from "../store/store.ts";
import type { Answer, Siblings } from "./siblings.ts";

/** A server, as far as its readiness goes. */
export interface AskedServer {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store. */
  readonly store: Pick<Store, "requirePlace" | "writes">;
  /** Issues tokens, or says why it cannot. */
  readonly issuer: { ready(app: Application, nowSeconds: number): Promise<unknown> };
  /** The other processes on its port. */
  readonly siblings: Siblings | undefined;
  /** Unix seconds, whole. */
  readonly now: () => number;
}

/** The state of a process: it can do its work, or is not there for a moment and gets no connection. */
export type ProcessState = "ready" | "away";

/**
 * Requires that this process can do its work.
 * @throws {Refusal} `store_unavailable`, also of a store that was moved, or why no key issues.
 */
export async function requireReady({ store, deployment, issuer, now }: AskedServer): Promise<void> {
  await store.requirePlace();
  // Whether it takes writes again is tried beside the requests: whoever asks here causes none.
  if (store.writes.failing) throw new StoreUnavailable("failed");
  for (const app of deployment.applications.values()) await issuer.ready(app, now());
}

/** Why this process is not ready, as a code; null where it is. */
export async function whyNotReady(server: AskedServer): Promise<string | null> {
  try {
    await requireReady(server);
    return null;
  } catch (error) {
    return error instanceof Refusal ? error.code : "internal";
  }
}

/**
 * Requires that all processes can that get connections of this one's port, and gives how each is. Undefined: there is
 * this one alone.
 * @throws {Refusal} As {@linkcode requireReady}; `store_unavailable` with the names of others that are not.
 */
export async function requireAllReady(
  server: AskedServer,
): Promise<Record<string, ProcessState> | undefined> {
  await requireReady(server);
  const { siblings } = server;
  if (siblings === undefined) return undefined;
  const answers = [...await siblings.ask("ready")];
  const hindered = answers.flatMap(([process, answer]) => {
    const reason = hindranceOf(answer);
    return reason === undefined ? [] : [`process ${process}: ${reason}`];
  });
  if (hindered.length > 0) {
    throw new Refusal("store_unavailable", `Not every process is ready (${hindered.join(", ")}).`, {
      retryAfterSeconds: 1,
    });
  }
  const others = answers.map(([process, { kind }]): [string, ProcessState] => [
    process,
    kind === "away" ? "away" : "ready",
  ]);
  const all: [string, ProcessState][] = [[siblings.process, "ready"], ...others];
  return Object.fromEntries(all.sort(([a], [b]) => Number(a) - Number(b)));
}

/** Why clients may meet a process that does not do its work. */
function hindranceOf(answer: Answer<string | null>): string | undefined {
  if (answer.kind === "silent") return "no answer";
  return answer.kind === "told" ? answer.told ?? undefined : undefined;
}
