/**
 * Errors that nobody caught, by the names of their classes; an entry point of its own.
 *
 * @module
 */
import type { DitClient } from "../client.ts";
import { fingerprintOf, isForeign } from "./fingerprint.ts";
import { type EventName, type FieldOf, harmless, listen, logTo, OTHER, type Target } from "./target.ts";

export type { EventName, FieldOf, Target } from "./target.ts";

/** Most errors that one capture logs: an error in a loop must not push other events out of the queue. */
const MOST_ERRORS = 20;

/** Where errors are logged. */
export interface ErrorOptions<
  Events,
  Name extends EventName<Events>,
  Class extends FieldOf<Events[Name], string>,
> extends Target<Events, Name> {
  /** The `enum` field that takes the class. */
  readonly classField: Class;
  /** The classes that are told apart; every other one is `other`, which the field declares too. */
  readonly classes: readonly Extract<Events[Name][Class], string>[];
  /** Where it was thrown, roughly, as a fingerprint; not logged by default. */
  readonly place?: {
    /** An `integer` field, 0 .. `buckets` - 1. */
    readonly field: FieldOf<Events[Name], number>;
    /** How many fingerprints there are, 2..256: different errors share one, the more the fewer there are. */
    readonly buckets: number;
  };
}

/**
 * Logs errors and rejections that nobody caught, 20 at most: the name of the class where it is one of `classes`, else
 * `other`. Neither message nor stack is logged. A fingerprint is a hash of the class and of the place (file, line, column)
 * of the innermost function, of which only the remainder by `buckets` is kept. What an extension of the browser throws is
 * not logged. Handlers of others are called as before. The function that comes back ends it.
 *
 * It hears what is dispatched at the global object, in pages, workers and Deno; elsewhere nothing. It never throws.
 *
 * @example
 * ```ts ignore
 * import { captureErrors } from "@dit/service/capture_errors";
 *
 * const end = captureErrors(client, {
 *   event: "uncaught_error",
 *   classField: "class",
 *   classes: ["TypeError", "RangeError", "SyncError"],
 *   place: { field: "place", buckets: 32 },
 * });
 * ```
 */
export function captureErrors<
  Events,
  Name extends EventName<Events>,
  Class extends FieldOf<Events[Name], string>,
>(client: DitClient<Events>, options: ErrorOptions<Events, Name, Class>): () => void {
  let left = MOST_ERRORS;
  const capture = (thrown: unknown, at?: Partial<ErrorEvent>) => {
    if (left === 0 || isForeign(thrown, at)) return;
    left--;
    const { classField, classes, place } = options;
    const name = classNames(thrown).find((one) => (classes as readonly string[]).includes(one)) ?? OTHER;
    const captured: Record<PropertyKey, unknown> = { [classField]: name };
    if (place !== undefined) {
      captured[place.field] = fingerprintOf({ name, thrown, at }, place.buckets);
    }
    logTo(client, options, captured);
  };
  const ends = [
    listen("error", (event) => {
      // What failed to load is told to its element.
      if ("error" in event) capture(event.error, event);
    }),
    listen("unhandledrejection", (event) => capture((event as PromiseRejectionEvent).reason)),
  ];
  return harmless(() => ends.forEach((end) => end()));
}

/** The names of an error's class, the closest first: a minifier changes that of a constructor, and not `name`. */
function classNames(thrown: unknown): string[] {
  if (typeof thrown !== "object" || thrown === null) return [];
  const { name, constructor } = thrown as Error;
  return [constructor?.name, name].filter((one) => typeof one === "string");
}
