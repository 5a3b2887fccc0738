import { assertEquals, assertThrows } from "@std/assert";
import { readSchema } from "../../../client/base/collection.ts";
import { MemoryStorage } from "../../../client/mod.ts";
import { withinDeclared } from "../../../client/http/schema_check.ts";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { type ClientChanges, type Heard, makeClient } from "../../support/client/client_under_test.ts";

type Members = Record<string, unknown>;

const MIRROR = "https://mirror.example/notes/keys.json";
const MIRRORED_SCHEMA = "https://mirror.example/notes/schema.json";

const DECLARED = {
  ok: { type: "boolean" },
  platform: { type: "enum", values: ["web", "phone", "desktop"] },
  retries: { type: "integer", min: 0, max: 10 },
  latency_ms: { type: "bucket", edges: [10, 100, 1_000] },
  runtime: { type: "version", majors: [1, 3], minors: 20 },
  mood: { type: "enum", values: ["a", "b", "c", "d", "e"], "local-dp": { epsilon: 1, "max-values": 3 } },
};

function schema(fields: Members, event: Members = {}, members: Members = {}) {
  const events = [{ name: "saved", sample: 0.5, fields, ...event }];
  return readSchema(
    { app: "notes", "pseudonym-seconds": 604_800, "granularity-seconds": 3_600, events, ...members },
    "notes",
  );
}

const declared = schema(DECLARED);

function within(fields: Members, event: Members = {}) {
  return withinDeclared(schema({ ...DECLARED, ...fields }, event), declared).events.get("saved");
}

Deno.test("withinDeclared() takes what is declared, and anything coarser", () => {
  assertEquals(withinDeclared(declared, declared), declared);
  const coarser = {
    platform: { type: "enum", values: ["web"] },
    retries: { type: "integer", min: 1, max: 9 },
    latency_ms: { type: "bucket", edges: [100] },
    runtime: { type: "version", majors: [2, 2], minors: 9 },
    mood: { type: "enum", values: ["b", "c"], "local-dp": { epsilon: 0.5, "max-values": 2 } },
    ok: { type: "boolean", "local-dp": { epsilon: 1 }, suppressed: true },
  };
  const event = within(coarser, { sample: 0.001, state: "stopped" });
  assertEquals([event?.fault, event?.open, event?.sample], [undefined, false, 0.001]);
  assertEquals(Object.fromEntries(event!.fields), { ...DECLARED, ...coarser });
  const longer = { "granularity-seconds": 86_400 };
  assertEquals(withinDeclared(schema(DECLARED, {}, longer), declared).events, declared.events);
  const without = withinDeclared(schema(DECLARED, {}, { "pseudonym-seconds": undefined }), declared);
  assertEquals(without.pseudonymSeconds, undefined);
});

Deno.test("withinDeclared() has no reports drawn in shorter periods than the declared ones: each would be another one", () => {
  const { mood, ...plain } = DECLARED;
  const daily = { "pseudonym-seconds": 86_400 };
  const faultOf = (fields: Members, own = declared) =>
    withinDeclared(schema(fields, {}, daily), own).events.get("saved")?.fault;
  assertEquals(faultOf({ mood }), "not_declared");
  assertEquals(faultOf(plain), undefined);
  // Where none is collected, a period is a week.
  const fortnightly = schema({ mood }, {}, { "pseudonym-seconds": 14 * 86_400 });
  for (const [own, fault] of [[fortnightly, "not_declared"], [declared, undefined]] as const) {
    const served = schema({ mood }, {}, { "pseudonym-seconds": undefined });
    assertEquals(withinDeclared(served, own).events.get("saved")?.fault, fault);
  }
});

Deno.test("withinDeclared() has an event not sent that would tell more than is declared", () => {
  const finer: [name: keyof typeof DECLARED, field: Members][] = [
    ["ok", { type: "enum", values: ["web"] }],
    ["platform", { type: "enum", values: ["web", "phone", "desktop", "tv"] }],
    ["platform", { type: "boolean" }],
    ["retries", { type: "integer", min: 0, max: 11 }],
    ["retries", { type: "integer", min: -1, max: 10 }],
    ["latency_ms", { type: "bucket", edges: [10, 100, 1_000, 10_000] }],
    ["latency_ms", { type: "bucket", edges: [11] }],
    ["latency_ms", { type: "integer", min: 0, max: 10 }],
    ["runtime", { type: "version", majors: [0, 3], minors: 20 }],
    ["runtime", { type: "version", majors: [1, 4], minors: 20 }],
    ["runtime", { type: "version", majors: [1, 3], minors: 21 }],
    ["runtime", { type: "version" }],
    ["mood", { type: "enum", values: ["a", "b", "c", "d", "e"] }],
    ["mood", { ...DECLARED.mood, "local-dp": { epsilon: 1.01, "max-values": 3 } }],
    ["mood", { ...DECLARED.mood, "local-dp": { epsilon: 1, "max-values": 4 } }],
    // Four values where none is said.
    ["mood", { ...DECLARED.mood, "local-dp": { epsilon: 1 } }],
  ];
  for (const [name, field] of finer) {
    assertEquals(within({ [name]: field })?.fault, "not_declared", JSON.stringify(field));
  }
  assertEquals(within({}, { sample: 1 })?.fault, "not_declared");
});

