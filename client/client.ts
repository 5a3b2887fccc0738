/**
 * The client: what an app holds in its hand.
 *
 * @module
 */
import { MOST_WAIT } from "./base/headers.ts";
import type { DropReason } from "./base/codes.ts";
import { inTime } from "./base/deadline.ts";
import { Listeners } from "./base/listeners.ts";
import { randomFraction } from "./base/random.ts";
import { Speaker } from "./base/speaker.ts";
import { OPT_OUT_SIGNALS, signalSet } from "./base/signals.ts";
import type { ClientEvents, ClientState, Report } from "./base/types.ts";
import { Consent } from "./consent.ts";
import { isDue, NO_RETRY, retryLater } from "./http/backoff.ts";
import { checkApp, type ClientOptions } from "./options.ts";
import { Page } from "./page.ts";
import { assemble, type Parts } from "./parts.ts";
import { inspect, type Inspection } from "./queue/inspection.ts";
import type { PassOutcome, Trigger } from "./queue/pass.ts";
import { plainFields } from "./queue/plain_fields.ts";
import { waitingIn } from "./queue/waiting.ts";
import { alone } from "./storage/alone.ts";
import { OptedOutError } from "./storage/commit.ts";
import { DEVICE, PENDING } from "./storage/records.ts";
import type { ClientStorage } from "./storage/storage.ts";
import { byThen, type Closed, type Flushed, type FlushOptions, Tally } from "./tally.ts";
import { dropTokens } from "./tokens/wallet.ts";

/**
 * What is not reported to the service: that most clients are not in a sample is no loss, how often a randomised value
 * changed nobody's business, what left under a pseudonym before no business of this one's, and what came before consent
 * none of the service's.
 */
const UNCOUNTED: readonly DropReason[] = ["sampled_out", "report_withheld", "period_over", "no_consent"];

/** Longest name of an event that is told back: no schema has a longer one. */
const MAX_NAME = 64;

/** Most milliseconds that a timer of a platform counts. */
const MAX_TIMER = 2 ** 31 - 1;

/** The events of an app that does not type them. */
export type UntypedEvents = Record<string, Record<string, boolean | number | string>>;

