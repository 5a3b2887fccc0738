/**
 * The client SDK of DIT: telemetry on anonymous credentials, in browsers, Deno, Node and Bun.
 *
 * @module
 */
export { createClient, DitClient, type UntypedEvents } from "./client.ts";
export type { Directory, DirectoryKey } from "./directory.ts";
export type { Fetch } from "./http.ts";
export type { Inspection } from "./inspection.ts";
export { type ClientStorage, Entries } from "./storage.ts";
export { browserStorage } from "./storage_browser.ts";
export {
  type IndexedDb,
  type IndexedDbDatabase,
  type IndexedDbRequest,
  IndexedDbStorage,
  type IndexedDbTransaction,
} from "./storage_indexed_db.ts";
export { LocalStorage, type TextStorage } from "./storage_local.ts";
export { MemoryStorage } from "./storage_memory.ts";
export type { WebLocks } from "./web_locks.ts";
export type { ClientEvents, ClientOptions, LocalDpReporter, SessionSource, Step } from "./types.ts";
export type { ClientSuite } from "../core/voprf/noble_client.ts";
export type {
  BlindedBatch,
  EvaluatedBatch,
  FinalizeRequest,
  KeyPair,
  RandomSource,
  Suite,
  SuiteName,
} from "../core/voprf/suite.ts";
