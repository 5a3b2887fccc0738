/**
 * `GET /openapi.json`: the API as its operations describe it. `GET /openapi`: the same for people.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { utf8 } from "../../core/base/bytes.ts";
import { inPieces } from "../../edge/http/in_pieces.ts";
import { apiDocument } from "./document.ts";
import style from "./page.css" with { type: "text" };
import { ApiPage } from "./page.tsx";

/** Kept for a day: it changes with a version. */
const STYLE = { "cache-control": "public, max-age=86400", "content-type": "text/css; charset=utf-8" };
const HEADERS = {
  "cache-control": "public, max-age=300",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
const POLICY = "default-src 'none'; style-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The router of the document of all described routes of `app`. */
export function openApiRoutes(app: Hono): Hono {
  let document: ReturnType<typeof apiDocument> | undefined;
  const readDocument = () => document ??= apiDocument(app);
  const encoded = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Answers with what `make` gives the first time that somebody wants it. */
  const serve = (c: Context, make: () => string, headers: Record<string, string>) => {
    const { path } = c.req;
    const bytes = encoded.get(path) ?? utf8(make());
    encoded.set(path, bytes);
    return c.body(inPieces(bytes), 200, { ...HEADERS, ...headers, "content-length": `${bytes.length}` });
  };
  return new Hono()
    .get("/openapi.json", (c) => {
      const headers = { "content-type": "application/json" };
      return serve(c, () => JSON.stringify(readDocument()), headers);
    })
    .get("/openapi", (c) => {
      const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY };
      return serve(c, () => String(<ApiPage document={readDocument()} />), headers);
    })
    .get("/openapi.css", (c) => serve(c, () => style, STYLE));
}
