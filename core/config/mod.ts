/**
 * `defineConfig`, `declaredSchema` and the types of a configuration.
 *
 * @module
 */
export { declaredSchema } from "./declared_schema.ts";
export { defineConfig, type EventsOf } from "./define_config.ts";
export type {
  AlertsConfig,
  ApplicationConfig,
  AsymmetricAlgorithm,
  Config,
  SessionConfig,
  SessionKey,
} from "./types.ts";
export type { ReleaseBudget, ReleaseQuery, ReleasesConfig } from "./release_types.ts";
export type * from "../schema/fields/types.ts";
export type {
  ApplicationRisk,
  EventRisk,
  EventSchema,
  EventSchemas,
  FieldValues,
  OptionalNames,
  RiskAction,
  RiskThresholds,
  TotalThresholds,
} from "../schema/event.ts";
export type { SuiteName } from "../voprf/suites.ts";
