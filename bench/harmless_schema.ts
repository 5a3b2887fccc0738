/**
 * A harmless schema through the risk monitor's sketches: ten million events of a million people, judged every half
 * million. Its event is within the budget that `deno task check` wants; nothing may ever be stopped or warned of.
 *
 * @module
 */
import type { EventSchema } from "../core/schema/event.ts";
import { schemaBudget } from "../core/schema/schema_budget.ts";
import { ComparisonDomain } from "../core/privacy/dp/comparison_domain.ts";
import { judgeEvent } from "../core/privacy/risk/decisions.ts";
import { layoutOf, sketchParameters } from "../core/privacy/risk/dimensions.ts";
import { EventSketches } from "../core/privacy/risk/sketches.ts";
import type { Application } from "../core/config/types.ts";

const EVENTS = 10_000_000;
const PEOPLE = 1_000_000;
const JUDGED_EVERY = 500_000;

const PLATFORMS = ["windows", "darwin", "linux", "other"];
const SCHEMA: EventSchema = {
  description: "-",
  purpose: "-",
  owner: "-",
  expires: "2099-12-31",
  fields: {
    ok: { type: "boolean" },
    platform: { type: "enum", values: PLATFORMS },
    runtime: { type: "version", majors: [2, 3], minors: 30 },
    retries: { type: "integer", min: 0, max: 5 },
    latency_ms: { type: "bucket", edges: [5, 10, 25, 50, 100, 250, 500, 1000, 2500] },
  },
};

/** Tells apart without a table of a million people: a number in [0, 1) for a person and a purpose. */
function trait(person: number, purpose: number): number {
  let mixed = Math.imul(person ^ (purpose * 0x9e3779b9), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

function choose(shares: readonly number[], at: number): number {
  let left = at * shares.reduce((sum, share) => sum + share, 0);
  for (const [index, share] of shares.entries()) {
    left -= share;
    if (left < 0) return index;
  }
  return shares.length - 1;
}

/** Versions as they are: most people on the newest ones, a long tail behind. */
const VERSIONS = Array.from({ length: 62 }, (_, rank) => (rank + 1) ** -1.5);
const LATENCIES = [1, 4, 12, 25, 30, 18, 7, 2, 0.8, 0.2];

/** Runs them and gives a row for each judgement: what it cost, and what was found. */
export function harmlessSchema(): Record<string, unknown>[] {
  const parameters = sketchParameters([SCHEMA])!;
  const layout = layoutOf(SCHEMA, () => false, parameters)!;
  const domain = new ComparisonDomain(crypto.getRandomValues(new Uint8Array(32)), ["bench"]);
  const sketches = new EventSketches(layout, parameters, domain);
  const app = {
    id: "bench",
    events: { e: SCHEMA },
    risk: {},
    expectedClients: PEOPLE,
  } as unknown as Application;
  const [budget] = schemaBudget(app.events, PEOPLE, 20);
  if (!budget!.withinLimit) throw new Error("The schema of this bench is not within its budget.");
  const pseudonym = new Uint8Array(16), view = new DataView(pseudonym.buffer);
  const rows: Record<string, unknown>[] = [];
  let elapsed = 0;
  for (let sent = 0; sent < EVENTS;) {
    const start = performance.now();
    for (const end = sent + JUDGED_EVERY; sent < end; sent++) {
      const person = Math.floor(Math.random() * PEOPLE);
      view.setUint32(0, person);
      const version = choose(VERSIONS, trait(person, 1));
      sketches.add(
        {
          name: "e",
          at: 0,
          fields: {
            ok: Math.random() > 0.02,
            platform: PLATFORMS[choose([70, 18, 11, 1], trait(person, 2))]!,
            runtime: version < 31 ? `3.${30 - version}` : `2.${61 - version}`,
            retries: choose([90, 6, 2, 1, 0.6, 0.4], Math.random()),
            latency_ms: choose(LATENCIES, Math.random()),
          },
        },
        domain.hashPseudonym(pseudonym),
      );
    }
    elapsed += performance.now() - start;
    const judgements = judgeEvent({
      app,
      event: "e",
      layout,
      sketches: sketches.sketches,
      pseudonyms: sketches.pseudonyms,
    });
    const verdicts = new Map<string, number>();
    for (const { verdict } of judgements) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    const record = judgements.at(-1)!.figures;
    const { rss } = Deno.memoryUsage();
    rows.push({
      "M events": sent / 1e6,
      "people": sketches.pseudonyms,
      "records seen": record.values,
      "rare %": (100 * record.share).toFixed(1),
      "exposed %": (100 * record.exposed).toFixed(2),
      "verdicts": [...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(", "),
      "us an event": (1000 * elapsed / sent).toFixed(1),
      "resident MiB": (rss / 2 ** 20).toFixed(0),
    });
  }
  return rows;
}
