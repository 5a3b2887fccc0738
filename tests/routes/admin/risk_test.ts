import { assert, assertEquals } from "@std/assert";
import { DitClient } from "../../../client/mod.ts";
import { createApp } from "../../../routes/app.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { NEVER_SECONDS } from "../../support/client/client_under_test.ts";

const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" };
const EVENTS = {
  volume_changed: {
    ...WORDS,
    identifying: "planted",
    risk: { minPseudonyms: 12 },
    fields: {
      platform: { type: "enum", values: ["web", "phone"] },
      volume: { type: "integer", min: 0, max: 65_535 },
    },
  },
  look: {
    ...WORDS,
    identifying: "planted",
    risk: { minPseudonyms: 12, action: "stop-event" },
    fields: { theme: { type: "integer", min: 0, max: 65_535 } },
  },
  new_thing: {
    ...WORDS,
    risk: { minPseudonyms: 12, action: "quarantine" },
    fields: { ok: { type: "boolean" } },
  },
} as const;

/** A real client that sends one event and tells what it heard. */
async function sendAs(test: TestService, name: string, event: string, fields: Record<string, unknown>) {
  const heard: string[] = [];
  const client = new DitClient({
    endpoint: "https://telemetry.example",
    app: "notes",
    fetch: test.fetch,
    now: () => test.clock.now,
    session: () => test.signIn(name),
  });
  client.on("sent", () => heard.push("sent"));
  client.on("dropped", ({ reason }) => heard.push(`dropped: ${reason}`));
  client.log(event, fields as never);
  await client.flush();
  await client.close();
  return heard;
}

