// deno-lint-ignore-file no-console -- the leaks of a service that writes lines it should not.
/**
 * Runs inside the service before its own code and makes it leak, in a way for each place that the canary test searches.
 * It is what a careless change would do: look at the request before it is stripped.
 *
 * @module
 */
import { createHash } from "node:crypto";

const hex = (text: string) => new TextEncoder().encode(text).toHex();
const sha256 = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());

interface Telemetry {
  tracerProvider: {
    getTracer(name: string): { startSpan(name: string, options: unknown): { end(): void } };
  };
  meterProvider: {
    getMeter(
      name: string,
    ): { createCounter(name: string): { add(value: number, attributes: unknown): void } };
  };
}

const telemetry = (Deno as unknown as { telemetry: Telemetry }).telemetry;
const counter = telemetry.meterProvider.getMeter("leaks").createCounter("leaks");
let kv: Deno.Kv | undefined;
let device = "";
let leaked = 0;

/** Puts something in the place of a function of the runtime. */
function replace(name: "openKv" | "serve", value: unknown): void {
  Object.defineProperty(Deno, name, { value, configurable: true });
}

const { openKv, serve } = Deno;
replace("openKv", async (path?: string) => kv = await openKv(path));

async function leak({ headers }: Request, address: string): Promise<void> {
  const header = (name: string) => headers.get(name) ?? "";
  // What only the test's own requests carry; a check of readiness says nothing.
  if (header("cookie") === "" || leaked > 200) return;
  leaked++;
  console.log(`seen ${[...header("user-agent")].toReversed().join("")}`);
  console.error(`seen ${sha256(address).toHex()}`);
  await kv?.set(["leak", leaked], {
    id: btoa(header("cookie")),
    language: sha256(languageOf(header("accept-language"))),
    agent: sha256(header("user-agent")),
  });
  telemetry.tracerProvider.getTracer("leaks").startSpan("leak", {
    attributes: { id: hex(header("x-request-id")) },
  }).end();
  counter.add(1, { model: header("sec-ch-ua-model") });
  device = header("x-device-id").toUpperCase() || device;
}

/** As a list of languages is read: the second one, without its weight. */
function languageOf(list: string): string {
  return list.split(",")[1]?.split(";")[0] ?? "";
}

type Handler = Deno.ServeHandler<Deno.NetAddr>;

replace(
  "serve",
  (options: Deno.ServeTcpOptions, handler: Handler) =>
    serve(options, async (request, info) => {
      await leak(request, info.remoteAddr.hostname);
      const response = await handler(request, info);
      if (!new URL(request.url).pathname.startsWith("/admin/")) return response;
      const headers = { ...Object.fromEntries(response.headers), "x-seen": device };
      return new Response(response.body, { status: response.status, headers });
    }),
);
