import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { demoConfig, Folders, runTask } from "../support/processes/service_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const EVENT = {
  description: "A slider was moved.",
  purpose: "Whether anybody uses it.",
  owner: "demo-team",
  expires: "2099-12-31",
  fields: { level: { type: "integer", min: 0, max: 65_535 } },
};

Deno.test("deno task check takes the shipped configuration, and shows the bits of each event", async () => {
  const { code, stdout, stderr } = await runTask("check", "cli/check.ts", [], ROOT);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "log_upload");
  assertStringIncludes(stdout, "The configuration is right.");
});

Deno.test("deno task check fails a configuration whose events single people out, or that nobody has reviewed", async () => {
  await using folders = new Folders();
  const reviewed = { ...EVENT, review: "reviews/7.md" };
  const events = {
    unreviewed: { ...EVENT, fields: {} },
    wide: reviewed,
    excused: { ...reviewed, identifying: "Twenty devices of the lab send it." },
  };
  const folder = await folders.make(demoConfig({ events }));
  const env = { DIT_CONFIG: `${folder}/config.js` };
  const { code, stderr } = await runTask("check", "cli/check.ts", [], folder, env);
  assertEquals(code, 1);
  assertEquals(stderr.trim().split("\n").map((line) => line.split(": ")[0]), [
    "applications.demo.events.wide",
    "applications.demo.events.unreviewed.review",
  ]);
  assert(!stderr.includes("    at "), stderr);
});

Deno.test("deno task check reads a configuration wherever it lies", async () => {
  await using folders = new Folders();
  const events = { app_opened: { ...EVENT, fields: {}, review: "reviews/7.md" } };
  const [here, elsewhere] = [await folders.make(), await folders.make(demoConfig({ events }))];
  const env = { DIT_CONFIG: `${elsewhere}/config.js` };
  const { code, stdout, stderr } = await runTask("check", "cli/check.ts", [], here, env);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "The configuration is right.");
});
