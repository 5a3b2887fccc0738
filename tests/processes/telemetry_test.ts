import { assert, assertEquals } from "@std/assert";
import { startCollector } from "../canary/collector.ts";
import { failToStart } from "../support/processes/running_service.ts";
import { demoConfig, Folders, startReady } from "../support/processes/service_process.ts";

/** A production's environment; its secrets are of this test alone. */
const PRODUCTION = {
  DIT_KV: "kv.sqlite3",
  DIT_CONFIG: "config.js",
  DIT_SEAL_KEYS: new Uint8Array(32).toBase64(),
  DIT_SESSION_SECRET: "session-secret-of-tests-of-telemetry-0123456",
  OTEL_DENO: "true",
};

Deno.test("a production exports metrics and lines under its name, and no span of any request", async () => {
  await using folders = new Folders();
  const collector = startCollector();
  const folder = await folders.make(demoConfig());
  let started = 0;
  try {
    const service = await startReady({
      folder,
      task: "start",
      env: {
        ...PRODUCTION,
        DIT_KV: `.dit/${PRODUCTION.DIT_KV}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "100",
        OTEL_BLRP_SCHEDULE_DELAY: "100",
      },
    });
    // What started it may have exported something of its own.
    const before = collector.counts.metrics;
    started = collector.sources.length;
    for (let log = 0; log < 20; log++) {
      await (await service.send("/v1/apps/demo/logs", { method: "POST" })).body?.cancel();
    }
    // Within the hour nothing goes out but at the end, when there is nobody any more to be told from others.
    assertEquals(collector.counts.metrics, before);
    assertEquals((await service.end("SIGTERM")).code, 0);
  } finally {
    await collector.stop();
  }
  const exported = collector.sources.slice(started).map(({ bytes }) => new TextDecoder().decode(bytes));
  assertEquals(collector.counts.traces, 0);
  assert(collector.counts.metrics > 0 && collector.counts.logs > 0, JSON.stringify(collector.counts));
  const names = exported.flatMap((text) =>
    [...text.matchAll(/"service\.name",\s*"value":\s*\{\s*"stringValue":\s*"([^"]*)"/g)].map(([, name]) =>
      name
    )
  );
  assertEquals([...new Set(names)], ["dit"]);
});

Deno.test("a production does not start with spans, or with metrics by the minute", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  const { code, sentences } = await failToStart({
    folder,
    task: "start",
    env: { ...PRODUCTION, OTEL_DENO_TRACING: "true", OTEL_METRIC_EXPORT_INTERVAL: "60000" },
  });
  assertEquals(code, 78);
  assertEquals(sentences.map((sentence) => sentence.split(" to ")[0]), [
    "Set OTEL_DENO_TRACING",
    "Set OTEL_METRIC_EXPORT_INTERVAL",
  ]);
});
