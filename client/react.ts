/**
 * A provider and a hook for React. It imports no React: the app hands its own one over, so that there are never two.
 *
 * @module
 */
import type { UntypedEvents } from "./client.ts";
import { type ClientSource, HeldClient, type Telemetry } from "./held.ts";

export type { ClientSource, Telemetry } from "./held.ts";

/** The parts of React that are used, from 16.8 on, or of Preact. */
export interface ReactParts {
  /** As in React. */
  // deno-lint-ignore no-explicit-any -- contexts and elements have types of each React's own.
  createContext(initial: any): any;
  /** As in React. */
  // deno-lint-ignore no-explicit-any -- as above.
  createElement(type: any, props: any, ...children: any[]): any;
  /** As in React. */
  // deno-lint-ignore no-explicit-any -- as above.
  useContext(context: any): any;
  /** As in React. */
  useEffect(effect: () => () => void, dependencies: readonly unknown[]): void;
  /** As in React. */
  // deno-lint-ignore no-explicit-any -- as above.
  useState(initial: () => any): readonly any[];
}

/** What the provider is given. The client is taken when it is mounted, and no other one later. */
export interface TelemetryProviderProps<Events = UntypedEvents> {
  /** A client, or how it is made; no client is made while rendering, so none on a server. */
  readonly client: ClientSource<Events>;
  /** What may use it. */
  // deno-lint-ignore no-explicit-any -- nodes have types of each React's own.
  readonly children?: any;
}

/** The provider and the hook of one kind of events. */
export interface ReactTelemetry<Events = UntypedEvents> {
  /** Gives a client to all below it, and keeps the one that it made for as long as it is mounted. */
  // deno-lint-ignore no-explicit-any -- elements have types of each React's own.
  readonly TelemetryProvider: (props: TelemetryProviderProps<Events>) => any;
  /**
   * What components log with, the same at each render.
   * @throws {Error} Outside of a provider.
   */
  readonly useTelemetry: () => Telemetry<Events>;
}

/**
 * Makes the provider and the hook, once in an app.
 *
 * @example
 * ```ts ignore
 * import * as React from "react";
 * import { reactTelemetry } from "@dit/service/react";
 *
 * export const { TelemetryProvider, useTelemetry } = reactTelemetry<Events>(React);
 * // <TelemetryProvider client={() => new DitClient<Events>({ ... })}>...</TelemetryProvider>
 * // const { log } = useTelemetry();
 * // <button onClick={() => log("note_saved", { ok: true, platform: "web" })}>
 * ```
 */
export function reactTelemetry<Events = UntypedEvents>(react: ReactParts): ReactTelemetry<Events> {
  const context = react.createContext(undefined);
  return {
    TelemetryProvider({ client, children }) {
      const [held] = react.useState(() => new HeldClient(client)) as [HeldClient<Events>];
      react.useEffect(held.mount, [held]);
      return react.createElement(context.Provider, { value: held }, children);
    },
    useTelemetry() {
      const held: HeldClient<Events> | undefined = react.useContext(context);
      if (held === undefined) throw new Error("useTelemetry() needs a <TelemetryProvider> above it");
      return held;
    },
  };
}
