/**
 * The client: what an app holds in its hand.
 *
 * @module
 */
import { floorTo } from "../core/telemetry/time.ts";
import { nobleRistretto255 } from "../core/voprf/noble.ts";
import { MAX_EVENTS } from "./body.ts";
import { Clock } from "./clock.ts";
import { type Collection, encodeEvent } from "./collection.ts";
import { DirectoryCache } from "./directory_cache.ts";
import { Listeners } from "./events.ts";
import { Issuance } from "./issuance.ts";
import { Queue, type QueuedRequest } from "./queue.ts";
import { platformRandom } from "./random.ts";
import type { EventRecord } from "./records.ts";
import { SchemaCache } from "./schema_cache.ts";
import { Sender, type SendOutcome } from "./sender.ts";
import { MemoryStorage } from "./storage_memory.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ClientEvents, ClientOptions } from "./types.ts";

/** Most requests that wait for another try before no new one is bound. */
const MAX_HELD = 4;
/** Most characters of a text value: no word of a schema is longer. */
const MAX_TEXT = 64;
/** Seconds to which a time is floored before the schema is known. */
const GRANULARITY_SECONDS = 3_600;

/** The events of an app that does not type them. */
export type UntypedEvents = Record<string, Record<string, boolean | number | string>>;

/**
 * Sends an app's telemetry without saying whose it is. `Events` names the events and their values:
 * `EventsOf<typeof config, "demo">`. After its construction nothing of it ever throws into the app or rejects.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import type { EventsOf } from "@dit/service/config";
 * import type config from "./dit.config.ts";
 *
 * const client = new DitClient<EventsOf<typeof config, "demo">>({
 *   endpoint: "https://telemetry.example",
 *   app: "demo",
 *   session: () => fetchSessionJwt(),
 * });
 * client.log("token_fetch", { ok: true, platform: "linux", runtime: "2.9", latency_ms: 41.7 });
 * await client.flush();
 * ```
 */
export class DitClient<Events = UntypedEvents> {
  readonly #listeners = new Listeners();
  readonly #surroundings: Surroundings;
  readonly #directory: DirectoryCache;
  readonly #schema: SchemaCache;
  readonly #issuance: Issuance;
  readonly #queue: Queue;
  readonly #sender: Sender;
  #logged: EventRecord[] = [];
  #storing: Promise<void> | undefined;
  #passes: Promise<void> = Promise.resolve();
  #maxEvents = MAX_EVENTS;
  #state: "open" | "stopped" | "closed" = "open";

