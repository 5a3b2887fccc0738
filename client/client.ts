/**
 * The client: what an app holds in its hand.
 *
 * @module
 */
import { clientRistretto255 } from "../core/voprf/noble_client.ts";
import { NO_RETRY, retryLater } from "./http/backoff.ts";
import { Connections } from "./http/connections.ts";
import { Clock } from "./base/clock.ts";
import { type Collection, parseSchema } from "./base/collection.ts";
import { commit, type Context, OptedOutError } from "./base/context.ts";
import { CachedDocument } from "./http/document.ts";
import { inspect, type Inspection } from "./queue/inspection.ts";
import { directoryOf } from "./http/key_check.ts";
import { Listeners } from "./base/listeners.ts";
import { checkApp, checkEndpoint, plainFields } from "./options.ts";
import { type Occasion, Passes, type PassOutcome } from "./queue/pass.ts";
import { enqueue } from "./queue/queue.ts";
import { platformRandom, randomFraction } from "./base/random.ts";
import { DEVICE, type EventRecord, OPTED_OUT, SCHEMA } from "./storage/records.ts";
import { MemoryStorage } from "./storage/memory.ts";
import type { ClientEvents, ClientOptions } from "./base/types.ts";
import { dropTokens } from "./tokens/wallet.ts";

/** The events of an app that does not type them. */
export type UntypedEvents = Record<string, Record<string, boolean | number | string>>;