Deno.test("withinDeclared() knows no event and no optional field that is not declared, and sends no required one", () => {
  const other = { type: "integer", min: 0, max: 65_535 };
  assertEquals(within({ other })?.fault, "not_declared");
  for (const field of [{ ...other, optional: true }, { ...other, suppressed: true }]) {
    const event = within({ other: field });
    assertEquals([event?.fault, event?.fields.has("other")], [undefined, false]);
  }
  const { events } = withinDeclared(
    readSchema({ app: "notes", events: [{ name: "other", fields: { f: other } }] }, "notes"),
    declared,
  );
  // What is declared and not there waits.
  assertEquals([...events].map(([name, { fault }]) => [name, fault]), [["saved", ""]]);
  // A declared field that is not asked for any more is none of its business.
  assertEquals(withinDeclared(schema({}), declared).events.get("saved")?.fault, undefined);
});

Deno.test("withinDeclared() refuses finer times and longer pseudonyms, which are about every event", () => {
  const changes = [{ "granularity-seconds": 900 }, { "pseudonym-seconds": 8 * 86_400 }];
  for (const members of changes) {
    assertThrows(() => withinDeclared(schema(DECLARED, {}, members), declared), Error, "not_declared");
  }
  const none = schema(DECLARED, {}, { "pseudonym-seconds": undefined });
  assertThrows(() => withinDeclared(declared, none), Error, "not_declared");
});

/** A client whose service, and whose mirror, say of the schema what they are told to. */
async function startClient(test: TestService, changes: ClientChanges = {}) {
  const ask = async (step: string) =>
    await (await test.fetch(`https://telemetry.example/v1/apps/notes/${step}`, {})).text();
  const honest = JSON.parse(await ask("schema"));
  const keys = await ask("keys");
  const says = {
    service: undefined as Members | undefined,
    mirror: honest as Members | undefined,
    honest: honest as Members & { events: Members[] },
  };
  const { client, heard } = makeClient(test, {
    ...changes,
    fetch: (url, init) => {
      if (url === MIRROR) return Promise.resolve(new Response(keys));
      const told = url === MIRRORED_SCHEMA ? says.mirror : url.endsWith("/schema") ? says.service : undefined;
      if (told !== undefined) {
        return Promise.resolve(Response.json(told, { headers: { "cache-control": "max-age=60" } }));
      }
      return url === MIRRORED_SCHEMA
        ? Promise.resolve(new Response("", { status: 503 }))
        : test.fetch(url, init);
    },
  });
  return { client, heard, says };
}

/** What was refused since this was asked before, once each. */
function refusals({ refused }: Heard): string[] {
  return [...new Set(refused.splice(0).map(({ step, code }) => `${step} ${code}`))];
}

/** A schema in which the first event is another one. */
function withFirst(honest: Members & { events: Members[] }, changes: Members): Members {
  const [first, ...others] = honest.events;
  return { ...honest, events: [{ ...first, ...changes }, ...others] };
}

