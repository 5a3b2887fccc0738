/**
 * `GET /openapi.json`: the API as its operations describe it. `GET /openapi`: the same for people, in Swagger UI, which is
 * served from its package: nothing is asked of anybody else. (A script that a dependency of the package brings, to count
 * installations, is not run: Deno runs none.)
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { utf8 } from "../../core/base/bytes.ts";
import { inPieces } from "../../edge/http/in_pieces.ts";
import { apiDocument } from "./document.ts";
import style from "./page.css" with { type: "text" };
import script from "./page.js" with { type: "text" };
import { ApiPage } from "./page.tsx";

/** A day: it changes with the version of its package. */
const ASSET_CACHING = "public, max-age=86400";
const HEADERS = {
  "cache-control": "public, max-age=300",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The router of the document of all described routes of `app`. */
export function openApiRoutes(app: Hono): Hono {
  let document: ReturnType<typeof apiDocument> | undefined;
  const readDocument = () => document ??= apiDocument(app);
  const encoded = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Answers with what `make` gives the first time that somebody wants it. */
  const serve = async (c: Context, make: () => string | Promise<string>, headers: Record<string, string>) => {
    const { path } = c.req;
    const bytes = encoded.get(path) ?? utf8(await make());
    encoded.set(path, bytes);
    return c.body(inPieces(bytes), 200, { ...HEADERS, ...headers, "content-length": `${bytes.length}` });
  };
  return new Hono()
    .get("/openapi.json", (c) => {
      const headers = { "content-type": "application/json" };
      return serve(c, () => JSON.stringify(readDocument()), headers);
    })
    .get("/openapi", (c) => {
      const page = <ApiPage document={readDocument()} />;
      return c.html(page, 200, { ...HEADERS, "content-security-policy": POLICY });
    })
    // Large, and rarely wanted: read when somebody first does.
    .get("/openapi.js", (c) => serve(c, readScript, asset("text/javascript")))
    .get("/openapi.css", (c) => serve(c, readStyle, asset("text/css")));
}

function asset(type: string): Record<string, string> {
  return { "cache-control": ASSET_CACHING, "content-type": `${type}; charset=utf-8` };
}

async function readScript(): Promise<string> {
  const { default: viewer } = await import("swagger-ui-dist/swagger-ui-bundle.js", {
    with: { type: "text" },
  });
  return `${viewer}\n${script}`;
}

async function readStyle(): Promise<string> {
  const { default: viewer } = await import("swagger-ui-dist/swagger-ui.css", { with: { type: "text" } });
  return viewer + style;
}
