/**
 * A KV Connect endpoint on this machine: what `Deno.openKv("http://...")` talks to, with the engine that Deno itself
 * uses, and with faults that a test can switch on. Several processes may share it; one SQLite file they may not.
 *
 * Protocol: kv-connect.md in the denokv repository, versions 2 and 3, without queues.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { concat } from "../../../core/base/bytes.ts";
import { type KvEngine, KvEngineError, openKvEngine } from "./kv_engine.ts";
import { type FaultName, type KvFaults, noFaults, seededRandom, strikes } from "./kv_faults.ts";
import { openTcpGate, type TcpGate } from "../processes/tcp_gate.ts";

/** How to start an endpoint. */
export interface KvEndpointOptions {
  /** The SQLite file, made if absent; `":memory:"` is empty again after each start. */
  path: string;
  /** Where to listen, on 127.0.0.1; a free port if absent. */
  port?: number;
  /** What clients show as `DENO_KV_ACCESS_TOKEN`. */
  token: string;
  /** Faults from the start. */
  faults?: Partial<KvFaults>;
  /** Seed of every fault that strikes by chance. */
  seed?: number;
}

/** A running endpoint. */
export interface KvEndpoint extends AsyncDisposable {
  /** What to give to `Deno.openKv`. */
  readonly url: string;
  /** Set its properties at any time. */
  readonly faults: KvFaults;
  /** Data requests that have arrived, writes that have reached the engine, and how often each fault has struck. */
  readonly counts: Record<"requests" | "writes" | FaultName, number>;
  /**
   * Goes down as a killed server does: closes every connection, refuses new ones, closes the file. A write that has
   * reached the engine still lands; one that hangs never does.
   */
  stop(): Promise<void>;
  /** Comes back after `stop` on the same port and with the same file and faults. */
  start(): Promise<void>;
}

/** The ID that denokv gives to its only database. */
const DATABASE_ID = "00000000-0000-0000-0000-000000000000";

/** Milliseconds between two empty frames of a watch, as denokv sends them. */
const PING_MS = 5000;

/** The largest commit of Deno KV is 800 KiB of keys and values. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

const PROTOBUF = { headers: { "content-type": "application/x-protobuf" } };

/** An `AtomicWriteOutput` whose status is AW_WRITE_DISABLED (datapath.proto of denokv). */
const WRITE_DISABLED = Uint8Array.of(0x08, 5);

const refuse = (status: number, reason: string) => new Response(reason, { status });

const digest = (text: string) => createHash("sha256").update(text).digest();

/**
 * Starts an endpoint. Throws an `Error` where there is no engine for this platform, a `KvEngineError` if the file cannot
 * be opened and `Deno.errors.AddrInUse` if the port is taken.
 */
