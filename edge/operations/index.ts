/**
 * All operations of the API, and all that may pass to a route.
 *
 * @module
 */
import { ISSUE_TOKENS, LIST_PUBLIC_KEYS, SEND_LOG, SHOW_KEY_HISTORY, SHOW_SCHEMA } from "./client.ts";
import type { Operation, Passage } from "./operation.ts";
import {
  CONFIRM_TIME,
  EXPORT_AUDIT_LOG,
  EXPORT_LOGS,
  LIST_KEYS,
  RECONCILE,
  REPLACE_KEYS,
  RESEAL_KEYS,
  REVOKE_KEYS,
  ROTATE_KEYS,
  SHOW_AUDIT_LOG,
} from "./operators.ts";
import { IS_ALIVE, IS_READY, SHOW_METRICS } from "./ops.ts";
import { EVALUATE, FIND_REDEEMED, REDEEM } from "./other_servers.ts";
import { PAGES } from "./pages.ts";
import {
  FORESEE_RELEASES,
  LIFT_SUPPRESSION,
  MAKE_RELEASES,
  SHOW_JOINS,
  SHOW_RELEASES,
  SHOW_RELEASES_CSV,
  SHOW_RISK,
} from "./privacy.ts";

import { LIST_STORES, UNPIN_STORE } from "./stores.ts";

/** All operations, in the order of the document; those of clients come first, and are found first. */
export const OPERATIONS: readonly Operation[] = [
  SEND_LOG,
  ISSUE_TOKENS,
  LIST_PUBLIC_KEYS,
  SHOW_KEY_HISTORY,
  SHOW_SCHEMA,
  EVALUATE,
  REDEEM,
  FIND_REDEEMED,
  LIST_KEYS,
  ROTATE_KEYS,
  REVOKE_KEYS,
  REPLACE_KEYS,
  RESEAL_KEYS,
  LIST_STORES,
  UNPIN_STORE,
  CONFIRM_TIME,
  EXPORT_LOGS,
  RECONCILE,
  EXPORT_AUDIT_LOG,
  SHOW_AUDIT_LOG,
  SHOW_RISK,
  LIFT_SUPPRESSION,
  SHOW_JOINS,
  SHOW_RELEASES,
  SHOW_RELEASES_CSV,
  FORESEE_RELEASES,
  MAKE_RELEASES,
  SHOW_METRICS,
  IS_ALIVE,
  IS_READY,
];

/** All that may pass: by operation, and by page. */
export const PASSAGES: readonly Passage[] = [...OPERATIONS, ...PAGES];
