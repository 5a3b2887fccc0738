/**
 * All rows of the table.
 *
 * @module
 */
import type { Lie } from "../table.ts";
import { ACCOUNT_LIES } from "./accounts.ts";
import { DIRECTORY_LIES } from "./directory.ts";
import { SCHEMA_DOCUMENT_LIES } from "./documents.ts";
import { KEY_CHAIN_LIES } from "./key_chain.ts";
import { KEY_LIES } from "./keys.ts";
import { LOG_ANSWER_LIES } from "./log_answers.ts";
import { LOG_LIES } from "./logs.ts";
import { MIRROR_LIES } from "./mirror.ts";
import { SCHEMA_LIES } from "./schema.ts";
import { TIME_LIES } from "./time.ts";
import { TOKEN_LIES } from "./tokens.ts";
import { TRANSPORT_LIES } from "./transport.ts";
import { WAIT_LIES } from "./waits.ts";

/** Every lie. */
export const LIES: readonly Lie[] = [
  ...DIRECTORY_LIES,
  ...KEY_LIES,
  ...MIRROR_LIES,
  ...KEY_CHAIN_LIES,
  ...SCHEMA_LIES,
  ...SCHEMA_DOCUMENT_LIES,
  ...TOKEN_LIES,
  ...ACCOUNT_LIES,
  ...LOG_LIES,
  ...LOG_ANSWER_LIES,
  ...TIME_LIES,
  ...WAIT_LIES,
  ...TRANSPORT_LIES,
];
