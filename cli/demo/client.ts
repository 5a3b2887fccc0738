/**
 * One client of the demo: it signs in, reports what it really measures, and now and then loses an answer on the way.
 *
 * @module
 */
import { DitClient } from "../../client/mod.ts";
import type { EventsOf } from "../../core/config/mod.ts";
import type config from "../../dit.config.ts";
import { askForSession } from "./sign_in.ts";

/** What one client saw. */
export interface DemoResult {
  /** Tokens that it got and verified. */
  tokens: number;
  /** Events that were accepted. */
  accepted: number;
  /** Answers that were lost on the way, so that the same bytes were sent again. */
  lost: number;
  /** Answers that recognised a replay. */
  replayed: number;
  /** Events that will never arrive. */
  dropped: number;
  /** Codes of refusals. */
  refused: string[];
  /** Milliseconds of each request by step. */
  times: { session: number[]; tokens: number[]; logs: number[] };
}

function platform(): "linux" | "darwin" | "windows" | "other" {
  const { os } = Deno.build;
  return os === "linux" || os === "darwin" || os === "windows" ? os : "other";
}

function runtime(): `${number}.${number}` {
  const [major, minor] = Deno.version.deno.split(".");
  return `${Number(major)}.${Number(minor)}`;
}

/** A client of the demo. */
export interface DemoClientOptions {
  /** Where everything but logs goes. */
  readonly endpoint: string;
  /** Where its logs go. */
  readonly logsTo: string;
  /** Under which it signs in. */
  readonly name: string;
  /** Whether the answer to its first log is thrown away after it arrived. */
  readonly losesAnswer: boolean;
}

/** Runs one client to its end. */
export async function runDemoClient(
  { endpoint, logsTo, name, losesAnswer }: DemoClientOptions,
): Promise<DemoResult> {
  const result: DemoResult = {
    tokens: 0,
    accepted: 0,
    lost: 0,
    replayed: 0,
    dropped: 0,
    refused: [],
    times: { session: [], tokens: [], logs: [] },
  };

  async function measuredFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
    const startedAt = performance.now();
    const isLog = String(url).endsWith("/logs");
    const response = await fetch(isLog ? String(url).replace(endpoint, logsTo) : url, init);
    const milliseconds = performance.now() - startedAt;
    if (String(url).endsWith("/tokens")) result.times.tokens.push(milliseconds);
    if (!isLog) return response;
    result.times.logs.push(milliseconds);
    if (!losesAnswer || result.lost > 0) return response;
    result.lost++;
    await response.body?.cancel();
    throw new TypeError("The answer was lost on the way");
  }

  const client = new DitClient<EventsOf<typeof config, "demo">>({
    endpoint,
    app: "demo",
    // What a client would tell its developer is what the demo tells of all.
    debug: false,
    fetch: measuredFetch,
    session: async () => {
      const startedAt = performance.now();
      const { jwt } = await (await askForSession(endpoint, name)).json();
      result.times.session.push(performance.now() - startedAt);
      return jwt;
    },
  });
  client.on("issued", ({ tokens }) => result.tokens += tokens);
  client.on("sent", ({ events, replayed }) => {
    result.accepted += events;
    if (replayed) result.replayed++;
  });
  client.on("dropped", ({ events }) => result.dropped += events);
  client.on("refused", ({ code }) => {
    // The answer that this very client threw away is no refusal.
    if (code !== "no_answer" || result.lost === 0) result.refused.push(code);
  });

  const about = { platform: platform(), runtime: runtime() };
  client.log("client_start", about);
  await client.flush();
  // An answer that got lost left the log waiting; this sends the same bytes again.
  if (result.lost > 0) await client.flush();
  for (const latency_ms of result.times.tokens) client.log("token_fetch", { ...about, ok: true, latency_ms });
  for (const latency_ms of result.times.logs) {
    client.log("log_upload", { ...about, ok: true, retries: result.lost, latency_ms });
  }
  await client.flush();
  await client.close();
  return result;
}
