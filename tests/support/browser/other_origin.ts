/**
 * The example page on an origin of its own, as an app has it whose telemetry goes to a service elsewhere.
 *
 * @module
 */
import type { Stage } from "./example_page.ts";

const EXAMPLE = new URL("../../../examples/browser/", import.meta.url);
const PATH = "/examples/browser/";
const TYPES: Record<string, string> = { html: "text/html", css: "text/css", js: "text/javascript" };

/** An app's own server. */
export interface OtherOrigin extends AsyncDisposable {
  /** Where it answers: another host and port than the service. */
  readonly origin: string;
}

/** Serves the page's files; sessions are asked of the service, as an app's server that signs its users in would give them. */
export function serveElsewhere(stage: Pick<Stage, "url" | "folder">): OtherOrigin {
  const server = Deno.serve({ port: 0, hostname: "localhost", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/dev/session") {
      return await fetch(stage.url + pathname, { method: "POST", body: await request.text() });
    }
    if (!pathname.startsWith(PATH)) return new Response(null, { status: 404 });
    const name = pathname.slice(PATH.length) || "index.html";
    const file = name === "client.js" ? `${stage.folder}/.dit/client.js` : new URL(name, EXAMPLE);
    const type = TYPES[name.split(".").at(-1)!];
    return new Response(await Deno.readTextFile(file), {
      headers: { "content-type": `${type}; charset=utf-8` },
    });
  });
  return {
    origin: `http://localhost:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
