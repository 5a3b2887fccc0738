/**
 * Holds real answers against the OpenAPI document: whatever a test makes the service answer has to stand in it.
 *
 * @module
 */
import { assert, AssertionError } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Hono } from "hono";
import { type ApiDocument, apiDocument } from "../../../routes/openapi/document.ts";

interface DocumentedAnswer {
  content?: Record<string, { schema?: Record<string, unknown> }>;
}

interface Operation {
  method: string;
  path: RegExp;
  name: string;
  responses: Record<string, DocumentedAnswer>;
}

/** Routes for people and for development. */
const NOT_DESCRIBED = /^\/(?:console|dev|openapi)/;

const ajv = new Ajv2020({ strict: true, validateFormats: false, allowUnionTypes: true });
const validators = new WeakMap<object, ReturnType<typeof ajv.compile>>();

/** Checks answers; made once for an app that has every route. */
export class DocumentCheck {
  /** `METHOD /path status code` of every answer that was checked. */
  readonly seen = new Set<string>();
  readonly #operations: Operation[];

  private constructor(readonly document: ApiDocument) {
    const paths = document.paths as Record<string, Record<string, { responses: Operation["responses"] }>>;
    this.#operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => ({
        method: method.toUpperCase(),
        path: new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`),
        name: `${method.toUpperCase()} ${path}`,
        responses,
      }))
    );
  }

  /** Reads the document of an app. */
  static async of(app: Hono): Promise<DocumentCheck> {
    return new DocumentCheck(await apiDocument(app));
  }

  /** Asserts that an answer stands in the document, and gives it back. */
  readonly hold = async (request: Request, response: Response): Promise<Response> => {
    const path = URL.parse(request.url)?.pathname ?? "";
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (method === "OPTIONS" || NOT_DESCRIBED.test(path)) return response;
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const body = /[/+]json$/.test(type) && request.method !== "HEAD"
      ? await response.clone().json()
      : undefined;
    const { status } = response;
    const operation = this.#operations.find((one) => one.method === method && one.path.test(path));
    if (operation === undefined) {
      // No route, or not with this method: the answer can only be a refusal.
      assert(status >= 400 && type === "application/problem+json", `${method} ${path} ${status}`);
      return response;
    }
    const what = `${operation.name} ${status}${status >= 400 ? ` ${body?.code}` : ""}`;
    const documented = operation.responses[status];
    if (documented === undefined) throw new AssertionError(`${what} is not in the document`);
    if (documented.content !== undefined && request.method !== "HEAD") {
      const content = documented.content[type];
      if (content === undefined) throw new AssertionError(`${what}: the document has no ${type}`);
      if (content.schema !== undefined && body !== undefined) {
        const validate = validatorOf(content.schema);
        assert(validate(body), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
      }
    }
    this.seen.add(what);
    return response;
  };
}

function validatorOf(schema: Record<string, unknown>): ReturnType<typeof ajv.compile> {
  let validate = validators.get(schema);
  if (validate === undefined) validators.set(schema, validate = ajv.compile(schema));
  return validate;
}
