/**
 * The risk monitor: sketches what was accepted, merges the sketches of all processes through the store, judges them,
 * and stops what singles people out. One instance a process; a crash loses what it observed since its last merge.
 *
 * An application without a pseudonym is not measured: nobody could tell ten people with one value from one person who
 * sent it ten times. The worst case of its schema is all that stands there, and thresholds are refused (core/config).
 *
 * @module
 */
import { takeBase64url } from "../../base/byte_slab.ts";
import type { Application, Deployment } from "../../config/types.ts";
import { MONITOR_SECRET, openSealedSecret } from "../../keys/sealed_secret.ts";
import type { Sealer } from "../../keys/sealing.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import { PSEUDONYM_LENGTH, pseudonymPeriod } from "../../schema/pseudonym.ts";
import { NO_SUPPRESSIONS, type Suppressions } from "../../schema/event.ts";
import type { ValidEvent } from "../../schema/validate.ts";
import type { RandomSource } from "../../base/random.ts";
import { type AlertRow, sweepAlerts } from "./alerts.ts";
import { ComparisonDomain } from "../dp/comparison_domain.ts";
import type { KhllParameters, KHyperLogLog } from "../sketch/khll.ts";
import { decide, type JudgedEvent } from "./decisions.ts";
import { type Layout, layoutOf, measuredEvents, sketchParameters } from "./dimensions.ts";
import type { TotalName } from "./families.ts";
import { enterRiskDay, enterTotalDay } from "./history.ts";
import { stoppedWithin } from "./gaps.ts";
import { lift, type Lifting } from "./lift.ts";
import type { DecisionContext } from "./raise_alert.ts";
import { EventSketches, PEOPLE } from "./sketches.ts";
import { ALL_EVENTS, readRisks, riskName, type Risks, withheldEvents } from "./suppressions.ts";
import { decideTotals, type JudgedTotals } from "./total_decision.ts";
import { judgeTotals } from "./total_judgement.ts";
import { loadTotals, mergeTotals, PendingTotals } from "./total_store.ts";
import { LogDigests, totalLayoutId } from "./totals.ts";
import { toId } from "../sketch/digest_sample.ts";
import { loadSketch, mergeSketch, SketchContention, sweepSketches } from "./sketch_store.ts";

/** What the monitor works with. */
export interface RiskMonitorOptions {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** The store that all processes share. */
  readonly store: Store;
  /** Seals the secret of the hash keys. */
  readonly sealer: Sealer;
  /** Makes that secret. */
  readonly random: RandomSource;
  /** Unix seconds that a leap of the clock does not move (core/clock): no period ends before; the caller's by default. */
  readonly confirmedSeconds?: (() => number) | undefined;
}

/** What one merge did. */
export interface MergeReport {
  /** Rows of sketches that were written. */
  readonly rows: number;
  /** Alerts that this process raised. */
  readonly alerts: readonly AlertRow[];
}

/** Sketches of layouts and periods that are over and wait for their last merge. */
const MAX_CLOSING = 64;

/** Totals of before that wait likewise. */
const MAX_CLOSING_TOTALS = 8;

interface Watched {
  readonly app: Application;
  readonly pseudonymSeconds: number;
  risks: Risks;
  layouts: ReadonlyMap<string, Layout | undefined>;
  withheld: ReadonlySet<string>;
  period: number;
  events: Map<string, EventSketches>;
  totalLayout: string;
  totals: PendingTotals | undefined;
}

interface Closing {
  readonly app: string;
  readonly period: number;
  readonly event: string;
  readonly sketches: EventSketches;
}

/** Measures what was accepted and keeps the stops that follow from it. */
export class RiskMonitor {
  /** K and M of this deployment's sketches. */
  readonly parameters: KhllParameters;
  readonly #options: RiskMonitorOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #closing: Closing[] = [];
  readonly #closingTotals: PendingTotals[] = [];
  #domain: ComparisonDomain | undefined;
  #digests: LogDigests | undefined;
  #merging: Promise<MergeReport> | undefined;

