/**
 * A client's surroundings for tests of its parts: storage in memory, a clock that a test moves, no network.
 *
 * @module
 */
import { Clock } from "../../../client/base/clock.ts";
import type { Report } from "../../../client/base/types.ts";
import type { ClientEvents, Fetch, LocalDpReporter } from "../../../client/mod.ts";
import { Places } from "../../../client/http/places.ts";
import { Encoder } from "../../../client/queue/encoding.ts";
import { committing } from "../../../client/storage/commit.ts";
import { MemoryStorage } from "../../../client/storage/memory.ts";
import { Device } from "../../../client/tokens/device.ts";
import type { RandomSource } from "../../../core/base/random.ts";

const ENDPOINT = "https://telemetry.example";

/** What a client told its app, in order. */
export type Told = { [N in keyof ClientEvents]: readonly [N, ClientEvents[N]] }[keyof ClientEvents][];

/** What a test may replace. */
export interface Changes {
  readonly fetch?: Fetch;
  readonly signal?: AbortSignal | undefined;
  readonly localDp?: LocalDpReporter;
  readonly random?: RandomSource;
}

/** Makes what parts of a client take, and what a test may do to it. */
export function surroundings(changes: Changes = {}) {
  const app = "notes";
  /** Unix milliseconds, moved by the test. */
  const time = { now: Date.UTC(2027, 0, 15, 10, 20, 30) };
  const told: Told = [];
  const report: Report = (name, event) => void told.push([name, event] as Told[number]);
  const clock = new Clock(() => time.now);
  const random = changes.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length)));
  const device = new Device({ app, clock, random });
  return {
    app,
    places: new Places({ issue: ENDPOINT, log: ENDPOINT, follows: true }, app),
    clock,
    random,
    device,
    commit: committing(new MemoryStorage(), report),
    network: {
      fetch: changes.fetch ?? (() => Promise.reject(new TypeError("there is no network here"))),
      report,
      signal: changes.signal ?? new AbortController().signal,
    },
    encoder: new Encoder({ clock, localDp: changes.localDp }),
    time,
    told,
  };
}
