/**
 * A risk monitor on a store of its own, and populations that send to it.
 *
 * @module
 */
import { toBase64url } from "../../../core/base/bytes.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig, Deployment } from "../../../core/config/types.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import type { AlertRow } from "../../../core/privacy/risk/alerts.ts";
import { RiskMonitor } from "../../../core/privacy/risk/monitor.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../core/store/store.ts";
import { type EventSchema, isOpen } from "../../../core/schema/event.ts";
import type { ValidEvent } from "../../../core/schema/validate.ts";
import { type SeededRandom, seededRandom } from "../base/seeded_random.ts";

/** A moment in the middle of a pseudonym period. */
export const NOW = 2976 * 604_800 + 3 * 86_400;

/** An event for tests; its words do not matter. */
export function event(fields: EventSchema["fields"], more: Partial<EventSchema> = {}): EventSchema {
  return { description: "-", purpose: "-", owner: "-", expires: "2099-12-31", fields, ...more };
}

/** A deployment with one application `app`. */
export function deploymentOf(
  events: Record<string, EventSchema>,
  more: Partial<ApplicationConfig> & { webhook?: boolean } = {},
): Deployment {
  const { webhook = false, ...settings } = more;
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  return checkConfig({
    issuer: "telemetry.example",
    ...(webhook ? { alerts: { webhook: { url: "https://hooks.example", secretEnv: "HOOK" } } } : {}),
    applications: { app: { session, expectedClients: 10_000, ...settings, events } },
  }, { development: true });
}

/** A store and the monitors of its processes. */
export interface Monitored {
  readonly store: Store;
  readonly random: SeededRandom;
  /** Starts the monitor of another process. */
  open(deployment?: Deployment): Promise<RiskMonitor>;
}

/** Runs a test on a store of its own, in memory or given. */
export async function withMonitor(
  deployment: Deployment,
  run: (monitored: Monitored) => Promise<void>,
  kv?: Deno.Kv,
): Promise<void> {
  const store = storeOver(kv ?? await Deno.openKv(":memory:"));
  const random = seededRandom(7);
  const sealer = await Sealer.of([new Uint8Array(32)], random.bytes);
  try {
    await run({
      store,
      random,
      async open(other = deployment) {
        const monitor = new RiskMonitor({ deployment: other, store, sealer, random: random.bytes });
        await monitor.open();
        return monitor;
      },
    });
  } finally {
    store.close();
  }
}

/** A pseudonym by number. */
export function pseudonym(person: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, person);
  return toBase64url(bytes);
}

/** An accepted event. */
export function accepted(name: string, fields: ValidEvent["fields"]): ValidEvent {
  return { name, at: NOW, fields };
}

/** What {@linkcode send} did. */
export interface Sending {
  /** Events that were accepted. */
  readonly events: number;
  /** Alerts that were raised. */
  readonly alerts: readonly AlertRow[];
}

/**
 * Sends events one after the other, each unless it is stopped and without what is suppressed, and merges after every
 * `every` of them, until `isOver` or `most` are sent.
 */
export async function send(
  monitor: RiskMonitor,
  deployment: Deployment,
  next: (number: number) => { person: number; event: ValidEvent },
  { most, every, isOver }: { most: number; every: number; isOver?: (alerts: readonly AlertRow[]) => boolean },
): Promise<Sending> {
  const alerts: AlertRow[] = [];
  const { events: schemas } = deployment.applications.get("app")!;
  let events = 0;
  for (let number = 0; number < most; number++) {
    const { person, event } = next(number);
    const suppressions = monitor.suppressionsOf("app");
    if (isOpen(event.name, schemas[event.name]!, suppressions, NOW)) {
      const fields = Object.fromEntries(
        Object.entries(event.fields).filter(([field]) => !suppressions.fields.has(`${event.name}.${field}`)),
      );
      monitor.observe("app", pseudonym(person), [{ ...event, fields }], NOW);
      events++;
    }
    if (number % every !== every - 1) continue;
    alerts.push(...(await monitor.merge(NOW)).alerts);
    if (isOver?.(alerts) === true) break;
  }
  return { events, alerts };
}

/** Draws an index in proportion to weights. */
export function draw(random: SeededRandom, weights: readonly number[]): number {
  let left = random.unit() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

/** Weights of Zipf's law for `count` ranks. */
export function zipf(count: number, exponent = 1): number[] {
  return Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
}
