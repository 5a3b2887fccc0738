/**
 * A plugin and a composable for Vue 3. It imports no Vue: the app hands its own `inject` over, so that there are never two.
 *
 * @module
 */
import type { UntypedEvents } from "./client.ts";
import { type ClientSource, HeldClient, type Telemetry } from "./held.ts";

export type { ClientSource, Telemetry } from "./held.ts";

/** The part of Vue that is used. */
export interface VueParts {
  /** As in Vue. */
  // deno-lint-ignore no-explicit-any -- Vue's has several signatures.
  inject(key: any, otherwise: any): any;
}

/** The part of an app of Vue's that is used. */
export interface VueApp {
  /** As in Vue. */
  // deno-lint-ignore no-explicit-any -- Vue's is generic.
  provide(key: any, value: any): unknown;
  /** As in Vue, from 3.5 on. */
  onUnmount?(unmounted: () => void): void;
}

/** The plugin and the composable of one kind of events. */
export interface VueTelemetry<Events = UntypedEvents> {
  /** For `app.use(TelemetryPlugin, client)`. A client that it made is closed when the app is unmounted, from Vue 3.5 on. */
  readonly TelemetryPlugin: { install(app: VueApp, client: ClientSource<Events>): void };
  /**
   * What components log with: for `setup()`.
   * @throws {Error} In an app without the plugin.
   */
  readonly useTelemetry: () => Telemetry<Events>;
}

/**
 * Makes the plugin and the composable, once in an app.
 *
 * @example
 * ```ts ignore
 * import { inject } from "vue";
 * import { vueTelemetry } from "@dit/service/vue";
 *
 * export const { TelemetryPlugin, useTelemetry } = vueTelemetry<Events>({ inject });
 * // createApp(App).use(TelemetryPlugin, () => new DitClient<Events>({ ... })).mount("#app");
 * // const { log } = useTelemetry();
 * ```
 */
export function vueTelemetry<Events = UntypedEvents>({ inject }: VueParts): VueTelemetry<Events> {
  const key = Symbol("telemetry");
  return {
    TelemetryPlugin: {
      install(app, client) {
        const held = new HeldClient(client);
        app.provide(key, held);
        // A server renders, and never unmounts: it makes no client.
        if (!("document" in globalThis)) return;
        const unmount = held.mount();
        app.onUnmount?.(unmount);
      },
    },
    useTelemetry() {
      const held: HeldClient<Events> | undefined = inject(key, undefined);
      if (held === undefined) throw new Error("useTelemetry() needs app.use(TelemetryPlugin, client)");
      return held;
    },
  };
}
