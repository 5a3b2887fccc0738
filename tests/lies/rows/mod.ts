/**
 * All rows of the table.
 *
 * @module
 */
import type { Lie } from "../table.ts";
import { ACCOUNT_LIES } from "./accounts.ts";
import { DIRECTORY_LIES } from "./directory.ts";
import { LOG_LIES } from "./logs.ts";
import { SCHEMA_LIES } from "./schema.ts";
import { TIME_LIES } from "./time.ts";
import { TOKEN_LIES } from "./tokens.ts";
import { TRANSPORT_LIES } from "./transport.ts";

/** Every lie. */
export const LIES: readonly Lie[] = [
  ...DIRECTORY_LIES,
  ...SCHEMA_LIES,
  ...TOKEN_LIES,
  ...ACCOUNT_LIES,
  ...LOG_LIES,
  ...TIME_LIES,
  ...TRANSPORT_LIES,
];