Deno.test("a client sends nothing while its mirror shows another schema, and all of it once the two agree", async () => {
  const test = await startService();
  const { client, heard, says } = await startClient(test, { mirror: MIRROR });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.sent.length, heard.refused], [1, []]);
  const lies: Members[] = [
    { ...says.honest, "granularity-seconds": 60 },
    { ...says.honest, "pseudonym-seconds": 86_400 },
    { ...says.honest, events: says.honest.events.slice(1) },
    withFirst(says.honest, { state: "stopped" }),
    withFirst(says.honest, { sample: 0.001 }),
    withFirst(says.honest, { fields: { of_ones_own: { type: "boolean", optional: true } } }),
    withFirst(says.honest, { fields: null }),
  ];
  for (const lie of lies) {
    says.service = lie;
    test.clock.now += 301_000;
    client.log("app_opened", {});
    await client.flush();
    const told = JSON.stringify(lie);
    assertEquals(refusals(heard), ["schema mirror_conflict"], told);
    assertEquals([heard.sent.length, heard.dropped], [1, []], told);
  }
  says.service = undefined;
  await client.flush();
  assertEquals([heard.sent.slice(1), heard.dropped], [[{ events: lies.length, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("a client takes a schema that its mirror words otherwise, and goes on with its own while the mirror is away", async () => {
  const test = await startService();
  const { client, heard, says } = await startClient(test, { mirror: MIRROR });
  says.mirror = withFirst(says.honest, {
    description: "In other words.",
    owner: "others",
    expires: "2098-01-01",
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.sent.length, heard.refused], [1, []]);
  says.mirror = undefined;
  test.clock.now += 301_000;
  client.log("app_opened", {});
  await client.flush();
  assertEquals(refusals(heard), ["mirror status_503", "schema mirror_unavailable"]);
  assertEquals(heard.sent.length, 2);
  await client.close();
  await test.close();
});

Deno.test("a client sends nothing of what it is not declared to send, and the rest", async () => {
  const test = await startService();
  const honest = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  const { client, heard, says } = await startClient(test, { declared: honest });
  const saved = honest.events.find(({ name }: Members) => name === "note_saved");
  const finer = { ...saved, fields: { ...saved.fields, latency_ms: { type: "bucket", edges: [1, 2, 3] } } };
  says.service = {
    ...honest,
    events: [finer, ...honest.events.filter(({ name }: Members) => name !== "note_saved")],
  };
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 12 });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(refusals(heard), ["schema not_declared"]);
  assertEquals([heard.sent, heard.dropped], [[{ events: 1, replayed: false }], []]);
  const waiting = (await client.inspect())?.waiting;
  assertEquals(waiting, []);
  says.service = undefined;
  test.clock.now += 61_000;
  await client.flush();
  assertEquals([heard.sent.length, heard.dropped], [2, []]);
  await client.close();
  await test.close();
});

Deno.test("a client keeps what it is declared to send while the schema lacks it, and tells nobody a fault", async () => {
  const test = await startService();
  const honest = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  const { client, heard, says } = await startClient(test, { declared: honest });
  const [first, ...others] = honest.events;
  const lacking = honest.events.map((
    { fields: { version: _, ...fields }, ...event }: Members & { fields: Members },
  ) => ({ ...event, fields }));
  for (const events of [[], others, lacking]) {
    says.service = { ...honest, events };
    test.clock.now += 3_600_000;
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 12, version: "1.2" });
    await client.flush();
    await client.flush();
    assertEquals([refusals(heard), heard.sent, heard.dropped], [[], [], []], first.name);
  }
  // Whoever does not log what is missing is not held up.
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 12 });
  await client.flush();
  assertEquals(heard.sent.map(({ events }) => events), [1]);
  says.service = undefined;
  test.clock.now += 3_600_000;
  await client.flush();
  assertEquals([heard.sent.map(({ events }) => events), heard.dropped], [[1, 3], []]);
  await client.close();
  await test.close();
});

Deno.test("a client whose times or pseudonym would tell more than is declared sends nothing, and loses nothing", async () => {
  const test = await startService();
  const honest = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  const { client, heard, says } = await startClient(test, { declared: honest });
  for (const members of [{ "granularity-seconds": 60 }, { "pseudonym-seconds": 400 * 86_400 }]) {
    says.service = { ...honest, ...members };
    client.log("app_opened", {});
    await client.flush();
    assertEquals(refusals(heard), ["schema not_declared"]);
    assertEquals([heard.sent, heard.dropped], [[], []]);
  }
  says.service = undefined;
  await client.flush();
  assertEquals([heard.sent, heard.dropped], [[{ events: 2, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("a client asks for a schema with an event at fault again within ten minutes, however long it should hold", async () => {
  const test = await startService();
  let isLying = true;
  const { client, heard } = makeClient(test, {
    fetch: async (url, init) => {
      const answer = await test.fetch(url, init);
      if (!isLying || !url.endsWith("/schema")) return answer;
      const lie = withFirst(await answer.json(), { fields: { ok: null } });
      return Response.json({ ...lie }, { headers: { "cache-control": "max-age=999999999" } });
    },
  });
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 12 });
  await client.flush();
  assertEquals(refusals(heard), ["schema malformed"]);
  isLying = false;
  test.clock.now += 600_000;
  await client.flush();
  assertEquals([heard.sent, heard.dropped], [[{ events: 1, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("a client does not go by a schema that it stored before the app was compiled with a declared one", async () => {
  const test = await startService();
  const honest = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  const storage = new MemoryStorage();
  const before = await startClient(test, { storage });
  before.says.service = { ...honest, "granularity-seconds": 60 };
  before.client.log("app_opened", {});
  await before.client.flush();
  assertEquals(before.heard.sent.length, 1);
  await before.client.close();
  const after = await startClient(test, { storage, declared: honest });
  after.client.log("app_opened", {});
  await after.client.flush();
  // It asked anew, though the one that was stored was fresh.
  assertEquals([after.heard.sent.length, after.heard.refused], [1, []]);
  await after.client.close();
  await test.close();
});

Deno.test("a client cannot be made with what is no schema of its app", async () => {
  const test = await startService();
  const event = { name: "saved", fields: { f: { type: "text" } } };
  const wrong = [{}, [], { app: "other", events: [] }, { app: "notes", events: [event] }, null as never];
  for (const declared of wrong) {
    assertThrows(() => makeClient(test, { declared }), TypeError, "declared");
  }
  await test.close();
});
