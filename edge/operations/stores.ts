/**
 * What operators do about the stores of log servers.
 *
 * @module
 */
import { z } from "zod";
import type { Operation } from "./operation.ts";
import {
  ANY_ACTION,
  ANY_OPERATOR,
  OF_APPLICATION,
  OPERATOR_ACTS,
  OPERATOR_READS,
  operatorBody,
} from "./parts.ts";
import { reason, seconds, storeId } from "./shapes.ts";

/** `GET /admin/v1/stores`. */
export const LIST_STORES = {
  kind: "admin",
  method: "GET",
  path: "/admin/v1/stores",
  passes: OPERATOR_READS,
  tag: "Operators",
  summary: "The stores of log servers that applications belong to",
  security: "readerToken",
  ofEach: true,
  answers: {
    description: "Stores by application. An id is no secret.",
    shape: z.strictObject({
      stores: z.array(z.strictObject({ app: z.string(), store: storeId, pinnedAt: seconds })),
    }),
  },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;

/** `POST /admin/v1/apps/{app}/stores/unpin`. */
export const UNPIN_STORE = {
  kind: "admin",
  method: "POST",
  path: "/admin/v1/apps/:app/stores/unpin",
  passes: OPERATOR_ACTS,
  tag: "Operators",
  summary: "Let another store take the place of the one that an application belongs to",
  description:
    "The next store that uses the token takes its place. It knows of no log that the one before had stored, and gives " +
    "accounts names of its own: until the keys of now have ended, a log that is sent again may be stored twice, and an " +
    "account may have its quota twice.",
  security: "adminToken",
  parameters: OF_APPLICATION,
  takes: {
    ...operatorBody,
    description: "The store that is pinned now.",
    shape: z.strictObject({ store: storeId, reason }),
    expected: 'Send {"store": "<its id>", "reason": "..."}.',
  },
  answers: {
    description: "Whether it was pinned until now.",
    shape: z.strictObject({ unpinned: z.boolean() }),
  },
  refuses: [...ANY_ACTION, "app_unknown"],
} as const satisfies Operation;
