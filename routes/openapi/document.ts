/**
 * The API as its operations describe it (OpenAPI 3.1).
 *
 * @module
 */
import type { Hono } from "hono";
import { OPERATIONS } from "../../edge/operations/index.ts";
import { SECURITY } from "../../edge/operations/operation.ts";
import { type DescribedOperation, describeOperation, documentPath } from "./describe.ts";

/** A document that {@linkcode apiDocument} made. */
export interface ApiDocument {
  /** The version of OpenAPI. */
  readonly openapi: string;
  /** What the API is. */
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  /** Who calls it. */
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** Operations by path and by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  /** How callers show who they are. */
  readonly components: { readonly securitySchemes: typeof SECURITY };
}

/** Makes the document of the operations for which an app has a route. */
export function apiDocument(app: Hono): ApiDocument {
  const routes = new Set(app.routes.map(({ method, path }) => `${method} ${path}`));
  const mounted = OPERATIONS.filter(({ method, path }) => routes.has(`${method} ${path}`));
  const paths = Object.entries(Object.groupBy(mounted, documentPath)).map(([path, operations = []]) => {
    const methods = operations.map((one) => [one.method.toLowerCase(), describeOperation(one)] as const);
    return [path, Object.fromEntries(methods)] as const;
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "DIT",
      version: "1",
      description:
        "De-identified telemetry: tokens are issued to clients that are signed in, and logs are taken " +
        "from clients that are not. docs/protocol.md has every byte.",
      license: { name: "MIT", identifier: "MIT" },
    },
    tags: [
      { name: "Clients", description: "Issuance, logs, and the public documents." },
      { name: "Other servers", description: "The ACS for application servers that keep their own logs." },
      {
        name: "Operators",
        description:
          "Behind a token of operators; absent unless one is configured. A token may hold for some " +
          "applications: others are 404 `app_unknown` to it, lists leave them out, and what is about the whole service " +
          "is 403 `role_insufficient`.",
      },
      { name: "Health", description: "For load balancers." },
    ],
    paths: Object.fromEntries(paths),
    components: { securitySchemes: SECURITY },
  };
}
