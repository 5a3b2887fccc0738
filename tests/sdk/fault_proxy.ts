/**
 * A server between the SDK in some runtime and a real service: it passes requests on, or does to them what the path says.
 *
 *     /session/{client}                    a JWT for a client
 *     /stored                              the levels of all `volume_changed` events that the service stored
 *     /{run}/{step}.{fault}.{times}/v1/... the service, where the first `times` requests of a run's step meet a fault
 *
 * @module
 */
import { type Fault, FAULTS, faultyNetwork } from "../support/client/faulty_network.ts";
import { present } from "../support/base/present.ts";

/** Answers of a malicious service, besides the faults of a network. */
const FORGERIES: Readonly<Record<string, (body: Uint8Array<ArrayBuffer>) => BodyInit>> = {
  wrong_proof(body) {
    body.set([present(body.at(-1)) ^ 1], body.length - 1);
    return body;
  },
  wrong_evaluation(body) {
    body.set([present(body[10]) ^ 1], 10);
    return body;
  },
  wrong_length: (body) => body.slice(0, -1),
  endless: () =>
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(0x20)) }),
};

/** Where the proxy is, and what it needs. */
export interface ProxyOptions {
  /** The service. */
  readonly service: string;
  /** The levels that it stored. */
  readonly stored: () => Promise<number[]>;
  /** Called before and after each request is passed on; the request waits for it. */
  readonly onPoint?: (run: string) => Promise<void>;
}

/** A running proxy. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
}

/** A connection that breaks in the middle of an answer. */
function broken(): Response {
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(1));
      },
      pull: (controller) => controller.error(new TypeError("the connection was reset")),
    }),
  );
}

/** Starts a proxy on a free port of this machine. */
export function startFaultProxy({ service, stored, onPoint }: ProxyOptions): FaultProxy {
  const met = new Map<string, number>();
  const pass = (path: string, run: string) => async (_url: string, init: RequestInit) => {
    await onPoint?.(run);
    const response = await fetch(service + path, init);
    await onPoint?.(run);
    return response;
  };

  async function forward(request: Request, run: string, plan: string, path: string): Promise<Response> {
    const [step, fault, times] = plan.split(".") as [string, string, string];
    const requested = path.slice(path.lastIndexOf("/") + 1);
    const count = met.get(run + requested) ?? 0;
    met.set(run + requested, count + 1);
    const isFaulty = requested === step && count < Number(times);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const init: RequestInit = { method: request.method, headers };
    if (request.method === "POST") init.body = await request.bytes();
    const network = faultyNetwork(
      pass(path, run),
      () => isFaulty && FAULTS.includes(fault as Fault) ? fault as Fault : "none",
    );
    try {
      const response = await network(path, init);
      if (!isFaulty || !(fault in FORGERIES)) return response;
      const forged = present(FORGERIES[fault])(await response.bytes());
      const type = present(response.headers.get("content-type"));
      return new Response(forged, { status: response.status, headers: { "content-type": type } });
    } catch {
      return broken();
    }
  }

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError: broken },
    async (request) => {
      const { pathname } = new URL(request.url);
      const [, first, second, rest] = /^\/([^/]+)(?:\/([^/]+)(\/.*)?)?$/.exec(pathname) ?? [];
      if (first === "stored") return Response.json(await stored());
      if (first !== "session") return await forward(request, present(first), present(second), present(rest));
      const signedIn = await fetch(`${service}/dev/session`, {
        method: "POST",
        body: JSON.stringify({ client: second }),
      });
      return new Response((await signedIn.json()).jwt);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
