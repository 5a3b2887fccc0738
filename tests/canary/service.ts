/**
 * The real service process for the canary test: everything that it can write down is switched on and kept.
 *
 * @module
 */
import { utf8 } from "../../core/base/bytes.ts";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { runService } from "../support/processes/running_service.ts";
import { until } from "../support/store/with_kv_endpoint.ts";
import type { Source } from "./canaries.ts";
import { type Collector, startCollector } from "./collector.ts";
import type { WatchedStore } from "./stores.ts";

const ROOT = new URL("../../", import.meta.url);
/** The operator's token. */
export const ADMIN_TOKEN = "admin-token-of-the-canary-test-012345678";
/** Signs sessions. */
export const SESSION_SECRET = "session-secret-of-the-canary-test-0123456";

/** Far more than the 4.5 s in which the service itself ends. */
const STUCK_MS = 30_000;

/** A service that is watched. */
export interface WatchedService {
  readonly port: number;
  /** Waits until metrics were exported so many times more. */
  readonly exported: (times: number) => Promise<void>;
  /** What its store holds now, as files. */
  readonly files: () => Promise<Source[]>;
  /** Ends it and gives everything that it left anywhere. */
  readonly stop: () => Promise<Source[]>;
}

/** What is watched. */
export interface WatchedOptions {
  /** A module that is run in the service first. */
  readonly leaks?: string | undefined;
  readonly store: WatchedStore;
}

/**
 * Starts the service; with `leaks` a module that is run in it first, and with trace ids taken over from requests.
 * Everything else is what production runs.
 */
export async function startWatched({ leaks, store }: WatchedOptions): Promise<WatchedService> {
  const collector = startCollector();
  const service = runService({
    folder: ROOT.pathname,
    flags: (flags) => leaks === undefined ? flags : [...flags, "--preload", leaks],
    env: {
      DIT_ENV: "development",
      DIT_LOG: "requests",
      DIT_KV: store.location,
      DIT_CONFIG: "tests/canary/canary.config.ts",
      DIT_SESSION_SECRET: SESSION_SECRET,
      DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN_TOKEN).toHex(),
      HOST: "0.0.0.0",
      ...telemetryOf(collector),
      // What production has is left as it is; only a service that leaks has spans at all.
      ...(leaks === undefined ? {} : { OTEL_PROPAGATORS: "tracecontext", OTEL_DENO_TRACING: "true" }),
    },
  });
  await service.ready();
  return {
    port: service.port,
    async exported(times) {
      const wanted = collector.counts.metrics + times;
      await until(() => collector.counts.metrics >= wanted);
    },
    files: () => store.files(),
    async stop() {
      // Deno's own export at the exit has been seen to wait for ever, when all that was to be found had come already.
      let stuck = false;
      const force = setTimeout(() => {
        stuck = true;
        service.child.kill("SIGKILL");
      }, STUCK_MS);
      const { code } = await service.end("SIGTERM");
      clearTimeout(force);
      await collector.stop();
      if (code !== 0 && !stuck) throw new Error(service.stderr());
      for (const [kind, count] of Object.entries(collector.counts)) {
        if (count === 0 && (kind !== "traces" || leaks !== undefined)) {
          throw new Error(`No ${kind} were exported: the search would prove nothing about them.`);
        }
      }
      const sources = [
        { name: "stdout", bytes: utf8(service.stdout()) },
        { name: "stderr", bytes: utf8(service.stderr()) },
        ...collector.sources,
        ...await store.files(),
        ...await store.rows(),
      ];
      return sources;
    },
  };
}

function telemetryOf(collector: Collector): Record<string, string> {
  return {
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: "500",
    OTEL_BSP_SCHEDULE_DELAY: "200",
    OTEL_BLRP_SCHEDULE_DELAY: "200",
  };
}
