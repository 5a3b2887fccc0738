/**
 * How a route says what it takes and answers, so that the OpenAPI document comes from the routes themselves. Statuses
 * and titles of refusals come from edge/http/problem.ts: a route only names the codes that it may refuse with.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { describeRoute, type DescribeRouteOptions } from "hono-openapi";
import { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";

/** What a route takes or answers in a body. */
export interface Content {
  /** What it is, in one sentence. */
  readonly description: string;
  /** The media type; `application/json` by default. */
  readonly type?: string;
  /** The shape of JSON; binary or text where there is none. */
  readonly shape?: z.ZodType;
  /** Names of headers that come with it, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is documented of a route. */
export interface Operation {
  /** Who calls it. */
  readonly tag: "Clients" | "Other servers" | "Operators" | "Health";
  /** What it does, in a few words. */
  readonly summary: string;
  /** More, in Markdown. */
  readonly description?: string;
  /** The name of its security scheme; nobody has to show anything where there is none. */
  readonly security?: keyof typeof SECURITY;
  /** Headers that it takes besides those of its body and its security. */
  readonly takesHeaders?: Readonly<Record<string, string>>;
  /** The body that it takes. */
  readonly takes?: Content;
  /** Its success. */
  readonly answers: Content;
  /** Other statuses that are no refusal, such as 304. */
  readonly alsoAnswers?: Readonly<Record<number, string>>;
  /** The codes that it may refuse with, besides those that any route may. */
  readonly refuses?: readonly RefusalCode[];
}

/** How callers show who they are, or that they need not say. */
export const SECURITY = {
  session: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The client's own session with the application, for issuance alone.",
  },
  credential: {
    type: "http",
    scheme: "DIT",
    description: "A token's nonce and a MAC under the key that only its holder can derive " +
      "(docs/protocol.md, section 5): `DIT key=..., nonce=..., use=..., mac=...`.",
  },
  serviceToken: {
    type: "http",
    scheme: "bearer",
    description: "The service token of the application.",
  },
  adminToken: {
    type: "http",
    scheme: "bearer",
    description: "The admin token; the reader token where nothing is changed and no raw record is given out.",
  },
} as const;

/** Codes that any request may be refused with, before a route sees it or while it works. */
const ALWAYS: readonly RefusalCode[] = [
  "query_refused",
  "route_unknown",
  "method_not_allowed",
  "overloaded",
  "headers_too_large",
  "internal",
  "store_unavailable",
];

/** Middleware that does nothing but describe the route that it stands before. */
export function described(operation: Operation): MiddlewareHandler {
  const { tag, summary, description, security, takesHeaders = {}, takes, answers, refuses = [] } = operation;
  const parameters = Object.entries(takesHeaders).map(([name, about]) => ({
    in: "header" as const,
    name,
    description: about,
    schema: { type: "string" as const },
  }));
  return describeRoute({
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(security === undefined ? { security: [] } : { security: [{ [security]: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(takes === undefined ? {} : {
      requestBody: {
        required: takes.shape?.safeParse(undefined).success !== true,
        description: takes.description,
        content: contentOf(takes),
      },
    }),
    responses: {
      200: { description: answers.description, headers: headersOf(answers), content: contentOf(answers) },
      ...Object.fromEntries(
        Object.entries(operation.alsoAnswers ?? {}).map((
          [status, about],
        ) => [status, { description: about }]),
      ),
      ...refusalResponses([...ALWAYS, ...refuses]),
    },
  } as DescribeRouteOptions);
}

function contentOf({ type = "application/json", shape }: Content): Record<string, unknown> {
  if (shape !== undefined) return { [type]: { schema: jsonSchema(shape) } };
  return { [type]: type.startsWith("text/") ? { schema: { type: "string" } } : {} };
}

function headersOf({ headers = {} }: Content): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map((
      [name, description],
    ) => [name, { description, schema: { type: "string" } }]),
  );
}

/** OpenAPI 3.1 takes JSON Schema as it is; the dialect stands once, in the document. */
function jsonSchema(shape: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io: "output" });
  return schema;
}

function refusalResponses(codes: readonly RefusalCode[]): Record<number, unknown> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => {
      const titles = ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`);
      const headers: Record<string, string> = {
        ...(status === 401 ? { "WWW-Authenticate": "The scheme that is expected." } : {}),
        ...(status === 429 || status === 503 ? { "Retry-After": "Seconds to wait." } : {}),
        ...(status === 405 ? { Allow: "The methods that the route takes." } : {}),
      };
      return [status, {
        description: titles.join(" "),
        headers: headersOf({ description: "", headers }),
        content: { "application/problem+json": { schema: problemSchema(status, ofStatus) } },
      }];
    }),
  );
}

/** A problem document (RFC 9457) with one of these codes. */
function problemSchema(status: number, codes: readonly RefusalCode[]): Record<string, unknown> {
  return {
    type: "object",
    required: ["type", "title", "status", "code", "detail"],
    properties: {
      type: { const: "about:blank" },
      title: { type: "string" },
      status: { const: status },
      code: { enum: [...codes] },
      detail: { type: "string" },
    },
  };
}