async function withAdmin(
  run: (
    test: TestService,
    ask: (path: string, body?: unknown) => Promise<{ status: number; body: Record<string, unknown> }>,
  ) => Promise<void>,
): Promise<void> {
  // An account is one pseudonym a period: what twelve accounts send can be judged.
  const oneEach = { tokensPerClient: 1, pseudonymSeconds: 86_400 };
  const test = await startService({ events: EVENTS, ...oneEach });
  const app = createApp({
    version: "0.0.0",
    service: test.service,
    operatorTokens: { admin: tokenDigest("a-token") },
  });
  try {
    await run(test, async (path, body) => {
      const response = await app.request(`/admin/v1/apps/notes${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: "Bearer a-token", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    });
  } finally {
    await test.close();
  }
}

Deno.test("a leaking field is suppressed for clients, and the operator sees why and lifts it", () =>
  withAdmin(async (test, ask) => {
    for (let person = 0; person < 12; person++) {
      const fields = { platform: "web", volume: 1_000 * person };
      assertEquals(await sendAs(test, `p${person}`, "volume_changed", fields), ["sent"]);
    }
    const before = await ask("/risk");
    assertEquals([before.status, before.body.decisions, before.body.alerts], [200, {}, []]);
    await test.service.risk.merge(test.service.now());
    const { body } = await ask("/risk");
    const alerts = body.alerts as Record<string, unknown>[];
    assertEquals(alerts.map(({ kind, suppressed }) => [kind, suppressed]), [["stop", "volume"]]);
    const decisions = body.decisions as Record<string, { state: string }>;
    assertEquals(Object.entries(decisions).map(([name, { state }]) => [name, state]), [
      ["volume_changed.volume", "suppressed"],
    ]);
    // The schema says so, and a client leaves the field out without being told twice.
    const schema = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
    assertEquals(schema.events[0].fields.volume.suppressed, true);
    assertEquals(await sendAs(test, "late", "volume_changed", { platform: "web", volume: 7 }), ["sent"]);
    const records = await test.records();
    assertEquals(records.filter(({ events }) => "volume" in events[0]!.fields).length, 12);
    assertEquals(records.length, 13);

    const nothing = await ask("/risk/lift", { event: "volume_changed", field: "platform", reason: "x" });
    assertEquals([nothing.status, nothing.body.code], [404, "stop_unknown"]);
    const unknown = await ask("/risk/lift", { event: "volume_changed", field: "constructor", reason: "x" });
    assertEquals([unknown.status, unknown.body.code], [404, "stop_unknown"]);
    for (const malformed of [{ event: "volume_changed" }, { event: "look", reason: " " }, 5]) {
      assertEquals((await ask("/risk/lift", malformed)).body.code, "body_malformed");
    }
    const lifted = await ask("/risk/lift", { event: "volume_changed", field: "volume", reason: "reviewed" });
    assertEquals([lifted.status, lifted.body], [200, { lifted: "volume_changed.volume" }]);
    const after = (await ask("/risk")).body.alerts as Record<string, unknown>[];
    assertEquals([after.length, after.some(({ reason }) => reason === "reviewed")], [2, true]);
  }));

Deno.test("a client that knows an older schema is told of a suppressed field and of a stopped event", () =>
  withAdmin(async (test) => {
    const old = new DitClient({
      endpoint: "https://telemetry.example",
      app: "notes",
      fetch: test.fetch,
      now: () => test.clock.now,
      session: () => test.signIn("old"),
      delaySeconds: NEVER_SECONDS,
    });
    const heard: string[] = [];
    old.on("sent", ({ events }) => heard.push(`sent ${events}`));
    old.on("dropped", ({ reason }) => heard.push(`dropped: ${reason}`));
    old.log("volume_changed", { platform: "web", volume: 1 });
    old.log("look", { theme: 1 });
    await old.flush();
    for (let person = 0; person < 12; person++) {
      await sendAs(test, `p${person}`, "volume_changed", { platform: "web", volume: 1_000 * person });
      await sendAs(test, `q${person}`, "look", { theme: 1_000 * person });
    }
    await test.service.risk.merge(test.service.now());
    assertEquals([...test.service.suppressionsOf("notes").events], ["look"]);
    old.log("volume_changed", { platform: "web", volume: 2 });
    await old.flush();
    old.log("look", { theme: 2 });
    await old.flush();
    await old.close();
    assertEquals(heard.slice(0, 2), ["sent 2", "sent 1"]);
    assert(heard[2]!.startsWith("dropped: collection_stopped"), heard.join());
    const kept = (await test.records()).flatMap(({ events }) => events);
    assertEquals(kept.some(({ fields }) => fields.volume === 2 || fields.theme === 2), false);
  }));

Deno.test("an event in quarantine is collected and not exported until it has passed", () =>
  withAdmin(async (test, ask) => {
    const app = createApp({
      version: "0.0.0",
      service: test.service,
      operatorTokens: { admin: tokenDigest("a-token") },
    });
    const day = new Date(test.clock.now).toISOString().slice(0, 10);
    const exported = async () => {
      const response = await app.request(`/admin/v1/apps/notes/logs/${day}`, {
        headers: { authorization: "Bearer a-token" },
      });
      return (await response.text()).split("\n").filter((line) => line !== "").length;
    };
    for (let person = 0; person < 6; person++) await sendAs(test, `p${person}`, "new_thing", { ok: true });
    await test.service.risk.merge(test.service.now());
    assertEquals((await ask("/risk")).body.withheld, ["new_thing"]);
    assertEquals([(await test.records()).length, await exported()], [6, 0]);
    for (let person = 6; person < 12; person++) await sendAs(test, `p${person}`, "new_thing", { ok: true });
    await test.service.risk.merge(test.service.now());
    assertEquals((await ask("/risk")).body.withheld, []);
    assertEquals(await exported(), 12);
  }));

Deno.test("an operator is told which fields link records", () =>
  withAdmin(async (test) => {
    const app = createApp({
      version: "0.0.0",
      service: test.service,
      operatorTokens: { admin: tokenDigest("a-token") },
    });
    const response = await app.request("/admin/v1/joins", { headers: { authorization: "Bearer a-token" } });
    assertEquals([response.status, await response.json()], [200, { joins: [], undecided: 0 }]);
  }));