/** The part of `document` that a page's client uses. */
interface Page extends EventTarget {
  readonly visibilityState: string;
}

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
  readonly #connections = new Connections();
  readonly #listeners = new Listeners();
  readonly #context: Context;
  readonly #schema: CachedDocument<Collection>;
  readonly #passes: Passes;
  readonly #delayMilliseconds: number;
  readonly #page: Page | undefined = (globalThis as { document?: Page }).document;
  #abort = new AbortController();
  #logged: EventRecord[] = [];
  #storing: Promise<void> | undefined;
  #work: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When there is another pass after those that failed, in milliseconds from the last. */
  #retry = NO_RETRY;
  /** Whether tokens were seen to since the timer last went off. */
  #isProvided = false;
  #state: "open" | "opted_out" | "stopped" | "closed" = "open";

  /**
   * Makes a client. It sends nothing before a random delay, and nothing at all while nothing is queued.
   * @throws {TypeError} If the endpoint or the application's id is none: the app's author sees it at the first run.
   */
  constructor(options: ClientOptions) {
    const { app, now = Date.now, delaySeconds = 60 } = options;
    const signal = () => this.#abort.signal;
    const context: Context = {
      url: `${checkEndpoint(options.endpoint)}/v1/apps/${checkApp(app)}`,
      app,
      session: options.session,
      suite: options.suite ?? clientRistretto255,
      storage: options.storage ?? new MemoryStorage(),
      fetch: options.fetch ?? this.#connections.fetch,
      clock: new Clock(now),
      random: options.random ?? platformRandom,
      report: this.#listeners.report,
      localDp: options.localDp,
      gzip: options.gzip ?? typeof CompressionStream === "function",
      isHidden: () => this.#page?.visibilityState === "hidden",
      get signal() {
        return signal();
      },
    };
    this.#context = context;
    this.#delayMilliseconds = delaySeconds * 1000;
    this.#schema = new CachedDocument(context, {
      step: "schema",
      key: SCHEMA,
      path: "/schema",
      parse: (text) => parseSchema(text, app),
      check: () => Promise.resolve(() => undefined),
    });
    const directory = directoryOf(context, options);
    this.#passes = new Passes(context, directory, this.#schema, () => this.#state === "open");
    this.on("dropped", ({ events, reason }) => {
      // That most clients are not in a sample is no loss.
      if (reason !== "sampled_out") this.#passes.countDrops(reason, events);
    });
    this.#page?.addEventListener("visibilitychange", this.#onVisibility);
    this.#schedule();
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
    if (this.#state === "opted_out") return;
    const at = this.#context.clock.now() / 1000;
    const isClosed = this.#state === "closed";
    const plain = isClosed ? undefined : plainFields(name, fields);
    if (plain === undefined) {
      return this.#listeners.report("dropped", { events: 1, reason: isClosed ? "closed" : "field_invalid" });
    }
    this.#logged.push({ name, at, fields: plain, encoded: false });
    void this.#store();
    if (!this.#isProvided) void this.#pass("tokens");
    this.#isProvided = true;
    this.#schedule();
  }

  /** Sends what is queued now, without delay or backoff; resolves when it was tried, sent or not. */
  flush(): Promise<void> {
    return this.#pass("flush");
  }

  /**
   * Opts the user out: deletes queue, tokens, pseudonym and device secret, ends what is on its way, and sends nothing
   * more, now or after a restart. All that stays in the storage is that the user opted out. `false` opts in again.
   */
  async setOptOut(optOut: boolean): Promise<void> {
    if (this.#state === "closed") return;
    this.#logged = [];
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#state = optOut ? "opted_out" : "open";
    await this.#guard(() =>
      this.#context.storage.transaction((entries) => {
        if (optOut) {
          for (const key of entries.keys("")) entries.delete(key);
          entries.set(OPTED_OUT, "1");
        } else entries.delete(OPTED_OUT);
      })
    );
    if (optOut) this.#listeners.report("stopped", { reason: "opted_out" });
  }

  /** Ends the pseudonym: a new one is used from now on, with other tokens. What is bound already is sent as it is. */
  resetPseudonym(): Promise<void> {
    return this.#enter(() =>
      commit(this.#context, (entries) => {
        entries.delete(DEVICE);
        dropTokens(entries, ({ pseudonym }) => pseudonym !== undefined);
      })
    );
  }

  /** What is queued and exactly what would be sent, to show to the user; undefined when the user opted out. */
  async inspect(): Promise<Inspection | undefined> {
    let inspection: Inspection | undefined;
    await this.#store();
    await this.#guard(async () =>
      void (inspection = await inspect(this.#context, await this.#schema.load()))
    );
    return inspection;
  }

  /** Stores what was logged and ends: nothing is sent any more. What is queued stays in the storage. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#page?.removeEventListener("visibilitychange", this.#onVisibility);
    await this.#store();
    await this.#work;
    this.#connections.close();
    await this.#guard(() => this.#context.storage.close());
  }

  readonly #onVisibility = (): void => {
    if (this.#context.isHidden()) void this.#pass("hidden");
  };

  /** Has the client send after a random delay, and not before `wait` milliseconds. */
  #schedule(wait = 0): void {
    if (this.#timer !== undefined || this.#state !== "open") return;
    const delay = wait + randomFraction(this.#context.random) * this.#delayMilliseconds;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isProvided = false;
      void this.#pass("delay");
    }, delay);
    // Where a timer would keep the process alive, it does not.
    (this.#timer as { unref?: () => void }).unref?.();
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
      const isStored = await this.#guard(() => enqueue(this.#context, this.#schema.current, events));
      if (!isStored && this.#state !== "opted_out") {
        this.#listeners.report("dropped", { events: events.length, reason: "storage_failed" });
      }
    }
  }

  /** Does one thing after the other. */
  #enter(work: () => Promise<unknown>): Promise<void> {
    return this.#work = this.#work.then(async () => void await this.#guard(work));
  }

  /** Runs something that may fail in the storage or the app's own code; whether it did not. */
  async #guard(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof OptedOutError) this.#state = "opted_out";
      else this.#listeners.report("refused", { step: "storage", code: "storage_failed" });
      return false;
    }
  }

  #pass(occasion: Occasion): Promise<void> {
    const { storage } = this.#context;
    return this.#enter(async () => {
      await this.#store();
      if (this.#state !== "open") return;
      // What a storage that fails leaves is tried again.
      let outcome: PassOutcome = "later";
      const work = async () => void (outcome = await this.#passes.run(occasion));
      // One tab at a time, where the storage can see to it.
      await this.#guard(() => storage.exclusively?.(work) ?? work());
      this.#finish(outcome);
    });
  }

  /** Sees to it that what is left is sent: after a random delay, or later when something failed. */
  #finish(outcome: PassOutcome): void {
    if (outcome === "stop") {
      this.#state = "stopped";
      return this.#listeners.report("stopped", { reason: "refused_by_service" });
    }
    const retry = retryLater(this.#retry, 0, this.#context.random);
    this.#retry = outcome === "later" ? retry : NO_RETRY;
    if (outcome !== "done") this.#schedule(this.#retry.retryAt);
  }
}

/** Makes a {@linkcode DitClient}. */
export function createClient<Events = UntypedEvents>(options: ClientOptions): DitClient<Events> {
  return new DitClient<Events>(options);
}
