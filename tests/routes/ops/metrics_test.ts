import { assert, assertEquals } from "@std/assert";
import { DURATIONS, METRICS } from "../../../core/operations/metrics.ts";
import { GAUGES } from "../../../core/operations/gauges.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { startService } from "../../../cli/cluster/service_process.ts";
import { freePort } from "../../support/processes/free_ports.ts";
import { until } from "../../support/store/with_kv_endpoint.ts";

const ADMIN = "admin-token-of-tests";
const READER = "reader-token-of-tests";

interface ExportedMetric {
  name: string;
  sum?: { dataPoints: { attributes: { key: string; value: { stringValue: string } }[]; asDouble: number }[] };
}

/** A collector that keeps the metrics of every export that it gets. */
function startCollector() {
  const metrics: ExportedMetric[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    if (request.url.endsWith("/v1/metrics")) {
      for (const resource of (await request.json()).resourceMetrics) {
        for (const scope of resource.scopeMetrics) metrics.push(...scope.metrics);
      }
    } else await request.body?.cancel();
    return Response.json({});
  });
  return { metrics, server, url: `http://127.0.0.1:${server.addr.port}` };
}

Deno.test("/metrics and OpenTelemetry tell the same, under the same names, to operators alone", async () => {
  const collector = startCollector();
  const service = await startService({
    port: freePort(),
    env: {
      DIT_KV: ":memory:",
      DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN).toHex(),
      DIT_READER_TOKEN_SHA256: tokenDigest(READER).toHex(),
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    },
  });
  try {
    const scrape = (token: string) =>
      fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    const refused = await scrape("wrong");
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
    await (await fetch(`${service.url}/v1/apps/demo/tokens`, { method: "POST" })).body?.cancel();
    await (await fetch(`${service.url}/v1/apps/demo/logs`, { method: "POST" })).body?.cancel();
    await (await scrape(ADMIN)).body?.cancel();
    const answer = await scrape(READER);
    assertEquals(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assertEquals(answer.headers.get("cache-control"), "no-store");
    const text = await answer.text();
    const lines = text.split("\n");
    for (
      const line of [
        'dit_requests_total{app="demo",route="tokens",outcome="media_type"} 1',
        'dit_requests_total{route="metrics",outcome="admin_token_invalid"} 1',
        'dit_requests_total{route="metrics",outcome="ok"} 1',
        'dit_requests_total{app="demo",route="logs",outcome="mac_invalid"} 0',
        "dit_store_up 1",
        'dit_request_duration_seconds_bucket{route="metrics",le="+Inf"} 2',
        'dit_request_duration_seconds_count{route="metrics"} 2',
      ]
    ) {
      assert(lines.includes(line), `${line} is not in\n${text}`);
    }
    // Counted, and not even named before the hour is full.
    const heldBack = 'dit_requests_total{app="demo",route="logs",outcome="media_type"}';
    assert(!text.includes(heldBack), text);
    const names = [...Object.values(METRICS), DURATIONS, ...Object.values(GAUGES)].map(({ name }) => name);
    assertEquals(lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]), names);

    const ours = () => collector.metrics.filter(({ name }) => name.startsWith("dit_"));
    // What this machine cannot tell has no sample here and is not exported; the store is no file.
    const told = names.filter((name) => lines.some((line) => line.startsWith(name)));
    assert(!told.includes("dit_store_bytes") && told.includes("dit_resident_memory_bytes"));
    await until(() => told.every((name) => ours().some((metric) => metric.name === name)));
    for (const { name } of ours()) assert(names.includes(name as typeof names[number]), name);
    const points = () =>
      ours().filter(({ name }) => name === METRICS.requests.name).flatMap(({ sum }) =>
        sum!.dataPoints.map(({ attributes, asDouble }) => {
          const labels = Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
          return `${labels.app} ${labels.route} ${labels.outcome} ${asDouble}`;
        })
      );
    await until(() =>
      ["demo tokens media_type 1", "demo logs mac_invalid 0"].every((point) => points().includes(point))
    );
    assert(!points().some((point) => point.startsWith("demo logs media_type")));
  } finally {
    await service.stop();
    await collector.server.shutdown();
  }
});
