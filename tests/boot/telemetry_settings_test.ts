import { assertEquals, assertMatch } from "@std/assert";
import { checkTelemetry, TELEMETRY_DEFAULTS, telemetryVariables } from "../../boot/telemetry_settings.ts";

function mistakesOf(environment: Record<string, string>): string[] {
  const mistakes: string[] = [];
  checkTelemetry((name) => environment[name], mistakes);
  return mistakes;
}

Deno.test("checkTelemetry() refuses spans however they were switched on, as Deno reads it", () => {
  const hourly = { OTEL_METRIC_EXPORT_INTERVAL: "3600000" };
  for (
    const spans of [
      { OTEL_DENO: "true" },
      { OTEL_DENO: "TRUE" },
      { OTEL_DENO: "true", OTEL_DENO_TRACING: "0" },
      { OTEL_DENO: "true", OTEL_TRACES_SAMPLER: "parentbased_always_off" },
      { OTEL_DENO: "true", OTEL_TRACES_EXPORTER: "none" },
      { OTEL_DENO: "false", OTEL_DENO_TRACING: "true" },
      { OTEL_DENO_TRACING: "true" },
    ]
  ) {
    const [mistake, ...more] = mistakesOf({ ...hourly, ...spans });
    assertMatch(mistake ?? "", /^Set OTEL_DENO_TRACING to false: /, JSON.stringify(spans));
    assertEquals(more, []);
  }
  for (
    const none of [
      {},
      { OTEL_DENO: "1" },
      { OTEL_DENO: "true", OTEL_DENO_TRACING: "false" },
      { OTEL_DENO: "true", OTEL_TRACES_SAMPLER: "always_off" },
      { OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" },
    ]
  ) assertEquals(mistakesOf({ ...hourly, ...none }), [], JSON.stringify(none));
});

Deno.test("checkTelemetry() refuses metrics more often than by the hour", () => {
  const metrics = { OTEL_DENO: "true", OTEL_DENO_TRACING: "false" };
  for (const interval of [undefined, "60000", "3599999", "often"]) {
    const environment = interval === undefined ? {} : { OTEL_METRIC_EXPORT_INTERVAL: interval };
    assertMatch(mistakesOf({ ...metrics, ...environment })[0] ?? "", /^Set OTEL_METRIC_EXPORT_INTERVAL /);
  }
  assertEquals(mistakesOf({ ...metrics, OTEL_DENO_METRICS: "false" }), []);
  assertEquals(mistakesOf({ ...metrics, OTEL_METRIC_EXPORT_INTERVAL: "7200000" }), []);
});

Deno.test("telemetryVariables() are right by themselves, and keep what an operator chose", () => {
  const environment: Record<string, string> = {
    OTEL_DENO: "true",
    OTEL_SERVICE_NAME: "mine",
    OTEL_PROPAGATORS: "tracecontext",
  };
  const variables = telemetryVariables((name) => environment[name]);
  assertEquals(variables, {
    ...TELEMETRY_DEFAULTS,
    OTEL_SERVICE_NAME: "mine",
    OTEL_PROPAGATORS: "none",
  });
  assertEquals(mistakesOf({ ...environment, ...variables }), []);
});
