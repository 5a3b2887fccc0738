/**
 * Reads a request by its operation: the parts of its path, its headers and its body, each checked by the shape that the
 * OpenAPI document prints. Bytes are decoded and parsed here and nowhere else.
 *
 * @module
 */
import type { Context } from "hono";
import type { z } from "zod";
import { Refusal } from "../core/base/errors.ts";
import { parseJson } from "./http/parse_json.ts";
import { type BodyWait, bodyWaitOf } from "./http/body_wait.ts";
import { readBoundedBody } from "./http/read_body.ts";
import type { Encoding, Operation, RequestBody } from "./operations/operation.ts";

/** What of an operation says how its requests are read. */
export type Reads = Pick<Operation, "parameters" | "takesHeaders" | "takes">;

type Shapes = Readonly<Record<string, z.ZodType>>;
type OutputsOf<S> = S extends Shapes ? { readonly [Name in keyof S]: z.output<S[Name]> } : object;
type BodyOf<B> = B extends { readonly verified: true } ? Uint8Array<ArrayBuffer>
  : B extends { readonly shape: infer S extends z.ZodType } ? z.output<S>
  : B extends RequestBody ? Uint8Array<ArrayBuffer>
  : undefined;
type Member<O, Name extends string> = O extends { readonly [Key in Name]: infer Value } ? Value : undefined;

/** A request as its operation reads it. */
export interface Read<O extends Reads> {
  /** The parts of the path. */
  readonly params: OutputsOf<Member<O, "parameters">>;
  /** The headers that the operation takes besides. */
  readonly headers: OutputsOf<Member<O, "takesHeaders">>;
  /** The body: bytes where it is binary or still has to be verified. */
  readonly body: BodyOf<Member<O, "takes">>;
}

/** How a body is bounded besides. */
export interface ReadOptions {
  /** A tighter bound than the operation's, in bytes. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds in which the whole body has to arrive; 10,000 by default. */
  readonly deadlineMs?: number | undefined;
}

/**
 * Reads a request.
 *
 * @example
 * ```ts
 * const { params: { day }, body: { early } } = await readRequest(c, MAKE_RELEASES);
 * ```
 *
 * @throws {Refusal} `route_unknown` for the path, then `media_type`, `body_malformed` for a header, `body_too_large`,
 * `request_timeout`, `overloaded`, and `body_malformed` for the body.
 */
export async function readRequest<const O extends Reads>(
  c: Context,
  operation: O,
  options: ReadOptions = {},
): Promise<Read<O>> {
  const { parameters = {}, takesHeaders = {}, takes } = operation;
  const params = check(parameters, (name) => c.req.param(name), "route_unknown");
  requireMediaType(c.req.raw.headers, operation);
  const headers = check(takesHeaders, (name) => c.req.header(name), "body_malformed");
  const body = takes === undefined
    ? undefined
    : await readBody(c.req.raw, takes, { ...options, wait: bodyWaitOf(c) });
  return { params, headers, body } as Read<O>;
}

/**
 * Requires the media type and encoding that an operation takes, and gives the encoding. {@linkcode readRequest} does it as
 * well: a route calls this where something else, such as a credential, has to be refused before the body is read.
 * @throws {Refusal} `media_type`.
 */
export function requireMediaType(
  headers: { get(name: "content-encoding" | "content-type"): string | null },
  { takes }: Reads,
): Encoding {
  if (takes === undefined) return "";
  const { type, namesType, encodings } = takes;
  const encoding = headers.get("content-encoding")?.toLowerCase();
  const plain = `The content type is not ${type}, unencoded.`;
  if (namesType && headers.get("content-type")?.toLowerCase() !== type) {
    const detail = encodings?.length === 0 ? plain : `The content type is not ${type} without parameters.`;
    throw new Refusal("media_type", detail);
  }
  if (encodings === undefined || encoding === undefined) return "";
  const found = encodings.find((one) => one === encoding);
  if (found !== undefined) return found;
  const known = encodings.filter((one) => one !== "").join(" nor ");
  throw new Refusal(
    "media_type",
    known === "" ? plain : `The content encoding is neither absent nor ${known}.`,
  );
}

function check(
  shapes: Shapes,
  read: (name: string) => string | undefined,
  code: "route_unknown" | "body_malformed",
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const { success, data, error } = shape.safeParse(read(name));
      if (!success) throw new Refusal(code, error.issues[0]?.message ?? `${name} is malformed.`);
      return [name, data];
    }),
  );
}

async function readBody(
  request: Request,
  takes: RequestBody,
  { maxBytes = takes.maxBytes, deadlineMs, wait }: ReadOptions & { readonly wait: BodyWait },
): Promise<unknown> {
  const bytes = await readBoundedBody(request, { maxBytes, deadlineMs, wait });
  const { shape, verified, expected = "The body is malformed." } = takes;
  if (shape === undefined || verified === true) return bytes;
  // Where a body is optional, none at all is `undefined`.
  const json = bytes.length === 0 ? { value: undefined } : parseJson(bytes);
  const parsed = json && shape.safeParse(json.value);
  if (parsed?.success === true) return parsed.data;
  // Where the shape is right and only a member does not decode, its decoder says what is wrong.
  const faults = parsed?.error.issues ?? [];
  const [first] = faults;
  const isUndecodable = first !== undefined && faults.every(({ code }) => code === "custom");
  throw new Refusal("body_malformed", isUndecodable ? first.message : expected);
}
