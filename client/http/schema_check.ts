/**
 * Whether a schema may be used: it must ask this client for nothing finer than its app was compiled with, and for nothing
 * else than it asks others for (docs/protocol.md, section 10).
 *
 * @module
 */
import { isWithin } from "../../core/schema/fields/table.ts";
import {
  type CollectedEvent,
  type CollectedField,
  type Collection,
  faulty,
  mostValues,
  parseSchema,
  ROTATION_SECONDS,
} from "../base/collection.ts";
import type { DocumentFault } from "../base/codes.ts";
import { SCHEMA } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { CachedDocument, type DocumentParts, FaultError } from "./document.ts";
import { askMirror, type Mirror } from "./mirror.ts";

/** What finding a schema takes of its client. */
export interface SchemaParts extends DocumentParts {
  readonly app: string;
  /** Where it is. */
  readonly url: () => Promise<string>;
  /** A second place that serves the same directory, and the same schema beside it. */
  readonly mirror: Mirror | undefined;
  /** The schema that the app was compiled with. */
  readonly declared: Collection | undefined;
  /** The pseudonym of now: marks in what was shown under one must not go out under the next. */
  readonly pseudonym: (entries: Entries, collection: Collection) => string;
}

/** The schema of a client. */
export function schemaOf(parts: SchemaParts): CachedDocument<Collection> {
  const { app, declared, mirror, network, url } = parts;
  const parse = (text: string) => {
    const served = parseSchema(text, app);
    return declared === undefined ? served : withinDeclared(served, declared);
  };
  return new CachedDocument(parts, {
    step: "schema",
    key: SCHEMA,
    url,
    owner: (served, entries) => parts.pseudonym(entries, served),
    parse,
    // What was shown before stays common to all; but nothing is sent while this client is shown something else.
    isHeldBy: (fault) => fault === "mirror_conflict" || fault === "not_declared",
    async check(served) {
      if (mirror === undefined) return undefined;
      return await askMirror(
        network,
        mirror.schema,
        (text) => contentsOf(parse(text)) === contentsOf(served) ? undefined : "mirror_conflict",
      );
    },
    isDoubtful: (served) => faultsOf(served).length > 0,
    admit(served, _entries, report) {
      const faults = new Map<DocumentFault, string>();
      for (const [event, { fault }] of served.events) {
        if (fault && !faults.has(fault)) faults.set(fault, event);
      }
      for (const [code, event] of faults) report("refused", { step: "schema", code, event });
      return undefined;
    },
  });
}

/** Why its events at fault are so. */
export function faultsOf({ events }: Collection): DocumentFault[] {
  return [...events.values()].flatMap(({ fault }) => fault || []);
}

/** Everything that a schema has a client do, and no words for people. */
function contentsOf(collection: Collection): string {
  return JSON.stringify(
    collection,
    (name, value) => value instanceof Map ? [...value] : name === "description" ? undefined : value,
  );
}

/**
 * What of a schema an app collects that was compiled with a declared one: no more than both say. What only the newer one
 * has, events or optional fields, an older app does not send; an event that would tell more is at fault, and one that is
 * not there waits, as one does that was logged with a field that is not there.
 * @throws {FaultError} If times would be finer or pseudonyms last longer, which is about all events.
 */
export function withinDeclared(served: Collection, declared: Collection): Collection {
  const { granularitySeconds, pseudonymSeconds = 0 } = served;
  if (
    granularitySeconds < declared.granularitySeconds || pseudonymSeconds > (declared.pseudonymSeconds ?? 0)
  ) throw new FaultError("not_declared");
  const isShorter = rotationOf(served) < rotationOf(declared);
  const events = new Map<string, CollectedEvent>();
  for (const [name, own] of declared.events) {
    const event = served.events.get(name);
    const common = event === undefined ? faulty("") : commonEvent(event, own);
    // More periods would be more reports about one value, each independent of the others.
    events.set(name, isShorter && isReported(common) ? faulty("not_declared") : common);
  }
  return { ...served, events };
}

function rotationOf({ pseudonymSeconds = ROTATION_SECONDS }: Collection): number {
  return pseudonymSeconds;
}

function isReported({ fields }: CollectedEvent): boolean {
  return [...fields.values()].some((field) => field["local-dp"] && !field.missing);
}

function commonEvent(event: CollectedEvent, declared: CollectedEvent): CollectedEvent {
  const fields = new Map<string, CollectedField>();
  for (const [name, field] of event.fields) {
    const own = declared.fields.get(name);
    if (own === undefined && (field.optional || field.suppressed)) continue;
    if (own === undefined || !isNoFiner(field, own)) return faulty("not_declared");
    fields.set(name, field);
  }
  if (event.sample > declared.sample) return faulty("not_declared");
  for (const [name, own] of declared.fields) {
    if (!fields.has(name)) fields.set(name, { ...own, optional: true, missing: true });
  }
  return { ...event, fields };
}

/** Whether a field tells nothing that the declared one does not tell. */
function isNoFiner(field: CollectedField, declared: CollectedField): boolean {
  const [mechanism, own] = [field["local-dp"], declared["local-dp"]];
  return isWithin(field, declared) && (own === undefined || mechanism !== undefined &&
      mechanism.epsilon <= own.epsilon && mostValues(mechanism) <= mostValues(own));
}
