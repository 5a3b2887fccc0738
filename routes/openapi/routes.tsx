/**
 * `GET /openapi.json`: the API as the routes themselves describe it. `GET /openapi`: the same for people, a page without
 * a script.
 *
 * @module
 */
import { Hono } from "hono";
import { pageStyle } from "../console/assets.ts";
import { type ApiDocument, apiDocument } from "./document.ts";
import style from "./page.css" with { type: "text" };
import { ApiPage, STYLE_PATH } from "./page.tsx";

const HEADERS = {
  "cache-control": "public, max-age=300",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
const POLICY = "default-src 'none'; style-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The router of the document of all described routes of `app`. */
export function openApiRoutes(app: Hono): Hono {
  let document: Promise<ApiDocument> | undefined;
  const readDocument = () => document ??= apiDocument(app);
  return new Hono()
    .get("/openapi.json", async (c) => c.json(await readDocument(), 200, HEADERS))
    .get("/openapi", async (c) => {
      const page = <ApiPage document={await readDocument()} />;
      return c.html(page, 200, { ...HEADERS, "content-security-policy": POLICY });
    })
    .get(
      STYLE_PATH,
      (c) => c.body(pageStyle + style, 200, { ...HEADERS, "content-type": "text/css; charset=utf-8" }),
    );
}
