/**
 * The client SDK of DIT: telemetry on anonymous credentials, in browsers, Deno, Node and Bun.
 *
 * @module
 */
export { DitClient, type UntypedEvents } from "./client.ts";
export type { Closed, Flushed, FlushOptions } from "./tally.ts";
export type { ClientOptions, CommonOptions, OneEndpoint, TwoEndpoints } from "./options.ts";
export type {
  ClientEvents,
  ClientState,
  Fetch,
  LocalDpReporter,
  LogBatches,
  LogOutcome,
  Report,
  SessionSource,
  SignedLog,
  Step,
} from "./base/types.ts";
export type { DropReason, RefusalCode, ServiceCode } from "./base/codes.ts";
export type { OptOutSignal } from "./base/signals.ts";
export type { Directory, DirectoryKey } from "./http/directory.ts";
export type { Inspection } from "./queue/inspection.ts";
export { type ClientStorage, Entries } from "./storage/storage.ts";
export type { Journal, JournalItem } from "./storage/journal.ts";
export type { StorageChoice } from "./storage/choice.ts";
export { browserStorage } from "./storage/browser.ts";
export { IndexedDbStorage } from "./storage/indexed_db.ts";
export { LocalStorage } from "./storage/local.ts";
export { MemoryStorage } from "./storage/memory.ts";
export type { RandomSource } from "../core/base/random.ts";
export type { ChainedKey, LinkedKey } from "../core/token/key_chain.ts";
export type { ClientSuite } from "../core/voprf/noble_client.ts";
