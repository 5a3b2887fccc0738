/**
 * The client: what an app holds in its hand.
 *
 * @module
 */
import { MOST_WAIT } from "./base/headers.ts";
import { Listeners } from "./base/listeners.ts";
import { randomFraction } from "./base/random.ts";
import type { ClientEvents, Report } from "./base/types.ts";
import { isDue, NO_RETRY, retryLater } from "./http/backoff.ts";
import { checkDelay, type ClientOptions } from "./options.ts";
import { assemble, type Parts } from "./parts.ts";
import { inspect, type Inspection } from "./queue/inspection.ts";
import type { PassOutcome, Trigger } from "./queue/pass.ts";
import { plainFields } from "./queue/plain_fields.ts";
import { silence } from "./queue/reports.ts";
import { OptedOutError } from "./storage/commit.ts";
import { DEVICE, OPTED_OUT, PENDING } from "./storage/records.ts";
import type { Entries } from "./storage/storage.ts";
import { dropTokens } from "./tokens/wallet.ts";

/** Most milliseconds that a timer of a platform counts. */
const MAX_TIMER = 2 ** 31 - 1;

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
  readonly #listeners = new Listeners();
  readonly #page: Page | undefined = (globalThis as { document?: Page }).document;
  readonly #parts: Parts;
  readonly #delayMilliseconds: number;
  #abort = new AbortController();
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
   * @throws {TypeError} If the endpoint or the application's id is invalid: the app's author sees it at the first run.
   */
  constructor(options: ClientOptions) {
    this.#parts = assemble(options, {
      report: this.#report,
      signal: () => this.#abort.signal,
      isOpen: () => this.#state === "open",
      isHidden: this.#isHidden,
    });
    this.#delayMilliseconds = checkDelay(options.delaySeconds);
    this.#page?.addEventListener("visibilitychange", this.#onVisibility);
    // Opened early, the database is there when the page ends.
    if (this.#parts.storage.journal !== undefined) void this.#enter(() => this.#parts.intake.adopt());
    this.#schedule();
  }

  /**
   * Listens to one kind of event; the function that comes back ends it. What a listener throws is ignored.
   *
   * @example
   * ```ts ignore
   * const end = client.on("dropped", ({ events, reason }) => console.warn(`${events} dropped: ${reason}`));
   * end();
   * ```
   */
  on<N extends keyof ClientEvents>(name: N, listener: (event: ClientEvents[N]) => void): () => void {
    return this.#listeners.add(name, listener);
  }

  /**
   * Logs an event and returns at once. A measurement of a `bucket` field is given as it is, and leaves the device only
   * as the number of its bucket. An event that the schema does not declare so is dropped, which `"dropped"` tells.
   *
   * @example
   * ```ts ignore
   * client.log("token_fetch", { ok: true, platform: "linux", runtime: "2.9", latency_ms: 41.7 });
   * ```
   */
  log<N extends Extract<keyof Events, string>>(name: N, fields: Events[N]): void {
    if (this.#state === "opted_out") return;
    if (this.#state === "closed") return this.#report("dropped", { events: 1, reason: "closed" });
    const at = this.#parts.clock.now() / 1000;
    const plain = plainFields(name, fields);
    if (plain === undefined) {
      return this.#report("dropped", { events: 1, reason: "field_invalid" });
    }
    const events = this.#parts.intake.add({ name, at, fields: plain, encoded: false });
    if (events > 0) this.#report("dropped", { events, reason: "queue_full" });
    void this.#store();
    if (!this.#isProvided) void this.#pass("tokens");
    this.#isProvided = true;
    this.#schedule();
  }

  /**
   * Sends what is queued now, without delay or backoff; resolves when it was tried, sent or not.
   *
   * @example Before a short program ends
   * ```ts ignore
   * client.log("token_fetch", { ok: true, platform: "linux", runtime: "2.9", latency_ms: 41.7 });
   * await client.flush();
   * await client.close();
   * ```
   */
  flush(): Promise<void> {
    return this.#pass("flush");
  }

  /**
   * Opts the user out: deletes queue, tokens, pseudonym and device secret, ends what is on its way, and sends nothing
   * more, now or after a restart. All that stays in the storage is that the user opted out. `false` opts in again.
   *
   * @example
   * ```ts ignore
   * checkbox.onchange = () => client.setOptOut(!checkbox.checked);
   * ```
   */
  async setOptOut(optOut: boolean): Promise<void> {
    if (this.#state === "closed") return;
    this.#parts.intake.clear();
    this.#parts.passes.forgetDrops();
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#state = optOut ? "opted_out" : "open";
    await this.#guard(() =>
      this.#parts.storage.transaction((entries) => {
        if (!optOut) return optIn(entries);
        for (const key of entries.keys("")) entries.delete(key);
        entries.set(OPTED_OUT, "1");
      })
    );
    if (optOut) this.#report("stopped", { reason: "opted_out" });
  }

  /**
   * Ends the pseudonym: a new one is used from now on, with other tokens. What is bound already is sent as it is. The
   * tokens at hand go with it; where the quota is used up, what is logged waits for the next key, which `"refused"` with
   * `quota_exhausted` tells. A field under local differential privacy that was reported about says nothing more until the
   * next period: a second report about its value would be independent of the first.
   *
   * @example
   * ```ts ignore
   * button.onclick = () => client.resetPseudonym();
   * ```
   */
  resetPseudonym(): Promise<void> {
    return this.#enter(() =>
      this.#parts.commit((entries) => {
        entries.delete(DEVICE);
        entries.delete(PENDING);
        dropTokens(entries, () => true);
      })
    );
  }

  /**
   * What is queued and exactly what would be sent, to show to the user; undefined when the user opted out.
   *
   * @example
   * ```ts ignore
   * const held = await client.inspect();
   * view.textContent = held === undefined ? "opted out" : JSON.stringify(held.waiting, undefined, 2);
   * ```
   */
  async inspect(): Promise<Inspection | undefined> {
    let inspection: Inspection | undefined;
    await this.#store();
    await this.#guard(async () => {
      inspection = await inspect(this.#parts, await this.#parts.schema.load());
    });
    return inspection;
  }

  /**
   * Stores what was logged and ends: nothing is sent any more. What is queued stays in the storage.
   *
   * @example
   * ```ts ignore
   * await client.flush();
   * await client.close();
   * ```
   */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#page?.removeEventListener("visibilitychange", this.#onVisibility);
    await this.#store();
    await this.#work;
    await this.#guard(() => this.#parts.storage.close());
    this.#listeners.catchUp();
  }

  readonly #report: Report = (name, event) => {
    if (name === "dropped") {
      const { events, reason } = event as ClientEvents["dropped"];
      // That most clients are not in a sample is no loss, how often a randomised value changed nobody's business, and
      // what left under a pseudonym before no business of this one's.
      if (reason !== "sampled_out" && reason !== "report_withheld" && reason !== "period_over") {
        this.#parts.passes.countDrops(reason, events);
      }
    }
    this.#listeners.report(name, event);
  };

  readonly #isHidden = (): boolean => this.#page?.visibilityState === "hidden";

  readonly #onVisibility = (): void => {
    if (this.#isHidden()) void this.#pass("hidden");
  };

  /** Has the client send after a random delay, and not before `wait` milliseconds: also again after it has stopped. */
  #schedule(wait = 0): void {
    if (this.#timer !== undefined || this.#state !== "open") return;
    const delay = Math.min(wait + randomFraction(this.#parts.random) * this.#delayMilliseconds, MAX_TIMER);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isProvided = false;
      if (this.#state === "stopped") this.#state = "open";
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
    const { intake } = this.#parts;
    // Events that are logged in one go share one transaction.
    await undefined;
    while (intake.size > 0) {
      if (await this.#guard(() => intake.store())) continue;
      const events = intake.giveUp();
      if (events > 0 && this.#state !== "opted_out") {
        this.#report("dropped", { events, reason: "storage_failed" });
      }
      return;
    }
  }

  /** Does one thing after the other. */
  #enter(work: () => Promise<unknown>): Promise<void> {
    this.#work = this.#work.then(async () => {
      await this.#guard(work);
    });
    return this.#work;
  }

  /** Runs something that may fail in the storage or the app's own code; whether it did not. */
  async #guard(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof OptedOutError) {
        this.#state = "opted_out";
        this.#parts.intake.clear();
      } else {
        this.#report("refused", { step: "storage", code: "storage_failed" });
      }
      return false;
    }
  }

  #pass(trigger: Trigger): Promise<void> {
    const { clock, passes, storage } = this.#parts;
    return this.#enter(async () => {
      await this.#store();
      // A timer does not count the hours in which a device sleeps.
      if (this.#state === "stopped" && isDue(this.#retry, clock.now(), false)) this.#state = "open";
      if (this.#state !== "open") return;
      // What a storage that fails leaves is tried again.
      let outcome: PassOutcome = "later";
      const work = async () => {
        outcome = await passes.run(trigger);
      };
      // One tab at a time, where the storage can see to it.
      await this.#guard(() => storage.exclusively?.(work) ?? work());
      this.#finish(outcome);
    });
  }

  /** Sees to it that what is left is sent: after a random delay, or later when something failed. */
  #finish(outcome: PassOutcome): void {
    if (outcome === "stop") {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      // Whatever said so may have been wrong, and not the service: in an hour it is asked again.
      const failedAt = this.#parts.clock.now();
      this.#retry = { ...NO_RETRY, failedAt, retryAt: failedAt + MOST_WAIT };
      this.#schedule(Math.max(MOST_WAIT - this.#delayMilliseconds, 0));
      this.#state = "stopped";
      return this.#report("stopped", { reason: "refused_by_service" });
    }
    this.#retry = outcome === "later" ? retryLater(this.#retry, 0, this.#parts.random) : NO_RETRY;
    if (outcome !== "done") this.#schedule(this.#retry.retryAt);
  }
}

/** What was reported is forgotten with all else, so a field that is randomised says nothing until the next period. */
function optIn(entries: Entries): void {
  if (entries.get(OPTED_OUT) === undefined) return;
  entries.delete(OPTED_OUT);
  silence(entries);
}
