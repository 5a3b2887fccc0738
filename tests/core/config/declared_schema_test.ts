import { assertEquals, assertThrows } from "@std/assert";
import { declaredJson } from "../../../cli/schema_types.ts";
import { readSchema } from "../../../client/base/collection.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import { type Config, declaredSchema } from "../../../core/config/mod.ts";
import config from "../../../dit.config.ts";
import { startService } from "../../support/client/client_service.ts";
import { makeClient } from "../../support/client/client_under_test.ts";
import { testConfig } from "../../support/client/client_service.ts";

Deno.test("declaredSchema() is what `deno task schema types` writes, and what the service serves", async () => {
  const demo = checkConfig(config, { development: true }).applications.get("demo")!;
  assertEquals(JSON.parse(declaredJson(demo)), declaredSchema(config, "demo"));
  const test = await startService();
  const served = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  assertEquals(
    readSchema(declaredSchema(testConfig, "notes"), "notes"),
    readSchema(served, "notes"),
  );
  const { client, heard } = makeClient(test, { declared: declaredSchema(testConfig, "notes") });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.sent.length, heard.refused], [1, []]);
  await client.close();
  await test.close();
});

Deno.test("declaredSchema() declares what has expired, and no pseudonym where there is none", () => {
  const { notes } = testConfig.applications;
  const of = (members: Partial<Config["applications"][string]>) =>
    declaredSchema(
      { issuer: "telemetry.example", applications: { notes: { ...notes, ...members } } },
      "notes",
    );
  const expired = { ...notes.events.app_opened, expires: "1999-12-31" };
  const { events } = readSchema(of({ events: { app_opened: expired } }), "notes");
  assertEquals(events.get("app_opened"), { open: true, sample: 1, fields: new Map() });
  assertEquals("pseudonym-seconds" in of({ pseudonymSeconds: false }), false);
  assertEquals(of({ granularitySeconds: 86_400 })["granularity-seconds"], 86_400);
});

Deno.test("declaredSchema() knows no application that the configuration has not", () => {
  for (const name of ["other", "constructor"]) {
    // @ts-expect-error: no application has this name.
    assertThrows(() => declaredSchema(testConfig, name), RangeError, name);
  }
});
