/**
 * A network between a client and a service that loses, doubles, cuts and delays what goes through it.
 *
 * @module
 */
import type { Fetch } from "../../../client/mod.ts";

/** What happens to one request. */
export type Fault =
  | "none"
  /** It never arrives. */
  | "request_lost"
  /** It arrives, and its answer does not. */
  | "answer_lost"
  /** It arrives twice; the second answer comes back. */
  | "doubled"
  /** It arrives, and half of its answer comes back. */
  | "answer_cut"
  /** It arrives, and a proxy answers 503 in its place. */
  | "proxy_error"
  /** It arrives, and the service answers 503 although it did its work. */
  | "unavailable_after"
  /** The connection breaks in the middle of its body. */
  | "request_cut"
  /** It arrives after the client's other work. */
  | "delayed";

/** Every fault. */
export const FAULTS: readonly Fault[] = [
  "none",
  "request_lost",
  "answer_lost",
  "doubled",
  "answer_cut",
  "proxy_error",
  "unavailable_after",
  "request_cut",
  "delayed",
];

const UNAVAILABLE = JSON.stringify({ code: "store_unavailable", status: 503 });

/** A request whose body ends with an error after its first half. */
function cut(init: RequestInit, body: Uint8Array): RequestInit {
  const chunks = [body.slice(0, body.length / 2)];
  return {
    ...init,
    body: new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.error(new TypeError("the connection was reset"));
        else controller.enqueue(chunk);
      },
    }),
  };
}

/** Passes requests on as `faultOf` says for each, by its step (keys, schema, tokens, logs). */
export function faultyNetwork(fetch: Fetch, faultOf: (step: string) => Fault): Fetch {
  return async (url, init) => {
    const fault = faultOf(url.slice(url.lastIndexOf("/") + 1));
    if (fault === "request_lost") throw new TypeError("the connection was refused");
    if (fault === "delayed") await new Promise((resolve) => setTimeout(resolve, 1));
    if (fault === "doubled") await (await fetch(url, init)).body?.cancel();
    if (fault === "request_cut") {
      if (init.body instanceof Uint8Array) await (await fetch(url, cut(init, init.body))).body?.cancel();
      throw new TypeError("the connection was reset");
    }
    const response = await fetch(url, init);
    switch (fault) {
      case "answer_lost":
        await response.body?.cancel();
        throw new TypeError("the connection was reset");
      case "answer_cut": {
        const body = new Uint8Array(await response.arrayBuffer());
        return new Response(body.slice(0, body.length / 2), response);
      }
      case "proxy_error":
        await response.body?.cancel();
        return new Response("<h1>Bad gateway</h1>", {
          status: 503,
          headers: { "content-type": "text/html" },
        });
      case "unavailable_after":
        await response.body?.cancel();
        return new Response(UNAVAILABLE, {
          status: 503,
          headers: { "content-type": "application/problem+json" },
        });
      default:
        return response;
    }
  };
}
