/**
 * `defineConfig` and the types of a configuration.
 *
 * @module
 */
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
export type {
  BooleanField,
  BucketField,
  EnumField,
  EventRisk,
  EventSchema,
  EventSchemas,
  FieldOptions,
  FieldSchema,
  FieldValues,
  IntegerField,
  OptionalNames,
  RiskAction,
  RiskThresholds,
  ValueOf,
  VersionField,
} from "../schema/schema.ts";
export type { SuiteName } from "../voprf/suite.ts";
