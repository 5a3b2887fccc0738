import { assert, assertEquals } from "@std/assert";
import { checkConfig } from "../core/config/check/check.ts";
import type { Config } from "../core/config/types.ts";
import config from "../dit.config.ts";

Deno.test("dit.config.ts has no mistake, in development and in production", () => {
  for (const development of [true, false]) {
    const { issuer, applications } = checkConfig(config, { development });
    assertEquals([issuer, ...applications.keys()], ["telemetry.example", "demo"]);
  }
});

Deno.test("dit.config.ts collects measurements that a person can review", () => {
  const { demo } = (config as Config).applications;
  assert(Object.keys(demo!.events).length > 0);
  for (const { description, purpose, fields } of Object.values(demo!.events)) {
    assert(description.endsWith(".") && purpose.endsWith("."));
    assert(Object.keys(fields).length > 0);
  }
});

Deno.test("dit.config.ts keeps its session secret out of the file", () => {
  const { key } = (config as Config).applications.demo!.session;
  assertEquals(key, { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" });
});