  /**
   * Makes a client; it sends nothing yet.
   * @throws {TypeError} If the endpoint or the application's id is none: the app's author sees it at the first run.
   */
  constructor(options: ClientOptions) {
    const report = this.#listeners.report;
    this.#surroundings = {
      url: `${checkEndpoint(options.endpoint)}/v1/apps/${checkApp(options.app)}`,
      app: options.app,
      session: options.session,
      suite: options.suite ?? nobleRistretto255,
      storage: options.storage ?? new MemoryStorage(),
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      clock: new Clock(options.now ?? Date.now),
      random: options.random ?? platformRandom,
      report,
      gzip: options.gzip ?? typeof CompressionStream === "function",
    };
    const { verifyKeys } = options;
    this.#directory = new DirectoryCache({
      ...this.#surroundings,
      url: `${this.#surroundings.url}/keys`,
      verifyKeys,
    });
    this.#schema = new SchemaCache(this.#surroundings);
    this.#issuance = new Issuance(this.#surroundings, this.#directory);
    this.#queue = new Queue(this.#surroundings);
    this.#sender = new Sender(this.#surroundings, this.#queue, {
      directory: () => this.#directory.get(true),
      schema: () => this.#schema.expire(),
    });
  }

  /** Listens to one kind of event; the function that comes back ends it. */
  on<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    return this.#listeners.add(name, listener);
  }

  /**
   * Logs an event and returns at once. A measurement of a `bucket` field is given as it is, and leaves the device only
   * as the number of its bucket.
   */
  log<N extends Extract<keyof Events, string>>(name: N, fields: Events[N]): void {
    const drop = (reason: string) => this.#listeners.report("dropped", { events: 1, reason });
    if (this.#state === "closed") return drop("closed");
    if (!hasPlainValues(fields)) return drop("field_invalid");
    const at = floorTo(this.#surroundings.clock.seconds(), GRANULARITY_SECONDS);
    const raw: EventRecord = { name, at, fields: { ...fields }, encoded: false };
    const collection = this.#schema.current;
    const event = collection === undefined ? raw : encodeEvent(collection, raw);
    if (typeof event === "string") return drop(event);
    this.#logged.push(event);
    void this.#store();
  }

  /** Sends what is queued now, without waiting for a backoff; resolves when it was tried, sent or not. */
  flush(): Promise<void> {
    return this.#pass(true);
  }

  /** Stores what was logged and ends: nothing is sent any more. What is queued stays in the storage. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await this.#store();
    await this.#passes;
    await this.#guard(() => this.#surroundings.storage.close());
  }

  /** Moves what was logged into the storage, one transaction at a time. */
  #store(): Promise<void> {
    this.#storing ??= this.#storeAll().finally(() => this.#storing = undefined);
    return this.#storing;
  }

  async #storeAll(): Promise<void> {
    // Events that are logged in one go share one transaction.
    await undefined;
    while (this.#logged.length > 0) {
      const events = this.#logged;
      this.#logged = [];
      const stored = await this.#guard(() => this.#queue.enqueue(events));
      if (!stored) this.#listeners.report("dropped", { events: events.length, reason: "storage_failed" });
    }
  }

  /** Runs one pass after those before it. */
  #pass(force: boolean): Promise<void> {
    this.#passes = this.#passes.then(async () => {
      await this.#store();
      if (this.#state === "open") await this.#guard(() => this.#sendAll(force));
    });
    return this.#passes;
  }

  /** Runs something that may fail in the storage or the app's own code; whether it did not. */
  async #guard(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch {
      this.#listeners.report("refused", { step: "storage", code: "storage_failed" });
      return false;
    }
  }

  async #sendAll(force: boolean): Promise<void> {
    const requests = await this.#queue.requests();
    if (requests.length === 0 && await this.#queue.size() === 0) return;
    const collection = await this.#schema.get();
    if (collection === undefined) return;
    let held = 0;
    for (const request of requests) {
      const outcome = await this.#deliver(
        await this.#sender.resend(request, collection, force),
        collection,
      );
      if (outcome === "stop") return;
      if (outcome === "later" && ++held >= MAX_HELD) return;
    }
    await this.#sendNew(collection, force);
  }

  /** Binds and sends events until none is left, no token is to be had, or the service does not take them. */
  async #sendNew(collection: Collection, force: boolean): Promise<void> {
    while (this.#state === "open") {
      const bound = await this.#queue.bind(collection, this.#maxEvents);
      if (bound === "empty") return;
      if (bound === "changed") continue;
      if (bound === "no_token") {
        const logs = Math.ceil(await this.#queue.size() / this.#maxEvents);
        if (!await this.#issuance.fetchTokens(logs, force)) return;
        continue;
      }
      const outcome = await this.#deliver(await this.#sender.send(bound, collection), collection);
      if (outcome === "stop" || outcome === "later") return;
    }
  }

  /** Goes on with a request that was bound anew until it is settled. */
  async #deliver(
    outcome: SendOutcome,
    collection: Collection,
  ): Promise<Exclude<SendOutcome, QueuedRequest>> {
    while (typeof outcome === "object") outcome = await this.#sender.send(outcome, collection);
    if (outcome === "split") this.#maxEvents = Math.max(1, Math.floor(this.#maxEvents / 2));
    if (outcome === "stop") {
      this.#state = "stopped";
      this.#listeners.report("stopped", { reason: "refused_by_service" });
    }
    return outcome;
  }
}

/** Makes a {@linkcode DitClient}. */
export function createClient<Events = UntypedEvents>(options: ClientOptions): DitClient<Events> {
  return new DitClient<Events>(options);
}

function checkEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  const local = url.hostname === "localhost" || url.hostname === "127.0.0.1" || url.hostname === "[::1]";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) {
    throw new TypeError("Cannot make client: the endpoint is not https (http only on this machine)");
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw new TypeError("Cannot make client: the endpoint has a query, a fragment or a password");
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function checkApp(app: string): string {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(app)) {
    throw new TypeError("Cannot make client: app is not the id of an application");
  }
  return app;
}

/** Whether all values are what a field can take: nothing that cannot be stored as it is. */
function hasPlainValues(fields: unknown): fields is Record<string, unknown> {
  return typeof fields === "object" && fields !== null &&
    Object.values(fields).every((value) =>
      value === undefined || typeof value === "boolean" || typeof value === "number" ||
      (typeof value === "string" && value.length <= MAX_TEXT)
    );
}
