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
    description:
      "The store reads and writes, and every application has a key: in every process on this port.",
    shape: z.strictObject({
      status: z.literal("ready"),
      processes: z.record(z.string(), z.enum(["ready", "away"])).optional()
        .describe(
          "Each process by its number, where several answer on this port; one that is away gets no request.",
        ),
    }),
  },
} as const satisfies Operation;

/** `GET /metrics`. */
export const SHOW_METRICS = {
  kind: "metrics",
  method: "GET",
  path: "/metrics",
  passes: ["authorization"],
  tag: "Operators",
  summary: "The counters of the processes on this port",
  description:
    "Prometheus's text format, with a label process where several answer on this port. What clients do anonymously is told as of the last full hour.",
  security: "readerToken",
  answers: { description: "The metrics.", type: "text/plain" },
  refuses: ANY_OPERATOR,
} as const satisfies Operation;
