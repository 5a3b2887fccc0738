/**
 * The OpenAPI document as the page goes through it.
 *
 * @module
 */
import type { ApiDocument } from "./document.ts";
import type { JsonSchema } from "./shape.tsx";

/** A body with its headers, as the document has it. */
export interface Message {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
}

/** A route with its method. */
export interface Route {
  /** The anchor of its place on the page. */
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string | undefined;
  /** The name of its security scheme. */
  readonly security: string | undefined;
  /** Headers that it takes, with their meaning. */
  readonly takesHeaders: readonly (readonly [name: string, meaning: string])[];
  readonly takes: Message | undefined;
  /** What it answers that is no refusal, by status. */
  readonly answers: readonly (readonly [status: number, message: Message])[];
  /** What it may be refused with and not every route may. */
  readonly refusals: readonly RefusedWith[];
}

/** A refusal that a route may answer. */
export interface RefusedWith {
  readonly status: number;
  readonly code: string;
}

/** Everything that the page shows. */
export interface ReadDocument {
  readonly routes: readonly Route[];
  /** What every route may refuse with. */
  readonly common: readonly RefusedWith[];
  /** All refusals, by status. */
  readonly refusals: readonly RefusedWith[];
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly description?: string;
  }[];
  readonly requestBody?: Message;
  readonly responses: Readonly<Record<string, Message>>;
}

/** Reads a document that {@linkcode apiDocument} made: its operations have all that `described` gives them. */
export function readDocument({ paths }: ApiDocument): ReadDocument {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) =>
      ({ path, method, operation, refusals: refusalsOf(operation) }) as const
    )
  );
  const named = (refusal: RefusedWith) => `${refusal.status} ${refusal.code}`;
  const all = new Map(operations.flatMap(({ refusals }) => refusals).map((one) => [named(one), one]));
  const common = new Set(
    [...all.keys()].filter((name) =>
      operations.every(({ refusals }) => refusals.some((one) => named(one) === name))
    ),
  );
  const byStatus = (a: RefusedWith, b: RefusedWith) => a.status - b.status;
  return {
    routes: operations.map(({ path, method, operation, refusals }) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      tag: operation.tags[0]!,
      summary: operation.summary,
      description: operation.description,
      security: Object.keys(operation.security[0] ?? {})[0],
      takesHeaders: (operation.parameters ?? []).filter((parameter) => parameter.in === "header")
        .map(({ name, description = "" }) => [name, description] as const),
      takes: operation.requestBody,
      answers: Object.entries(operation.responses).map(([status, message]) =>
        [Number(status), message] as const
      )
        .filter(([status]) => status < 400),
      refusals: refusals.filter((refusal) => !common.has(named(refusal))),
    })),
    common: [...common].map((name) => all.get(name)!).toSorted(byStatus),
    refusals: [...all.values()].toSorted(byStatus),
  };
}

function refusalsOf({ responses }: Operation): RefusedWith[] {
  return Object.entries(responses).flatMap(([status, { content }]) =>
    (content?.["application/problem+json"]?.schema?.properties?.code?.enum ?? []).map((code) => ({
      status: Number(status),
      code: String(code),
    }))
  );
}
