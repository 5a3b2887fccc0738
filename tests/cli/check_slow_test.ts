import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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
  assertStringIncludes(stdout, "Configuration OK: ");
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
  assertStringIncludes(stdout, "Configuration OK: ");
});

Deno.test("deno task check says what the reports of a device come to in a period", async () => {
  await using folders = new Folders();
  const colour = { type: "enum", values: ["a", "b", "c", "d", "e"], localDp: { epsilon: 0.7 } };
  const happy = { type: "boolean", localDp: { epsilon: 1, maxValues: 1 } };
  const events = { survey: { ...EVENT, fields: { colour, happy }, review: "reviews/7.md" } };
  const folder = await folders.make(demoConfig({ events }));
  const env = { DIT_CONFIG: `${folder}/config.js` };
  const { code, stdout, stderr } = await runTask("check", "cli/check.ts", [], folder, env);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /survey\.colour +0\.7 +4 +2\.8\n/);
  assertMatch(stdout, /survey\.happy +1 +1 +1\n/);
  assertStringIncludes(stdout, "All fields together: at most epsilon 3.8 a device");
});

Deno.test("deno task check tells events that expire from those that have, by its exit code", async () => {
  await using folders = new Folders();
  const events = {
    short: { ...EVENT, review: "reviews/7.md", fields: {}, expires: "2027-01-31" },
    long: { ...EVENT, review: "reviews/7.md", fields: {}, expires: "2027-12-31" },
  };
  const folder = await folders.make(demoConfig({ events }));
  const check = (...args: string[]) =>
    runTask("check", "cli/check.ts", args, folder, { DIT_CONFIG: `${folder}/config.js` });
  const right = await check("--at", "2026-12-01");
  assertEquals([right.code, right.stderr], [0, ""]);
  const soon = await check("--at", "2027-01-01");
  assertEquals(soon.code, 0);
  assertStringIncludes(soon.stderr, "applications.demo.events.short: 2027-01-31 is its last day, in 30 days");
  assertStringIncludes(soon.stdout, "Configuration OK: ");
  const one = await check("--at", "2027-02-01");
  assertEquals(one.code, 3);
  assertStringIncludes(one.stderr, "applications.demo.events.short: 2027-01-31 was its last day");
  const all = await check("--at", "2028-01-01");
  assertEquals(all.code, 3);
  assertStringIncludes(all.stderr, "applications.demo.events: on 2028-01-01 nothing is collected");
  for (const { stdout } of [one, all]) assert(!stdout.includes("Configuration OK"), stdout);
  const wrong = await check("--at", "2027-02-30");
  assertEquals([wrong.code, wrong.stderr.trim()], [2, "Give --at a day, such as 2027-01-15."]);
});
