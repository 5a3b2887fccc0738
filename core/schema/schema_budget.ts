/**
 * How identifying an event could become at worst, before anything is collected: every field has a known domain, so the
 * number of different records is known too.
 *
 * @module
 */
import type { EventSchema, EventSchemas } from "./event.ts";
import { valueCount } from "./fields/table.ts";
import type { FieldSchema } from "./fields/types.ts";

/** The number of values that a field can take, its absence included. */
export function domainSize(field: FieldSchema): number {
  return valueCount(field) + (field.optional === true ? 1 : 0);
}

/** What an event's worst case comes to. Bits are of base 2. */
export interface EventBudget {
  /** The event's name. */
  readonly event: string;
  /** Bits of a whole record: what singles out at worst. */
  readonly bits: number;
  /** The pair of fields with the most bits (or the only field), and its bits. */
  readonly worstPair: { readonly fields: readonly string[]; readonly bits: number };
  /** Clients that share a record at worst, were all records equally frequent: expected clients / 2^bits. */
  readonly crowd: number;
  /** Whether the crowd is at least the limit. */
  readonly withinLimit: boolean;
  /** Why the event may be over the limit, if it says so. */
  readonly justification: string | undefined;
}

/** Fields under local differential privacy carry no exact value and are left out. */
function identifyingFields(event: EventSchema): [string, number][] {
  return Object.entries(event.fields)
    .filter(([, field]) => field.localDp === undefined)
    .map(([name, field]) => [name, Math.log2(domainSize(field))]);
}

/** The worst case of every event against the number of expected clients. */
export function schemaBudget(events: EventSchemas, expectedClients: number, minCrowd: number): EventBudget[] {
  return Object.entries(events).map(([name, event]) => {
    const fields = identifyingFields(event).toSorted(([, a], [, b]) => b - a);
    const bits = fields.reduce((sum, [, own]) => sum + own, 0);
    const pair = fields.slice(0, 2);
    const crowd = expectedClients / 2 ** bits;
    return {
      event: name,
      bits,
      worstPair: {
        fields: pair.map(([field]) => field),
        bits: pair.reduce((sum, [, own]) => sum + own, 0),
      },
      crowd,
      withinLimit: crowd >= minCrowd,
      justification: event.identifying,
    };
  });
}

/** What a pseudonym's period comes to at least, if it sends each event but once. Bits are of base 2. */
export interface TotalBudget {
  /** Bits of the fields of all events together. */
  readonly fieldBits: number;
  /** Bits of the hours, or whatever times are floored to, at which they may have happened. */
  readonly timeBits: number;
  /** Clients that share a total at worst. */
  readonly crowd: number;
}

/** How identifying what a pseudonym says in its period could become, were each event sent once. */
export function totalBudget(
  events: EventSchemas,
  { pseudonymSeconds, granularitySeconds, expectedClients }: {
    readonly pseudonymSeconds: number;
    readonly granularitySeconds: number;
    readonly expectedClients: number;
  },
): TotalBudget {
  const schemas = Object.values(events);
  const fieldBits = schemas.reduce(
    (sum, event) => identifyingFields(event).reduce((own, [, bits]) => own + bits, sum),
    0,
  );
  const timeBits = schemas.length * Math.log2(pseudonymSeconds / granularitySeconds);
  return { fieldBits, timeBits, crowd: expectedClients / 2 ** (fieldBits + timeBits) };
}

/** One sentence for each event that is over the limit and does not say why. */
export function budgetMistakes(path: string, budgets: readonly EventBudget[], minCrowd: number): string[] {
  return budgets.filter((budget) => !budget.withinLimit && budget.justification === undefined).map((budget) =>
    `${path}.${budget.event}: its ${budget.bits.toFixed(1)} bits leave ${
      formatCrowd(budget.crowd)
    } to a record ` +
    `(at least ${minCrowd} are wanted): narrow ${
      budget.worstPair.fields.join(" and ")
    }, or write under "identifying" why it must be so.`
  );
}

/** One sentence for each event that does not say where its privacy review is. */
export function reviewMistakes(path: string, events: EventSchemas): string[] {
  return Object.entries(events).filter(([, { review }]) => review === undefined).map(([name]) =>
    `${path}.${name}.review: write where its privacy review is, as a link or a path.`
  );
}

/** A number of clients for people: "fewer than one client", "39 clients". */
export function formatCrowd(crowd: number): string {
  if (crowd < 1) return "fewer than one client";
  const whole = Math.floor(crowd);
  return whole === 1 ? "1 client" : `${whole} clients`;
}
