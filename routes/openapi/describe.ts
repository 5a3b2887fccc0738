/**
 * An operation as the OpenAPI document has it. Statuses and titles of refusals come from edge/http/problem.ts: an
 * operation only names the codes that it may refuse with.
 *
 * @module
 */
import { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import {
  type Answer,
  ANY_REFUSAL,
  type Operation,
  type RequestBody,
} from "../../edge/operations/operation.ts";

/** JSON Schema, of which OpenAPI 3.1 takes all. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A body with its headers. */
export interface DescribedMessage {
  /** What it is. */
  readonly description: string;
  /** What comes with it. */
  readonly headers?:
    | Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>
    | undefined;
  /** Its shape by media type. */
  readonly content?:
    | Readonly<Record<string, { readonly schema?: JsonSchema; readonly "x-max-bytes"?: number }>>
    | undefined;
}

/** An operation of the document. */
export interface DescribedOperation {
  /** Its name, made of method and path. */
  readonly operationId: string;
  /** Who calls it. */
  readonly tags: readonly string[];
  /** What it does. */
  readonly summary: string;
  /** More, in Markdown. */
  readonly description?: string;
  /** Names of security schemes. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** Parts of the path, and headers. */
  readonly parameters?: readonly {
    readonly in: "path" | "header";
    readonly name: string;
    readonly required: boolean;
    readonly description?: string | undefined;
    readonly schema: JsonSchema;
  }[];
  /** The body that it takes, with its most bytes where they are the same for every application. */
  readonly requestBody?: DescribedMessage & {
    readonly required: boolean;
    readonly "x-max-bytes"?: number | undefined;
  };
  /** What it answers, by status. */
  readonly responses: Readonly<Record<string, DescribedMessage>>;
}

/** A path as the document writes it: `/v1/apps/{app}/logs`. */
export function documentPath({ path }: Operation): string {
  return path.replace(/:([a-z]+)/g, "{$1}");
}

/** Describes an operation. */
export function describeOperation(operation: Operation): DescribedOperation {
  const { tag, summary, description, security, parameters = {}, takesHeaders = {}, takes, answers } =
    operation;
  const described = [
    ...Object.entries(parameters).map(([name, shape]) => parameter("path", name, shape)),
    ...Object.entries(takesHeaders).map(([name, shape]) => parameter("header", name, shape)),
  ];
  const alsoAnswers = Object.entries(operation.alsoAnswers ?? {}).map(([status, about]) =>
    [status, { description: about }] as const
  );
  return {
    operationId: operationId(operation),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security === undefined ? [] : [{ [security]: [] }],
    ...(described.length === 0 ? {} : { parameters: described }),
    ...(takes === undefined ? {} : { requestBody: describeBody(takes, operation.alsoTakes) }),
    responses: {
      200: {
        description: answers.description,
        headers: headersOf(answers.headers),
        content: contentOf(answers),
      },
      ...Object.fromEntries(alsoAnswers),
      ...refusalResponses([...ANY_REFUSAL, ...operation.refuses ?? []]),
    },
  };
}

/** `postV1AppsByAppLogs`. */
function operationId({ method, path }: Operation): string {
  const words = path.split(/[/.]/).filter((part) => part !== "").flatMap((part) =>
    part.startsWith(":") ? ["by", part.slice(1)] : part.split("-")
  );
  const upper = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + upper.join("");
}

function parameter(place: "path" | "header", name: string, shape: z.ZodType) {
  const { description, ...schema } = jsonSchema(shape, "input");
  const required = place === "path" || !shape.safeParse(undefined).success;
  return { in: place, name, required, description: description as string | undefined, schema };
}

function describeBody(
  takes: RequestBody,
  also: RequestBody | undefined,
): NonNullable<DescribedOperation["requestBody"]> {
  const { description, type, maxBytes, bound, shape } = takes;
  const alternative = also === undefined ? "" : ` ${also.description} At most ${also.maxBytes} bytes.`;
  return {
    required: shape?.safeParse(undefined).success !== true,
    description: `${description} ${bound ?? `At most ${maxBytes} bytes.`}${alternative}`,
    content: {
      [type]: shape === undefined ? {} : { schema: jsonSchema(shape, "input") },
      ...(also === undefined ? {} : { [also.type]: { "x-max-bytes": also.maxBytes } }),
    },
    "x-max-bytes": bound === undefined ? maxBytes : undefined,
  };
}

function contentOf({ type = "application/json", shape }: Answer): DescribedMessage["content"] {
  if (shape !== undefined) return { [type]: { schema: jsonSchema(shape, "output") } };
  return { [type]: type.startsWith("text/") ? { schema: { type: "string" } } : {} };
}

function headersOf(headers: Readonly<Record<string, string>> = {}): DescribedMessage["headers"] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) =>
      [name, { description, schema: { type: "string" } }] as const
    ),
  );
}

/** The dialect stands once, in the document. */
function jsonSchema(shape: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io });
  return schema;
}

function refusalResponses(codes: readonly RefusalCode[]): Record<string, DescribedMessage> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => {
      const headers: Record<string, string> = {
        ...(status === 401 ? { "WWW-Authenticate": "The scheme that is expected." } : {}),
        ...(status === 429 || status === 503 ? { "Retry-After": "Seconds to wait." } : {}),
        ...(status === 405 ? { Allow: "The methods that the route takes." } : {}),
      };
      return [status, {
        description: ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(" "),
        headers: headersOf(headers),
        content: { "application/problem+json": { schema: problemSchema(status, ofStatus) } },
      }];
    }),
  );
}

/** A problem document (RFC 9457) with one of these codes. */
function problemSchema(status: number, codes: readonly RefusalCode[]): JsonSchema {
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
