/**
 * An OpenTelemetry collector that keeps the bytes of every export (OTLP over HTTP).
 *
 * @module
 */
import { concat } from "../../core/base/bytes.ts";
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
    sources.push({ name: NAMES[kind], bytes: await arrived(request) });
    return new Response(new Uint8Array(), { headers: { "content-type": "application/x-protobuf" } });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, counts, sources, stop: () => server.shutdown() };
}

/** What has arrived of a body. An exporter that ends in the middle of one has sent the part before that, too. */
async function arrived({ body }: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of body ?? []) parts.push(part);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Http)) throw error;
    return concat(...parts);
  }
  return unpacked(concat(...parts));
}
