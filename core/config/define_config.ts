import type { EventSchemas, FieldValues } from "../schema/event.ts";
import type { Config } from "./types.ts";

/**
 * A configuration with its exact types, so that clients can be typed from it. It is checked at the start.
 *
 * @example
 * ```ts
 * import { defineConfig } from "@dit/service/config";
 *
 * export default defineConfig({
 *   issuer: "telemetry.example",
 *   applications: {
 *     notes: {
 *       session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SESSION_SECRET" } },
 *       events: {
 *         note_saved: {
 *           description: "A note was saved.",
 *           purpose: "How often saving fails.",
 *           owner: "notes-team",
 *           expires: "2027-06-30",
 *           fields: { ok: { type: "boolean" } },
 *         },
 *       },
 *     },
 *   },
 * });
 * ```
 */
export function defineConfig<const C extends Config>(config: C): C {
  return config;
}

/** The events of one application of a config and the values that each takes: `EventsOf<typeof config, "demo">`. */
export type EventsOf<C extends Config, A extends keyof C["applications"]> = {
  [E in keyof C["applications"][A]["events"]]: C["applications"][A]["events"] extends EventSchemas
    ? FieldValues<C["applications"][A]["events"][E]>
    : never;
};
