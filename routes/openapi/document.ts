/**
 * The API as the routes themselves describe it (OpenAPI 3.1).
 *
 * @module
 */
import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import { SECURITY } from "./describe.ts";

/** A document that {@linkcode apiDocument} made. */
export type ApiDocument = Awaited<ReturnType<typeof generateSpecs>>;

/** Makes the document from the described routes of an app. */
export function apiDocument(app: Hono): Promise<ApiDocument> {
  return generateSpecs(app, {
    documentation: {
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
        { name: "Operators", description: "Behind the admin token; absent unless it is configured." },
        { name: "Health", description: "For load balancers." },
      ],
      components: { securitySchemes: SECURITY },
    },
  });
}
