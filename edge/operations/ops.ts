/**
 * What load balancers and scrapers call.
 *
 * @module
 */
import { z } from "zod";
import type { Operation } from "./operation.ts";
import { ANY_OPERATOR } from "./parts.ts";

/** `GET /healthz`. */
export const IS_ALIVE = {
  kind: "health",
  method: "GET",
  path: "/healthz",
  passes: [],
  tag: "Health",
  summary: "The process runs",
  answers: {
    description: "It does.",
    shape: z.strictObject({
      status: z.literal("ok"),
      version: z.string().describe("The program's version."),
    }),
  },
} as const satisfies Operation;

/** `GET /readyz`. */
export const IS_READY = {
  kind: "health",
  method: "GET",
  path: "/readyz",
  passes: [],
  tag: "Health",
  summary: "The process can do its work",
  answers: {
    description: "The store reads and writes, and every application has a key.",
    shape: z.strictObject({ status: z.literal("ready") }),
  },
} as const satisfies Operation;

/** `GET /metrics`. */
export const SHOW_METRICS = {
  kind: "metrics",
  method: "GET",
  path: "/metrics",
  passes: ["authorization"],
  tag: "Operators",
  summary: "This process's counters",
  description: "Prometheus's text format. What clients do anonymously is told as of the last full hour.",
  security: "readerToken",
  answers: { description: "The metrics.", type: "text/plain" },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;
