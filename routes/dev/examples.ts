/**
 * Development only. `GET /examples/browser/`: a page that uses the client SDK, so that it can be seen and tried.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import page from "../../examples/browser/index.html" with { type: "text" };
import script from "../../examples/browser/page.js" with { type: "text" };
import view from "../../examples/browser/view.js" with { type: "text" };
import style from "../../examples/browser/style.css" with { type: "text" };

const PAGE = "/examples/browser/";

// The page shows what it sends; that it asks nobody else for anything is for the browser to enforce.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The router of the example page. `clientBundle` gives the SDK as one module, when it was bundled. */
export function examplesRoutes(clientBundle: () => Promise<string | undefined>): Hono {
  const serve = (text: string, type: string) => (c: Context) =>
    c.body(text, 200, {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-cache",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
    });
  return new Hono()
    .get(PAGE.slice(0, -1), (c) => c.redirect(PAGE))
    .get(PAGE, serve(page, "text/html"))
    .get(`${PAGE}style.css`, serve(style, "text/css"))
    .get(`${PAGE}page.js`, serve(script, "text/javascript"))
    .get(`${PAGE}view.js`, serve(view, "text/javascript"))
    .get(`${PAGE}client.js`, async function serveClient(c) {
      const bundle = await clientBundle();
      if (bundle === undefined) {
        throw new Refusal("route_unknown", "The client was not bundled: start with deno task dev.");
      }
      return serve(bundle, "text/javascript")(c);
    });
}
