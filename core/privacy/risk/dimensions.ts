/**
 * What is measured of an event: each of its fields, each pair of them, and the whole record (Chia et al., IEEE S&P
 * 2019, section VI). Fields under local differential privacy carry no exact value and are left out, and so are fields
 * that are suppressed: nothing of them arrives.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "../../base/bytes.ts";
import type { Deployment } from "../../config/types.ts";
import type { EventSchema } from "../../schema/event.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import { domainSize } from "../../schema/schema_budget.ts";
import { EXACT_LIMIT } from "../sketch/hyperloglog.ts";
import type { KhllParameters } from "../sketch/khll.ts";

/** One thing that is measured. */
export interface Dimension {
  /** The fields, joined by spaces. */
  readonly name: string;
  /** One field, two, or all of them. */
  readonly fields: readonly string[];
  /** Which of the layout's fields these are. */
  readonly indexes: readonly number[];
  /** How many values it can take, the absence of optional fields included. */
  readonly domainSize: number;
}

/** Everything that is measured of one event. */
export interface Layout {
  /** 16 hex digits: the same for every process, another one as soon as fields, domains or parameters change. */
  readonly id: string;
  /** The measured fields. */
  readonly fields: readonly string[];
  /** Fields first, then pairs, then the record; none is there twice. */
  readonly dimensions: readonly Dimension[];
}

/** What is measured of an event without its suppressed fields; undefined where no field is left. */
export function layoutOf(
  event: EventSchema,
  isSuppressed: (field: string) => boolean,
  parameters: KhllParameters,
): Layout | undefined {
  const measured = Object.entries(event.fields)
    .filter(([name, { localDp }]) => localDp === undefined && !isSuppressed(name))
    .map(([name, field], index): MeasuredField => ({ name, field, index, size: domainSize(field) }));
  if (measured.length === 0) return undefined;
  const pairs = measured.flatMap((one) => measured.slice(one.index + 1).map((other) => [one, other]));
  const groups = [...measured.map((one) => [one]), ...pairs, ...(measured.length > 2 ? [measured] : [])];
  const described = measured.map(({ name, field }) => [name, domainOf(field)]);
  const text = JSON.stringify([parameters.k, parameters.registerCount, described]);
  return {
    id: toHex(sha256(utf8(text)).subarray(0, 8)),
    fields: measured.map(({ name }) => name),
    dimensions: groups.map(dimensionOf),
  };
}

interface MeasuredField {
  readonly name: string;
  readonly field: FieldSchema;
  /** Among those that are measured. */
  readonly index: number;
  readonly size: number;
}

function dimensionOf(group: readonly MeasuredField[]): Dimension {
  const fields = group.map(({ name }) => name);
  return {
    name: fields.join(" "),
    fields,
    indexes: group.map(({ index }) => index),
    domainSize: group.reduce((product, { size }) => product * size, 1),
  };
}

/** What decides about a field's values: a description is not part of it. */
function domainOf(field: FieldSchema): unknown {
  const { description: _description, ...domain } = field;
  return domain;
}

/** Bytes that all sketches of a process may come to: beyond it they get coarser. */
export const SKETCH_MEMORY = 256 * 2 ** 20;

/** The paper's K and M. */
const FINEST: KhllParameters = { k: 2048, registerCount: 1024 };

/** Down to what still counts 64 pseudonyms exactly, which is all that thresholds need. */
const PARAMETERS: readonly KhllParameters[] = [
  FINEST,
  { k: 2048, registerCount: 256 },
  { k: 1024, registerCount: 256 },
  { k: 1024, registerCount: 64 },
  { k: 512, registerCount: 64 },
  { k: 256, registerCount: 64 },
  { k: 128, registerCount: 64 },
  { k: 64, registerCount: 64 },
  { k: 32, registerCount: 64 },
];

/** Bytes of an entry besides its pseudonyms: hash, slot, two objects and a typed array. */
const ENTRY_OVERHEAD = 300;

/**
 * The finest parameters with which the sketches of all of these events stay within `memory` bytes, whatever they are
 * fed; undefined where none do. They follow from the configuration alone, so that processes agree.
 */
export function sketchParameters(
  events: readonly EventSchema[],
  memory = SKETCH_MEMORY,
): KhllParameters | undefined {
  const domains = events.flatMap((event) =>
    layoutOf(event, () => false, FINEST)?.dimensions.map((dimension) => dimension.domainSize) ?? []
  );
  const bytes = ({ k, registerCount }: KhllParameters) => {
    const entry = ENTRY_OVERHEAD + Math.max(registerCount, 8 * EXACT_LIMIT);
    return domains.reduce((sum, size) => sum + Math.min(k, size) * entry, 0);
  };
  return PARAMETERS.find((parameters) => bytes(parameters) <= memory);
}

/** The events of a deployment that are measured: those of applications with a pseudonym. */
export function measuredEvents({ applications }: Deployment): EventSchema[] {
  return [...applications.values()].filter((app) => app.pseudonymSeconds !== undefined)
    .flatMap((app) => Object.values(app.events));
}