/** Milliseconds after an event was logged in which what waits is made ready for the end of the page. */
const READY_MILLISECONDS = 250;

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
  readonly #parts: Parts;
  readonly #consent: Consent;
  readonly #speaker: Speaker;
  readonly #page: Page;
  readonly #sendsAtPageEnd: boolean;
  /** Whether the app said nothing of a storage. */
  readonly #isUnsaid: boolean;
  #storing: Promise<void> | undefined;
  #work: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When that goes off, in Unix milliseconds. */
  #dueAt = 0;
  readonly #tallies = new Set<Tally>();
  #closing: Promise<Closed> | undefined;
  #readying: ReturnType<typeof setTimeout> | undefined;
  /** When there is another pass after those that failed, in milliseconds from the last. */
  #retry = NO_RETRY;
  /** Whether tokens were seen to since the timer last went off. */
  #isProvided = false;
  #isStopped = false;
  #isClosed = false;
  #isLooking = false;
  #told: ClientState;

  /**
   * Makes a client. It sends nothing before a random delay, and nothing at all while nothing is queued.
   * @throws {TypeError} If the endpoint or the application's id is invalid: the app's author sees it at the first run.
   */
  constructor(options: ClientOptions) {
    this.#speaker = new Speaker(options.debug);
    this.#consent = new Consent({
      app: checkApp(options.app),
      isRequired: options.consent === "required",
      signal: signalSet(options.optOutSignals ?? OPT_OUT_SIGNALS),
      onChange: this.#onConsent,
    });
    this.#told = this.state();
    this.#parts = assemble(options, {
      report: this.#report,
      consent: this.#consent,
      isOpen: () => this.state() === "open",
      isHidden: () => this.#page.isHidden(),
    });
    this.#isUnsaid = options.storage === undefined;
    this.#sendsAtPageEnd = options.sendAtPageEnd ?? true;
    this.#page = new Page({
      end: this.#onPageEnd,
      goOn: () => this.#makeReady(),
      look: () => this.#look(),
    });
    this.#schedule();
    this.#begin();
  }

  /**
   * What the client may do now; the event `"state"` tells when that changes. A user who opts out, or in, in another tab
   * does so here too: seen with the next thing that the client does, and when its page is looked at again.
   *
   * @example
   * ```ts ignore
   * const show = () => checkbox.checked = client.state() === "open";
   * client.on("state", show);
   * show();
   * ```
   */
  state(): ClientState {
    if (this.#isClosed) return "closed";
    const { choice } = this.#consent;
    if (choice !== "given") return choice;
    return this.#isStopped ? "stopped" : "open";
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
    const event = typeof name === "string" && name.length <= MAX_NAME ? name : undefined;
    try {
      if (!this.#take(name, fields, event)) return;
    } catch {
      // A platform that was patched: Date, JSON. The app goes on.
      return this.#report("dropped", { events: 1, reason: "field_invalid", event });
    }
    try {
      void this.#store();
      if (!this.#isProvided) void this.#pass("tokens");
      this.#isProvided = true;
      this.#schedule();
      this.#makeReady();
    } catch {
      // Timers or randomness that were patched: what was taken waits for the next event, or the next start.
    }
  }

  /** Whether an event is taken, and not refused at once. */
  #take(name: string, fields: unknown, event: string | undefined): boolean {
    const state = this.state();
    const drop = (reason: DropReason) => {
      this.#report("dropped", { events: 1, reason, event });
      return false;
    };
    if (state === "closed") return drop("closed");
    if (state === "waiting_for_consent") return drop("no_consent");
    if (state === "opted_out") {
      // Nothing of an event is kept meanwhile, but the user may have opted in again in another tab.
      if (!this.#isLooking) this.#look();
      return false;
    }
    const at = this.#parts.clock.now() / 1000;
    const plain = plainFields(name, fields);
    if (plain === undefined) return drop("field_invalid");
    const events = this.#parts.intake.add({ name, at, fields: plain, encoded: false });
    if (events > 0) this.#report("dropped", { events, reason: "queue_full" });
    return true;
  }

  /**
   * Sends what is queued now, without delay or backoff; resolves when it was tried, sent or not, or at the `timeout`, and
   * says what became of it. It never rejects.
   *
   * @example Before a short program ends
   * ```ts ignore
   * client.log("token_fetch", { ok: true, platform: "linux", runtime: "2.9", latency_ms: 41.7 });
   * const { sent, waiting, retryAt } = await client.flush({ timeout: 300 });
   * if (waiting > 0) console.log(`${sent} sent, ${waiting} wait`, retryAt && new Date(retryAt));
   * await client.close();
   * ```
   */
  async flush({ timeout }: FlushOptions = {}): Promise<Flushed> {
    const tally = this.#tally();
    const work = this.#pass("flush").then(() => this.#count(tally));
    // What hangs may be the pass before this one.
    if (timeout !== undefined) void this.#count(tally);
    await byThen(timeout, work);
    this.#tallies.delete(tally);
    const { sent, refused, waiting: { events, askedUntil } } = tally;
    const state = this.state();
    const isWorking = state === "open" || state === "stopped";
    const waiting = isWorking ? events + this.#parts.intake.size : 0;
    const retryAt = Math.max(this.#timer === undefined ? 0 : this.#dueAt, askedUntil);
    return { sent, waiting, refused, retryAt: waiting > 0 && retryAt > 0 ? retryAt : undefined };
  }

  /**
   * Opts the user out: deletes queue, tokens, pseudonym and device secret, ends what is on its way, and sends nothing
   * more, now or after a restart. All that stays in the storage is that the user opted out. `false` opts in again, or says
   * that the user agrees where `consent` is `"required"`; what the service stopped stays so for its time.
   *
   * An opt-out holds from the call on, consent once it is stored.
   *
   * @throws {Error} If the storage fails. An opt-out then holds for as long as this client's process lasts; it is stored
   * by the next use of the client, or in a browser by its next page, where that can be done. Tell the user.
   *
   * @example
   * ```ts ignore
   * checkbox.onchange = () => client.setOptOut(!checkbox.checked);
   * ```
   */
  async setOptOut(optOut: boolean): Promise<void> {
    const wasOptedOut = this.#consent.choice === "opted_out";
    // What was logged before the user agreed is none of the service's business.
    if (optOut || this.#consent.choice !== "given") this.#clear();
    await this.#erase((storage) => this.#consent.choose(storage, optOut), "what the user chose");
    if (optOut && wasOptedOut) this.#report("stopped", { reason: "opted_out" });
  }

  /**
   * Deletes all that the client holds on the device: queue, tokens, pseudonym, the secret behind it, what it remembers of
   * keys. What the user chose stays: a client that is open goes on as a new one. What was sent cannot be called back.
   *
   * @throws {Error} If the storage fails.
   *
   * @example
   * ```ts ignore
   * signOut.onclick = () => client.forget();
   * ```
   */
  async forget(): Promise<void> {
    this.#clear();
    await this.#erase((storage) => this.#consent.forget(storage), "that nothing is left");
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
    return this.#enter(async () => {
      await this.#parts.pageEnd.withdraw();
      await this.#parts.commit((entries) => {
        entries.delete(DEVICE);
        entries.delete(PENDING);
        dropTokens(entries, () => true);
      });
      this.#makeReady();
    });
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
   * Stores what was logged and ends: nothing is sent any more. What is queued stays in the storage, and how many events
   * no storage keeps is what it resolves to: those that wait in memory, or that a storage did not take.
   *
   * @example
   * ```ts ignore
   * await client.flush();
   * const { dropped } = await client.close();
   * if (dropped > 0) console.warn(`${dropped} events are lost`);
   * ```
   */
  close(): Promise<Closed> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<Closed> {
    this.#isClosed = true;
    this.#tellState();
    clearTimeout(this.#timer);
    clearTimeout(this.#readying);
    this.#page.close();
    const tally = this.#tally();
    const { storage } = this.#parts;
    await this.#store();
    await this.#work;
    const isMemory = storage.isLasting === false;
    if (isMemory) await this.#count(tally);
    await this.#guard(() => inTime(undefined, () => storage.close()));
    this.#listeners.catchUp();
    this.#tallies.delete(tally);
    return { dropped: tally.refused + (isMemory ? tally.waiting.events : 0) };
  }

  #tally(): Tally {
    const tally = new Tally();
    this.#tallies.add(tally);
    return tally;
  }

  /** Has somebody know what waits, unless the storage fails, or is let go of. */
  async #count(tally: Tally): Promise<void> {
    const { clock, commit } = this.#parts;
    try {
      await this.#store();
      // One that was let go of is not opened again.
      if (this.#isClosed && this.#parts.storage.isLasting !== false) return;
      tally.see(await commit((entries) => waitingIn(entries, clock)));
    } catch {
      // What was known before stays so.
    }
  }

  readonly #report: Report = (name, event) => {
    if (name === "dropped") {
      const { events, reason } = event as ClientEvents["dropped"];
      if (!UNCOUNTED.includes(reason)) {
        this.#parts.passes.countDrops(reason, events);
      }
    }
    for (const tally of this.#tallies) tally.hear(name, event);
    this.#speaker.hear(name, event);
    this.#listeners.report(name, event);
  };

  /** The user chose something else, here or in another tab. */
  readonly #onConsent = (): void => {
    this.#tellState();
    if (this.#consent.choice === "opted_out") {
      this.#clear();
      this.#report("stopped", { reason: "opted_out" });
    } else {
      this.#begin();
      this.#schedule();
    }
  };

  #tellState(): void {
    const state = this.state();
    if (state === this.#told) return;
    this.#told = state;
    this.#report("state", { state });
  }

  /** Forgets what is not in the storage. */
  #clear(): void {
    this.#parts.intake.clear();
    this.#parts.passes.forgetDrops();
  }

  async #erase(work: (storage: ClientStorage) => Promise<void>, what: string): Promise<void> {
    const { storage } = this.#parts;
    try {
      await work(storage);
    } catch {
      this.#report("refused", { step: "storage", code: "storage_failed" });
      throw new Error(`Cannot store ${what}: the storage failed`);
    } finally {
      // One that was closed is let go of again.
      if (this.#isClosed) await this.#guard(() => storage.close());
    }
  }

  /** Opens the storage early, so that a database is there when the page ends, and takes up what others have left. */
  #begin(): void {
    void this.#enter(async () => {
      if (await this.#consent.retry(this.#parts.storage) || this.#consent.isBarred) return;
      await this.#parts.intake.adopt();
      if (this.#isUnsaid && this.#parts.storage.isLasting === false) this.#speaker.warnOfMemory();
      this.#makeReady();
    });
  }

  /** Looks whether the user has chosen something else in another tab. */
  #look(): void {
    this.#isLooking = true;
    void this.#enter(async () => {
      if (!await this.#consent.retry(this.#parts.storage)) await this.#parts.commit(() => {});
    }).finally(() => this.#isLooking = false);
  }

  /** Sends what is ready in this very task; a page that is only hidden has time for the rest. */
  readonly #onPageEnd = (isLeft: boolean): void => {
    if (this.state() !== "open" || !this.#sendsAtPageEnd) return;
    const sending = this.#parts.pageEnd.send();
    // Who signs in right after a log was sent could be paired with it.
    if (sending !== undefined) this.#isProvided = true;
    void this.#enter(async () => {
      const outcomes = await sending ?? [];
      const kind = (["stop", "later"] as const).find((outcome) => outcomes.includes(outcome));
      if (kind !== undefined) this.#finish("hidden", kind);
    });
    if (!isLeft) void this.#pass("hidden");
  };

  /** Makes what waits ready for the end of the page, soon. */
  #makeReady(): void {
    if (!this.#page.isThere || !this.#sendsAtPageEnd || this.state() !== "open") return;
    this.#readying ??= setTimeout(() => {
      this.#readying = undefined;
      void this.#enter(async () => {
        await this.#store();
        if (this.state() === "open") await this.#parts.pageEnd.prepare();
      });
    }, READY_MILLISECONDS);
  }

  /** Has the client send after a random delay, and not before `wait` milliseconds: also again after it has stopped. */
  #schedule(wait = 0): void {
    if (this.#timer !== undefined || this.state() !== "open") return;
    const delay = Math.min(
      wait + randomFraction(this.#parts.random) * this.#parts.delayMilliseconds,
      MAX_TIMER,
    );
    this.#dueAt = Math.ceil(this.#parts.clock.now() + delay);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isProvided = false;
      this.#resume();
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
      if (events > 0 && this.#consent.choice === "given") {
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
      if (!(error instanceof OptedOutError)) {
        this.#report("refused", { step: "storage", code: "storage_failed" });
      }
      return false;
    }
  }

  #pass(trigger: Trigger): Promise<void> {
    const { clock, passes, storage } = this.#parts;
    return this.#enter(async () => {
      await this.#consent.retry(this.#parts.storage);
      await this.#store();
      // A timer does not count the hours in which a device sleeps.
      if (isDue(this.#retry, clock.now(), false)) this.#resume();
      if (this.state() !== "open") return;
      // What a storage that fails leaves is tried again.
      let outcome: PassOutcome = "later";
      const work = async () => {
        outcome = await passes.run(trigger);
      };
      // One tab at a time, where the storage can see to it.
      await this.#guard(() => alone(storage, work));
      this.#finish(trigger, outcome);
    });
  }

  /** Goes on after the service has stopped it. */
  #resume(): void {
    this.#isStopped = false;
    this.#tellState();
  }

  /** Sees to it that what is left is sent: after a random delay, or later when something failed. */
  #finish(trigger: Trigger, outcome: PassOutcome): void {
    if (outcome === "stop") {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      // Whatever said so may have been wrong, and not the service: in an hour it is asked again.
      const failedAt = this.#parts.clock.now();
      this.#retry = { ...NO_RETRY, failedAt, retryAt: failedAt + MOST_WAIT };
      this.#schedule(Math.max(MOST_WAIT - this.#parts.delayMilliseconds, 0));
      this.#isStopped = true;
      this.#tellState();
      return this.#report("stopped", { reason: "refused_by_service" });
    }
    // That tokens are there, or are not, says nothing of what failed before: a timer runs already.
    if (trigger === "tokens") return;
    if (outcome === "later") this.#retry = retryLater(this.#retry, 0, this.#parts.random);
    else if (outcome === "done") this.#retry = NO_RETRY;
    if (outcome === "done") return;
    this.#schedule(outcome === "later" ? this.#retry.retryAt : 0);
    this.#makeReady();
  }
}
