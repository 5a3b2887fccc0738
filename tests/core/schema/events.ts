import type { EventSchemas } from "../../../core/schema/event.ts";

/** What every event says in words. */
export const words = { description: "d", purpose: "p", owner: "o" };
/** An event with a field of each type, and one that is stopped. */
export const EVENTS = {
  token_fetch: {
    ...words,
    expires: "2027-11-01",
    fields: {
      ok: { type: "boolean" },
      platform: { type: "enum", values: ["linux", "other"], description: "Which system." },
      retries: { type: "integer", min: 0, max: 10, optional: true },
      latency_ms: { type: "bucket", edges: [10, 100], localDp: { epsilon: 1 } },
      runtime: { type: "version" },
    },
  },
  halted: { ...words, expires: "2027-11-01", state: "stopped", sample: 0.1, review: "r/7", fields: {} },
} satisfies EventSchemas;

/** While `token_fetch` is collected. */
export const BEFORE = Date.UTC(2026, 10, 22) / 1000;
/** The first second after the last day of `token_fetch`. */
export const AFTER = Date.UTC(2027, 10, 2) / 1000;
