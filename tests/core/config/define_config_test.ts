import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Config, defineConfig, type EventsOf } from "../../../core/config/mod.ts";
import shipped from "../../../dit.config.ts";

const words = { description: "d", purpose: "p", owner: "o", expires: "2027-11-01" };

Deno.test("defineConfig() gives its argument back", () => {
  const config = { issuer: "telemetry.example", applications: {} } satisfies Config;
  assertStrictEquals(defineConfig(config), config);
});

Deno.test("EventsOf types what an app may log", () => {
  const config = defineConfig({
    issuer: "telemetry.example",
    applications: {
      demo: {
        session: { issuer: "i", key: { kind: "hs256", secretEnv: "S" } },
        events: {
          token_fetch: {
            ...words,
            fields: {
              ok: { type: "boolean" },
              platform: { type: "enum", values: ["linux", "other"] },
              retries: { type: "integer", min: 0, max: 10, optional: true },
              latency_ms: { type: "bucket", edges: [10, 100] },
              runtime: { type: "version" },
            },
          },
          started: { ...words, fields: {} },
        },
      },
    },
  });
  type Demo = EventsOf<typeof config, "demo">;
  const good: Demo["token_fetch"] = { ok: true, platform: "linux", latency_ms: 1, runtime: "2.9" };
  const withOptional: Demo["token_fetch"] = { ...good, retries: 3 };
  assertEquals(withOptional.retries, 3);
  // @ts-expect-error: no application has this name.
  type _NoApp = EventsOf<typeof config, "dmeo">;
  // @ts-expect-error: no event has this name.
  type _NoEvent = Demo["token_fecth"];
  // @ts-expect-error: a required field is missing.
  const _missing: Demo["token_fetch"] = { ok: true, platform: "linux", latency_ms: 1 };
  // @ts-expect-error: no field has this name.
  const _unknown: Demo["token_fetch"] = { ...good, plattform: "linux" };
  // @ts-expect-error: a boolean is no text.
  const _boolean: Demo["token_fetch"] = { ...good, ok: "true" };
  // @ts-expect-error: the enum has no such value.
  const _enum: Demo["token_fetch"] = { ...good, platform: "windows" };
  // @ts-expect-error: an integer is a number.
  const _integer: Demo["token_fetch"] = { ...good, retries: "3" };
  // @ts-expect-error: a bucket is logged as a number.
  const _bucket: Demo["token_fetch"] = { ...good, latency_ms: true };
  // @ts-expect-error: a version is "major.minor".
  const _version: Demo["token_fetch"] = { ...good, runtime: "2" };
  // @ts-expect-error: an event without fields takes none.
  const _none: Demo["started"] = { ok: true };
});

Deno.test("EventsOf types the shipped application", () => {
  type Upload = EventsOf<typeof shipped, "demo">["log_upload"];
  const upload: Upload = { ok: true, platform: "linux", runtime: "2.9", retries: 0, latency_ms: 3 };
  assertEquals(
    Object.keys(upload).sort(),
    Object.keys(shipped.applications.demo.events.log_upload.fields).sort(),
  );
  // @ts-expect-error: the shipped enum has no such value.
  const _platform: Upload = { ...upload, platform: "beos" };
});
