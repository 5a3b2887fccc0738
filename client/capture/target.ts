/**
 * What captures have in common: the event and the fields that they are mapped to.
 *
 * @module
 */
import type { DitClient } from "../client.ts";

/** A name of an event. */
export type EventName<Events> = Extract<keyof Events, string>;

/** Names of an event's fields that take values of a kind: `string` for `enum`, `number` for `bucket` and `integer`. */
export type FieldOf<Fields, Kind> = {
  [Name in keyof Fields]-?: Extract<NonNullable<Fields[Name]>, Kind> extends never ? never : Name;
}[keyof Fields];

/** The event that is logged, and what is logged in it besides. */
export interface Target<Events, Name extends EventName<Events>> {
  /** The event, as the schema declares it. */
  readonly event: Name;
  /** Fields whose values are known when the capture begins, such as the app's version; none by default. */
  readonly fields?: Partial<Events[Name]>;
}

/** What is logged in place of a name that is not declared. */
export const OTHER = "other";

/** Logs what was captured, with what is logged besides. */
export function logTo<Events, Name extends EventName<Events>>(
  client: Pick<DitClient<Events>, "log">,
  { event, fields }: Target<Events, Name>,
  captured: Readonly<Record<PropertyKey, unknown>> = {},
): void {
  client.log(event, { ...fields, ...captured } as Events[Name]);
}

/** `work`, out of which nothing is thrown into the app: what fails is not captured. */
export function harmless<Arguments extends unknown[]>(
  work: (...args: Arguments) => void,
): (...args: Arguments) => void {
  return (...args) => {
    try {
      work(...args);
    } catch {
      // A value or a platform of the app's own: it goes on as it would without a capture.
    }
  };
}

/** Listens to what is heard at the global object, where it can be; the function that comes back ends it. */
export function listen(name: string, listener: (event: Event) => void): () => void {
  const heard = harmless(listener);
  globalThis.addEventListener?.(name, heard);
  return () => globalThis.removeEventListener?.(name, heard);
}
