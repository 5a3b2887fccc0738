/**
 * An OpenTelemetry collector that keeps the bytes of every export (OTLP over HTTP).
 *
 * @module
 */
import { type Source, unpacked } from "./canaries.ts";

/** A running collector. */
export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** How many exports of each kind have come. */
  readonly counts: Record<"traces" | "metrics" | "logs", number>;
  /** Everything that was exported. */
  readonly sources: Source[];
  readonly stop: () => Promise<void>;
}

/** What the three kinds are called as sources. */
const NAMES = { traces: "spans", metrics: "exported metrics", logs: "exported logs" } as const;

/** Starts a collector on a free port. */
export function startCollector(): Collector {
  const counts = { traces: 0, metrics: 0, logs: 0 };
  const sources: Source[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const kind = new URL(request.url).pathname.split("/").at(-1) as keyof typeof NAMES;
    counts[kind]++;
    sources.push({ name: NAMES[kind], bytes: unpacked(new Uint8Array(await request.arrayBuffer())) });
    return new Response(new Uint8Array(), { headers: { "content-type": "application/x-protobuf" } });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, counts, sources, stop: () => server.shutdown() };
}
