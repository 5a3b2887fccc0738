/**
 * The client SDK of DIT: telemetry on anonymous credentials, in browsers, Deno, Node and Bun.
 *
 * @module
 */
export { createClient, DitClient, type UntypedEvents } from "./client.ts";
export type { Directory, DirectoryKey } from "./http/directory.ts";
export type { Fetch } from "./http/http.ts";
export type { Inspection } from "./queue/inspection.ts";
export { type ClientStorage, Entries } from "./storage/storage.ts";
export { browserStorage } from "./storage/browser.ts";
export {
  type IndexedDb,
  type IndexedDbDatabase,
  type IndexedDbRequest,
  IndexedDbStorage,
  type IndexedDbTransaction,
} from "./storage/indexed_db.ts";
export { LocalStorage, type TextStorage } from "./storage/local.ts";
export { MemoryStorage } from "./storage/memory.ts";
export type { WebLocks } from "./storage/web_locks.ts";
export type { ClientEvents, ClientOptions, LocalDpReporter, SessionSource, Step } from "./base/types.ts";
export type { RandomSource } from "../core/base/random.ts";
export type { ClientSuite } from "../core/voprf/noble_client.ts";
export type {
  BlindedBatch,
  EvaluatedBatch,
  FinalizeRequest,
  KeyPair,
  Suite,
  SuiteName,
} from "../core/voprf/suite.ts";