export async function startKvEndpoint(options: KvEndpointOptions): Promise<KvEndpoint> {
  if (options.token === "") throw new TypeError("Cannot start a KV endpoint: the token is empty");
  const expected = digest(`Bearer ${options.token}`);
  const random = seededRandom(options.seed ?? 1);
  const faults: KvFaults = { ...noFaults(), ...options.faults };
  const counts: KvEndpoint["counts"] = {
    requests: 0,
    writes: 0,
    unavailable: 0,
    unavailableAfterWrite: 0,
    cut: 0,
    cutAfterWrite: 0,
    truncateAnswer: 0,
    replayWrite: 0,
    loseConnection: 0,
  };
  let port = options.port ?? 0;
  let url = "";
  let running:
    | { engine: KvEngine; gate: TcpGate; server: Deno.HttpServer; down: AbortController }
    | undefined;

  const happens = (name: FaultName): boolean => {
    const now = strikes(faults, name, random);
    if (now) counts[name] += 1;
    return now;
  };

  /** Waits for `delayMs`, then for as long as `hanging`; throws when the endpoint goes down meanwhile. */
  async function hold(delayMs: number, hanging: "hang" | "hangAnswer", down: AbortSignal): Promise<void> {
    if (delayMs > 0) await pause(delayMs, down);
    while (faults[hanging]) await pause(10, down);
  }

  async function start(): Promise<void> {
    if (running !== undefined) return;
    const engine = openKvEngine(options.path);
    const down = new AbortController();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request, { remoteAddr }) => {
        const cut = () => {
          gate.cut((remoteAddr as Deno.NetAddr).port);
          return refuse(503, "The connection was cut");
        };
        try {
          return await handle(request, engine, cut, down.signal);
        } catch (error) {
          if (down.signal.aborted || error instanceof Deno.errors.Http) return cut(); // Http: the client has gone
          if (error instanceof KvEngineError) return refuse(error.requestRefused ? 400 : 500, error.message);
          throw error;
        }
      },
    );
    let gate: TcpGate;
    try {
      gate = openTcpGate(port, (server.addr as Deno.NetAddr).port, () => {
        if (!happens("loseConnection")) return undefined;
        return Math.floor(random() * (faults.loseConnectionWithinBytes + 1));
      });
    } catch (error) {
      await server.shutdown();
      await engine.close();
      throw error;
    }
    port = gate.port;
    url = `http://127.0.0.1:${port}`;
    running = { engine, gate, server, down };
  }

  async function handle(
    request: Request,
    engine: KvEngine,
    cut: () => Response,
    down: AbortSignal,
  ): Promise<Response> {
    if (request.method !== "POST") return refuse(405, "Only POST is served");
    if (!timingSafeEqual(digest(request.headers.get("authorization") ?? ""), expected)) {
      return refuse(401, "Invalid access token");
    }
    const route = new URL(request.url).pathname;
    const body = await readBody(request);
    if (body === undefined) return refuse(413, "The body is too large");
    if (route !== "/") counts.requests += 1;
    await hold(faults.delayMs, "hang", down);
    if (route === "/") return metadata(body);

    if (request.headers.get("x-denokv-database-id") !== DATABASE_ID) {
      return refuse(400, "Invalid database ID");
    }
    if (happens("unavailable")) return refuse(503, "Unavailable before the engine saw it");
    if (happens("cut")) return cut();
    switch (route) {
      case "/v2/snapshot_read":
        return new Response(await engine.snapshotRead(body), PROTOBUF);
      case "/v2/watch":
        return watch(await engine.watch(body), down);
      case "/v2/atomic_write":
        return await write(body, engine, cut, down);
      default:
        return refuse(404, "No such route");
    }
  }

  function metadata(body: Uint8Array): Response {
    let supported: unknown;
    try {
      supported = JSON.parse(new TextDecoder().decode(body))?.supportedVersions;
    } catch {
      return refuse(400, "The metadata request is not JSON");
    }
    const version = Array.isArray(supported) ? [3, 2].find((known) => supported.includes(known)) : undefined;
    if (version === undefined) return refuse(400, "Protocol version 2 or 3 is required");
    return Response.json({
      version,
      databaseId: DATABASE_ID,
      endpoints: [{ url: `${url}/v2`, consistency: "strong" }],
      token: options.token,
      expiresAt: new Date(Date.now() + 24 * 3600 * 1000).toISOString(),
    });
  }

  async function write(
    body: Uint8Array<ArrayBuffer>,
    engine: KvEngine,
    cut: () => Response,
    down: AbortSignal,
  ): Promise<Response> {
    counts.writes += 1;
    if (faults.refuseWrites) return new Response(WRITE_DISABLED, PROTOBUF);
    let output = await engine.atomicWrite(body);
    if (happens("replayWrite")) {
      counts.writes += 1;
      output = await engine.atomicWrite(body);
    }
    await hold(faults.delayAnswerMs, "hangAnswer", down);
    if (happens("unavailableAfterWrite")) return refuse(503, "Unavailable after the write landed");
    if (happens("cutAfterWrite")) return cut();
    if (!happens("truncateAnswer")) return new Response(output, PROTOBUF);
    const headers = { ...PROTOBUF.headers, "content-length": `${output.length}` };
    return new Response(output.subarray(0, -1), { headers });
  }

  /** Frames of a watch: u32 little-endian length, then a `WatchOutput`; an empty frame is a ping. */
  function watch(outputs: ReadableStream<Uint8Array<ArrayBuffer>>, down: AbortSignal): Response {
    const frame = (output: Uint8Array) => {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, output.length, true);
      return concat(length, output);
    };
    const reader = outputs.getReader();
    let ping: ReturnType<typeof setInterval>;
    const end = () => {
      clearInterval(ping);
      down.removeEventListener("abort", end);
      return reader.cancel();
    };
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        ping = setInterval(() => controller.enqueue(frame(new Uint8Array(0))), PING_MS);
        down.addEventListener("abort", end);
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          await hold(faults.delayMs, "hang", down);
          controller.enqueue(frame(value));
        } catch (error) {
          await end();
          if (!down.aborted) throw error;
          controller.close();
        }
      },
      cancel: end,
    });
    return new Response(body, { headers: { "content-type": "application/octet-stream" } });
  }

  async function stop(): Promise<void> {
    if (running === undefined) return;
    const { engine, gate, server, down } = running;
    running = undefined;
    down.abort();
    await gate.close();
    await server.shutdown();
    await engine.close();
  }

  await start();
  return { url, faults, counts, start, stop, [Symbol.asyncDispose]: stop };
}

/** The whole body, or nothing if it is longer than any commit may be. */
async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return concat(...chunks);
}

/** A timer that throws when the endpoint goes down. */
function pause(ms: number, down: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (down.aborted) return reject(down.reason);
    const giveUp = () => {
      clearTimeout(timer);
      reject(down.reason);
    };
    const timer = setTimeout(() => {
      down.removeEventListener("abort", giveUp);
      resolve();
    }, ms);
    down.addEventListener("abort", giveUp, { once: true });
  });
}
