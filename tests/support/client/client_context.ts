/**
 * A client's surroundings for tests of its parts: storage in memory, a clock that a test moves, no network.
 *
 * @module
 */
import { Clock } from "../../../client/base/clock.ts";
import type { Context } from "../../../client/base/context.ts";
import type { ClientEvents } from "../../../client/mod.ts";
import { MemoryStorage } from "../../../client/storage/memory.ts";
import type { Report } from "../../../client/base/types.ts";
import { clientRistretto255 } from "../../../core/voprf/noble_client.ts";

/** What a client told its app, in order. */
export type Told = { [N in keyof ClientEvents]: readonly [N, ClientEvents[N]] }[keyof ClientEvents][];

/** A context and what a test may do to it. */
export interface TestContext {
  readonly context: Context;
  /** Unix milliseconds, moved by the test. */
  readonly time: { now: number };
  /** What was told. */
  readonly told: Told;
}

/** Makes a context; `changes` replace parts of it. */
export function makeContext(changes: Partial<Context> = {}): TestContext {
  const time = { now: Date.UTC(2027, 0, 15, 10, 20, 30) };
  const told: Told = [];
  const report: Report = (name, event) => void told.push([name, event] as Told[number]);
  const context: Context = {
    url: "https://telemetry.example/v1/apps/notes",
    app: "notes",
    session: () => Promise.reject(new Error("nobody signs in here")),
    suite: clientRistretto255,
    storage: new MemoryStorage(),
    fetch: () => Promise.reject(new TypeError("there is no network here")),
    clock: new Clock(() => time.now),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    report,
    gzip: true,
    localDp: undefined,
    signal: new AbortController().signal,
    isHidden: () => false,
    ...changes,
  };
  return { context, time, told };
}
