/**
 * A real service behind a proxy on 127.0.0.1 that lies for as long as it is told to, and remembers what it was asked.
 *
 * @module
 */
import type { ApplicationConfig } from "../../core/config/types.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { withHeaders } from "./answers.ts";
import type { Seen, Step } from "./seen.ts";
import type { Tell } from "./table.ts";

/** What the honest service collects: events that are known by their number. */
const EVENTS: ApplicationConfig["events"] = {
  counted: {
    description: "Something has happened.",
    purpose: "Whether every event arrives once.",
    owner: "dit-maintainers",
    identifying: "Every event of a test is looked for among the records.",
    expires: "2099-12-31",
    fields: {
      number: { type: "integer", min: 0, max: 65_535 },
      platform: { type: "enum", values: ["web", "phone"], optional: true },
      latency_ms: { type: "bucket", edges: [10, 100, 1000], optional: true },
    },
  },
};

/** Answers requests over HTTP, or without a socket. */
export interface LyingService extends AsyncDisposable {
  readonly test: TestService;
  /** Where it answers. */
  readonly url: string;
  /** What it was asked so far, without sign-ins and preflights. */
  readonly seen: Seen[];
  /** What it says from now on; undefined: the truth. */
  lie: Tell | undefined;
  /** Answers one request. */
  readonly answer: (request: Request, connection?: number) => Promise<Response>;
}

/** How a lying service is configured. */
export interface LyingServiceOptions {
  /** What is different about the application. */
  readonly application?: Partial<ApplicationConfig> | undefined;
  /** Whether it listens; without a socket it is reached by `answer`. */
  readonly listens?: boolean;
}

/** Starts one. */
export async function startLyingService(
  { application = {}, listens = true }: LyingServiceOptions = {},
): Promise<LyingService> {
  const configured = {
    events: EVENTS,
    // Without a pseudonym there is no monitor.
    ...application.pseudonymSeconds !== false && { risk: { action: "warn" } as const },
    ...application,
  } as const;
  const test = await startService(configured);
  let other: TestService | undefined;
  let memory = new Map<string, unknown>();
  let told: Tell | undefined;
  const seen: Seen[] = [];

  async function askOther(path: string, init: RequestInit): Promise<Response> {
    other ??= await startService(configured);
    other.clock.now = test.clock.now;
    return await other.fetch(`https://telemetry.example${path}`, init);
  }

  async function answer(request: Request, connection?: number): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    // A lie may have somebody else sign in.
    if (pathname === "/session") {
      return new Response(await test.signIn(String(memory.get("subject") ?? "alice")));
    }
    const [, mirror, path = "", requested = ""] = /^(\/mirror)?(\/.*?([^/]*))$/.exec(pathname) ?? [];
    const body = request.method === "POST" ? await request.bytes() : undefined;
    const { method } = request;
    const headers = new Headers(request.headers);
    headers.delete("host");
    const init: RequestInit = { method, headers, ...body && { body } };
    const honest = () => test.fetch(`https://telemetry.example${path}${search}`, init);
    if (method === "OPTIONS") return await honest();
    const step = stepOf(mirror !== undefined, requested);
    const lie = told?.[step];
    const count = seen.filter((one) => one.step === step && one.lied).length;
    seen.push({
      ...{ step, method, headers, target: pathname + search },
      ...{ body: body ?? new Uint8Array(), lied: lie !== undefined, connection },
    });
    if (lie === undefined) return await honest();
    const asked = { step, count, request, now: test.clock.now, honest, memory };
    return await lie({ ...asked, other: () => askOther(path, init) });
  }

  const end = new AbortController();
  const server = listens
    ? Deno.serve(
      { port: 0, hostname: "127.0.0.1", signal: end.signal, onListen: () => {}, onError: () => broken() },
      async (request, { remoteAddr }) => {
        const response = await answer(request, remoteAddr.port);
        // A service that wants to mark pages shows them all that it says.
        return withHeaders(response, {
          "access-control-allow-origin": "*",
          "access-control-expose-headers": "*",
        });
      },
    )
    : undefined;
  return {
    test,
    url: server === undefined ? "https://telemetry.example" : `http://127.0.0.1:${server.addr.port}`,
    seen,
    get lie() {
      return told;
    },
    set lie(tell) {
      told = tell;
      memory = new Map();
    },
    answer,
    async [Symbol.asyncDispose]() {
      // Some bodies have no end.
      end.abort();
      await other?.close();
      await test.close();
    },
  };
}

function stepOf(isMirror: boolean, requested: string): Step {
  if (!isMirror) return requested as Step;
  return requested === "schema" ? "mirror_schema" : "mirror";
}

/** A connection that breaks in the middle of an answer. */
export function broken(): Response {
  return new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
      pull: (controller) => controller.error(new TypeError("the connection was reset")),
    }),
  );
}
