/**
 * A client of the tests' application `notes`, and everything that it tells.
 *
 * @module
 */
import {
  type ClientEvents,
  type ClientStorage,
  type CommonOptions,
  DitClient,
  type Fetch,
  type OneEndpoint,
  type TwoEndpoints,
} from "../../../client/mod.ts";
import type { EventsOf } from "../../../core/config/mod.ts";
import type { testConfig, TestService } from "./client_service.ts";

/** The events of `notes`. */
export type NotesEvents = EventsOf<typeof testConfig, "notes">;

/** What a client told, by name. */
export type Heard = { readonly [N in keyof ClientEvents]: ClientEvents[N][] };

/** A client and what it told. */
export interface ClientUnderTest {
  readonly client: DitClient<NotesEvents>;
  readonly heard: Heard;
}

/** So long a delay that a client, which takes a random part of it, sends nothing on its own while a test lasts. */
export const NEVER_SECONDS = 2_000_000;

/** What is different about a client than it usually is. */
export interface ClientChanges extends Partial<CommonOptions> {
  /** Where its service is. */
  readonly at?: OneEndpoint | TwoEndpoints;
}

/** Makes a client of alice's that shares the service's clock, and sends when it is told to. */
export function makeClient(test: TestService, { at, ...options }: ClientChanges = {}): ClientUnderTest {
  const client = new DitClient<NotesEvents>({
    ...at ?? { endpoint: "https://telemetry.example" },
    app: "notes",
    session: () => test.signIn("alice"),
    fetch: test.fetch,
    now: () => test.clock.now,
    delaySeconds: NEVER_SECONDS,
    debug: false,
    storage: "memory",
    ...options,
  });
  const heard: Heard = {
    sent: [],
    dropped: [],
    left_out: [],
    issued: [],
    refused: [],
    key_replaced: [],
    keys_forked: [],
    endpoints_changed: [],
    stopped: [],
    state: [],
  };
  for (const name of Object.keys(heard) as (keyof ClientEvents)[]) {
    client.on(name, (event) => {
      // Which event and which field it is about, tests of that ask for themselves.
      const { event: _, field: __, ...told } = event as ClientEvents["dropped"];
      heard[name].push(told as never);
    });
  }
  return { client, heard };
}

/**
 * A storage and a network that let somebody else work before each transaction and each request of a client. Nothing
 * keeps the two apart, as in a storage without locks.
 */
export function overtaken(
  storage: ClientStorage,
  fetch: Fetch,
  overtake: () => Promise<void>,
): { readonly storage: ClientStorage; readonly fetch: Fetch } {
  return {
    storage: {
      async transaction(body) {
        await overtake();
        return await storage.transaction(body);
      },
      close: () => Promise.resolve(),
    },
    async fetch(url, init) {
      await overtake();
      return await fetch(url, init);
    },
  };
}

/** How many events of each reason were dropped. */
export function droppedBy(heard: Heard): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason, events } of heard.dropped) counts[reason] = (counts[reason] ?? 0) + events;
  return counts;
}