  /** Reads nothing yet: {@linkcode RiskMonitor.open} does. */
  constructor(options: RiskMonitorOptions) {
    this.#options = options;
    const applications = [...options.deployment.applications.values()];
    const parameters = sketchParameters(measuredEvents(options.deployment));
    if (parameters === undefined) throw new RangeError("Cannot measure: the sketches take too much memory");
    this.parameters = parameters;
    const none: Risks = { suppressions: NO_SUPPRESSIONS, rows: new Map() };
    this.#watched = new Map(applications.flatMap((app) => {
      const { pseudonymSeconds } = app;
      if (pseudonymSeconds === undefined) return [];
      return [[app.id, {
        app,
        pseudonymSeconds,
        ...this.#derive(app, none),
        period: 0,
        events: new Map(),
        totals: undefined,
      }]];
    }));
  }

  /**
   * Opens the secret and reads what is stopped. Before it nothing is observed, so a service opens its monitor first.
   * @throws {SealError} If the secret is sealed under a key that is not configured.
   */
  async open(): Promise<void> {
    const { store, sealer, random, deployment } = this.#options;
    this.#domain = new ComparisonDomain(await openSealedSecret(store, sealer, random, MONITOR_SECRET), [
      deployment.issuer,
    ]);
    this.#digests = new LogDigests(this.#domain);
    await this.refresh();
  }

  /** Reads again what is stopped. */
  async refresh(): Promise<void> {
    for (const watched of this.#watched.values()) {
      Object.assign(watched, this.#derive(watched.app, await readRisks(this.#options.store, watched.app)));
    }
  }

  /** What of an application is stopped. */
  suppressionsOf(app: string): Suppressions {
    return this.#watched.get(app)?.risks.suppressions ?? NO_SUPPRESSIONS;
  }

  /** The events of an application that export and release leave out. */
  withheldOf(app: string): ReadonlySet<string> {
    return this.#watched.get(app)?.withheld ?? new Set();
  }

  /**
   * What no release of some days may be made of: the events by name that are withheld, and those, and fields as
   * `event.field`, that were stopped at some moment of these days.
   */
  async withheldWithin(
    app: string,
    { fromDay, toDay }: { fromDay: number; toDay: number },
  ): Promise<ReadonlySet<string>> {
    const watched = this.#watched.get(app);
    if (watched === undefined) return new Set();
    const timespan = { fromSeconds: fromDay * 86_400, untilSeconds: (toDay + 1) * 86_400 };
    return watched.withheld.union(await stoppedWithin(this.#options.store, watched.app, timespan));
  }

  /** Measures the events of a log that was accepted, and not replayed. `pseudonym` is base64url of 16 bytes. */
  observe(
    app: string,
    pseudonym: string | undefined,
    events: readonly ValidEvent[],
    nowSeconds: number,
  ): void {
    const watched = this.#watched.get(app);
    const domain = this.#domain, digests = this.#digests;
    if (watched === undefined || pseudonym === undefined) return;
    if (domain === undefined || digests === undefined) return;
    const confirmed = this.#options.confirmedSeconds?.() ?? nowSeconds;
    const period = pseudonymPeriod(Math.min(nowSeconds, confirmed), watched.pseudonymSeconds);
    if (period !== watched.period) this.#turn(watched, period);
    const person = domain.hashPseudonym(takeBase64url(pseudonym, PSEUDONYM_LENGTH));
    const id = toId(person);
    const totals = this.#totalsOf(watched);
    const isSampled = totals.samples(id);
    const said: number[] = [];
    for (const event of events) {
      const fields = this.#sketchesOf(watched, event.name, domain)?.add(event, person);
      if (isSampled) said.push(digests.digestEvent(event.name, event.at, fields ?? []));
    }
    if (isSampled && said.length > 0) totals.add(id, digests.digestLog(said));
  }

  /**
   * Merges what was observed with what other processes stored, judges what changed, and enforces what follows. Two calls
   * at once are one.
   */
  merge(nowSeconds: number): Promise<MergeReport> {
    this.#merging ??= this.#mergeAll(nowSeconds).finally(() => this.#merging = undefined);
    return this.#merging;
  }

  /** What the sketches of an application's running period say, from the store. */
  async measure(app: string, nowSeconds: number): Promise<JudgedEvent[]> {
    const watched = this.#watched.get(app);
    if (watched === undefined) return [];
    const period = pseudonymPeriod(nowSeconds, watched.pseudonymSeconds);
    const measured: JudgedEvent[] = [];
    for (const [event, layout] of watched.layouts) {
      if (layout === undefined) continue;
      const name = { app, period, event, layout: layout.id };
      const people = await loadSketch(this.#options.store, { ...name, dimension: "" }, PEOPLE);
      const sketches: KHyperLogLog[] = [];
      for (const { name: dimension } of layout.dimensions) {
        sketches.push(await loadSketch(this.#options.store, { ...name, dimension }, this.parameters));
      }
      const pseudonyms = people.size === 0 ? 0 : Math.round(people.pseudonymsAt(0).cardinality());
      measured.push({ app: watched.app, event, layout, sketches, pseudonyms });
    }
    return measured;
  }

  /** What an application's pseudonyms say in total in the running period, from the store; undefined: nothing is measured. */
  async measureTotals(app: string, nowSeconds: number): Promise<JudgedTotals | undefined> {
    const watched = this.#watched.get(app);
    if (watched === undefined) return undefined;
    const period = pseudonymPeriod(nowSeconds, watched.pseudonymSeconds);
    return await this.#judgeTotals({ app, period, layout: watched.totalLayout }, watched.app);
  }

  /** The layout that is measured of an event; undefined where none is. */
  layoutOf(app: string, event: string): Layout | undefined {
    return this.#watched.get(app)?.layouts.get(event);
  }

  /** Lifts a stop up to the end of the running period. Gives false when nothing is stopped there. */
  async lift(lifting: Lifting, nowSeconds: number): Promise<boolean> {
    const { app, event } = lifting;
    const layout = event === ALL_EVENTS
      ? { id: this.#watched.get(app.id)?.totalLayout ?? "" }
      : this.layoutOf(app.id, event);
    const context = this.#context(app.id, nowSeconds);
    const done = await lift(this.#options.store, { ...lifting, layout }, context);
    if (done) await this.refresh();
    return done;
  }

  /** Seals the secret under the newest sealing key and removes what is too old. Gives how many rows it removed. */
  async maintain(nowSeconds: number, pace: SweepPace): Promise<number> {
    const { store, sealer, random } = this.#options;
    await openSealedSecret(store, sealer, random, MONITOR_SECRET);
    let swept = await sweepAlerts(store, nowSeconds, pace);
    for (const { app, pseudonymSeconds } of this.#watched.values()) {
      // A process that lags may still merge into the period before this one.
      const period = pseudonymPeriod(nowSeconds, pseudonymSeconds) - 1;
      swept += await sweepSketches(store, app.id, period, pace);
    }
    return swept;
  }

  #context(app: string, nowSeconds: number): DecisionContext {
    const seconds = this.#watched.get(app)?.pseudonymSeconds ?? 1;
    const period = pseudonymPeriod(nowSeconds, seconds);
    const hasWebhook = this.#options.deployment.alerts !== undefined;
    const { random } = this.#options;
    return { period, periodEnd: (period + 1) * seconds, hasWebhook, nowSeconds, random };
  }

  #derive(app: Application, risks: Risks): Pick<Watched, "risks" | "layouts" | "withheld" | "totalLayout"> {
    const layouts = new Map(
      Object.entries(app.events).map(([name, event]) => [
        name,
        layoutOf(event, (field) => risks.suppressions.fields.has(riskName(name, field)), this.parameters),
      ]),
    );
    const withheld = withheldEvents(app, risks, (event) => layouts.get(event)?.id);
    return { risks, layouts, withheld, totalLayout: totalLayoutId(app, layouts, risks.suppressions) };
  }

  #sketchesOf(watched: Watched, event: string, domain: ComparisonDomain): EventSketches | undefined {
    const layout = watched.layouts.get(event);
    const held = watched.events.get(event);
    if (held !== undefined && held.layout.id === layout?.id) return held;
    if (held !== undefined) this.#close(watched, event, held);
    if (layout === undefined) return undefined;
    const fresh = new EventSketches(layout, this.parameters, domain);
    watched.events.set(event, fresh);
    return fresh;
  }

  #totalsOf(watched: Watched): PendingTotals {
    const { app: { id: app }, period, totals, totalLayout: layout } = watched;
    if (totals !== undefined && totals.name.layout === layout) return totals;
    this.#closeTotals(watched);
    return watched.totals = new PendingTotals({ app, period, layout });
  }

  #closeTotals(watched: Watched): void {
    if (watched.totals?.changed === true) this.#closingTotals.push(watched.totals);
    watched.totals = undefined;
    if (this.#closingTotals.length > MAX_CLOSING_TOTALS) this.#closingTotals.shift();
  }

  #turn(watched: Watched, period: number): void {
    for (const [event, sketches] of watched.events) this.#close(watched, event, sketches);
    this.#closeTotals(watched);
    watched.period = period;
  }

  #close({ app, period, events }: Watched, event: string, sketches: EventSketches): void {
    events.delete(event);
    if (!sketches.changed) return;
    this.#closing.push({ app: app.id, period, event, sketches });
    // A store that is away for so long loses the oldest: memory stays bounded.
    if (this.#closing.length > MAX_CLOSING) this.#closing.shift();
  }

  async #mergeAll(nowSeconds: number): Promise<MergeReport> {
    await this.refresh();
    for (const watched of this.#watched.values()) {
      const period = pseudonymPeriod(nowSeconds, watched.pseudonymSeconds);
      if (period !== watched.period) this.#turn(watched, period);
    }
    let rows = 0;
    for (const closing of [...this.#closing]) {
      rows += await this.#mergeEvent(closing) ?? 0;
      const index = this.#closing.indexOf(closing);
      if (index !== -1 && !closing.sketches.changed) this.#closing.splice(index, 1);
    }
    const alerts: AlertRow[] = [];
    for (const { app, period, risks, events } of this.#watched.values()) {
      for (const [event, sketches] of [...events]) {
        if (!sketches.changed) continue;
        const written = await this.#mergeEvent({ app: app.id, period, event, sketches });
        if (written === undefined) continue;
        rows += written;
        const { layout, pseudonyms } = sketches;
        const judged = { app, event, layout, pseudonyms, sketches: sketches.sketches };
        try {
          const context = { ...this.#context(app.id, nowSeconds), risks };
          alerts.push(...await decide(this.#options.store, judged, context));
        } catch (error) {
          // What was not decided is judged again with the next merge.
          sketches.changed = true;
          throw error;
        }
        // For people to look at; figures that could not be written are written with the next merge.
        await enterRiskDay(this.#options.store, judged, nowSeconds).catch(() => sketches.changed = true);
      }
    }
    const totals = await this.#mergeTotals(nowSeconds);
    alerts.push(...totals.alerts);
    if (alerts.length > 0) await this.refresh();
    return { rows: rows + totals.rows, alerts };
  }

  async #mergeTotals(nowSeconds: number): Promise<{ rows: number; alerts: AlertRow[] }> {
    const { store, random } = this.#options;
    const alerts: AlertRow[] = [];
    let rows = 0;
    for (const closing of [...this.#closingTotals]) {
      rows += await mergeTotals(store, closing, random);
      const index = this.#closingTotals.indexOf(closing);
      if (index !== -1 && !closing.changed) this.#closingTotals.splice(index, 1);
    }
    for (const watched of this.#watched.values()) {
      const { app, totals } = watched;
      if (totals?.changed !== true) continue;
      rows += await mergeTotals(store, totals, random);
      const judged = await this.#judgeTotals(totals.name, app);
      if (judged.verdict === "warn" || judged.verdict === "stop") await this.refresh();
      // What an event's own decision explains, this merge's or another process's, is judged anew without it.
      if (watched.totalLayout !== totals.name.layout) continue;
      const alert = await decideTotals(store, judged, this.#context(app.id, nowSeconds));
      if (alert !== undefined) alerts.push(alert);
      await enterTotalDay(store, judged, nowSeconds);
    }
    return { rows, alerts };
  }

  async #judgeTotals(name: TotalName, app: Application): Promise<JudgedTotals> {
    const sample = await loadTotals(this.#options.store, name);
    return { app, layout: name.layout, ...judgeTotals(sample, app) };
  }

  /** Gives the rows that it wrote; undefined when other processes were always faster and the next merge takes over. */
  async #mergeEvent({ app, period, event, sketches: held }: Closing): Promise<number | undefined> {
    const { layout, people, sketches } = held;
    const { store } = this.#options;
    const name = { app, period, event, layout: layout.id };
    held.changed = false;
    try {
      let rows = await mergeSketch(store, { ...name, dimension: "" }, people);
      for (const [index, { name: dimension }] of layout.dimensions.entries()) {
        rows += await mergeSketch(store, { ...name, dimension }, sketches[index]!);
      }
      return rows;
    } catch (error) {
      held.changed = true;
      if (error instanceof SketchContention) return undefined;
      throw error;
    }
  }
}
