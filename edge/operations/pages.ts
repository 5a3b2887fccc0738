/**
 * What of a request may reach the routes that the OpenAPI document does not have: pages for people, development, and
 * what is no route of operators.
 *
 * @module
 */
import type { Passage } from "./operation.ts";
import { OPERATOR_ACTS } from "./parts.ts";

const CONSOLE = [
  "content-type",
  "content-length",
  "cookie",
  "host",
  "if-none-match",
  "origin",
  "sec-fetch-site",
] as const;
const DEVELOPMENT = ["content-type", "content-length"] as const;

/** In the order in which they are tried. */
export const PAGES: readonly Passage[] = [
  { kind: "openapi", path: "/openapi", passes: [] },
  { kind: "openapi", path: "/openapi.json", passes: [] },
  { kind: "openapi", path: "/openapi.css", passes: [] },
  // The identity provider sends the browser back with a code that counts once, and only with its verifier.
  { kind: "console", path: "/console/sign-in/callback", passes: ["cookie", "host"], query: true },
  { kind: "console", path: "/console/*", passes: CONSOLE },
  // A holder of the token hears what is wrong with the path.
  { kind: "admin", path: "/admin/*", passes: OPERATOR_ACTS },
  { kind: "dev", path: "/dev/*", passes: DEVELOPMENT, loopback: true },
  { kind: "dev", path: "/examples/*", passes: DEVELOPMENT },
];
