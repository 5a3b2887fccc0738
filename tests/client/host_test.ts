import { assert, assertEquals } from "@std/assert";
import { type ClientEvents, DitClient, type Fetch } from "../../client/mod.ts";
import { startService } from "../support/client/client_service.ts";
import { droppedBy, makeClient, NEVER_SECONDS } from "../support/client/client_under_test.ts";

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

/** What an app may log by mistake. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  7,
  "text",
  Symbol("s"),
  10n,
  () => 1,
  cyclic,
  { ok: cyclic },
  { ok: new Map() },
  { [Symbol("s")]: 1 },
  Object.freeze({ ok: true }),
  Object.create(null),
  Object.create({ ok: true }),
  { ok: { toJSON: () => assert(false) } },
  {
    get ok(): boolean {
      throw new Error("of the app");
    },
  },
  new Proxy({}, { ownKeys: () => assert(false) }),
  new Proxy({}, { get: () => assert(false), getPrototypeOf: () => assert(false) }),
  new Proxy({ ok: 1 }, { getOwnPropertyDescriptor: () => assert(false) }),
  Object.fromEntries(Array.from({ length: 1_000_000 }, (_, index) => [`f${index}`, index])),
  { ok: "x".repeat(10_000_000) },
  { ok: Array.from({ length: 1_000_000 }, () => 0) },
  new Proxy({}, {
    ownKeys: () => Array.from({ length: 200_000 }, (_, index) => String(index)),
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: 1 }),
  }),
];

/** What somebody else's script may have done to the platform. */
const PATCHES: readonly [object, string, unknown][] = [
  [Date, "now", () => assert(false)],
  [JSON, "stringify", () => assert(false)],
  [JSON, "stringify", () => undefined],
  [Object, "keys", () => assert(false)],
  [globalThis, "fetch", () => assert(false)],
  [globalThis, "setTimeout", () => assert(false)],
  [crypto, "getRandomValues", () => assert(false)],
  [console, "warn", () => assert(false)],
];

for (const [target, name, value] of PATCHES) {
  Deno.test(`log() throws nothing where ${name} was replaced by ${value}`, async () => {
    const test = await startService();
    const client = new DitClient({
      endpoint: "https://telemetry.example",
      app: "notes",
      session: () => test.signIn("alice"),
      fetch: test.fetch,
      delaySeconds: NEVER_SECONDS,
    });
    await client.inspect();
    const own = Object.getOwnPropertyDescriptor(target, name);
    Object.defineProperty(target, name, { configurable: true, writable: true, value });
    try {
      client.log("app_opened", {});
      client.log("note_saved", 7 as never);
    } finally {
      if (own === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, own);
    }
    await client.close();
    await test.close();
  });
}

Deno.test("log() throws nothing whatever is logged, and with whatever listeners", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  for (const name of ["dropped", "refused", "sent", "state"] as const) client.on(name, () => assert(false));
  const log = client.log.bind(client) as (name: unknown, fields: unknown) => void;
  log("app_opened", {});
  for (const value of VALUES) {
    log("note_saved", value);
    log(value, {});
  }
  log("app_opened", {});
  await client.flush();
  assertEquals(heard.sent, [{ events: 2, replayed: false }]);
  assertEquals(
    Object.values(droppedBy(heard)).reduce((sum, events) => sum + events, 0),
    2 * VALUES.length,
  );
  await client.close();
  await test.close();
});

Deno.test("log() freezes nothing where the platform's objects are frozen", async () => {
  // In a realm of its own: what is frozen stays so.
  const source = `
    import { DitClient } from "${import.meta.resolve("../../client/mod.ts")}";
    for (const one of [Object, Array, Map, Promise, JSON, Date, Math]) {
      Object.freeze(one);
      Object.freeze(one.prototype ?? {});
    }
    const fetch = () => Promise.reject(new TypeError("offline"));
    const session = () => Promise.resolve("");
    const client = new DitClient({ endpoint: "https://telemetry.example", app: "notes", session, fetch, debug: false });
    client.log("app_opened", {});
    await client.flush();
    const held = await client.inspect();
    postMessage(held.waiting.length);
    await client.close();
  `;
  const url = URL.createObjectURL(new Blob([source], { type: "text/typescript" }));
  const worker = new Worker(url, { type: "module" });
  const waiting = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  });
  worker.terminate();
  URL.revokeObjectURL(url);
  assertEquals(waiting, 1);
});

/** Runs with a console that is listened to. */
async function withConsole(body: () => Promise<void>): Promise<{ warn: string[]; debug: string[] }> {
  const lines = { warn: [] as string[], debug: [] as string[] };
  const { warn, debug } = console;
  // deno-lint-ignore no-console -- it is listened to.
  console.warn = (line) => lines.warn.push(line);
  // deno-lint-ignore no-console -- it is listened to.
  console.debug = (line) => lines.debug.push(line);
  try {
    await body();
  } finally {
    Object.assign(console, { warn, debug });
  }
  return lines;
}

/** Makes each mistake ten times, with values that no line may repeat. */
async function mistakes(debug: boolean | undefined): Promise<{ warn: string[]; debug: string[] }> {
  const test = await startService();
  const lines = await withConsole(async () => {
    let isOffline = false;
    const fetch: Fetch = (url, init) =>
      isOffline ? Promise.reject(new TypeError("Failed to fetch")) : test.fetch(url, init);
    const session = () => Promise.reject<string>(new Error("secret of the app"));
    const { client } = makeClient(test, { debug, fetch, session });
    client.log("app_opened", {});
    await client.flush();
    for (let round = 0; round < 10; round++) {
      client.log("note_savd" as never, {} as never);
      client.log("note_saved", { ok: true, platform: "secret", latency_ms: 1 } as never);
      await client.flush();
    }
    isOffline = true;
    test.clock.now += 3_600_000;
    for (let round = 0; round < 10; round++) await client.flush();
    await client.close();
  });
  await test.close();
  assert(![...lines.warn, ...lines.debug].some((line) => line.includes("secret")));
  return lines;
}

Deno.test("a client writes one line of each kind of mistake, which says what it is about", async () => {
  const { warn, debug } = await mistakes(undefined);
  assertEquals([warn.map((line) => line.slice(0, line.indexOf(":", 5))), debug], [[
    "dit: session session_failed",
    "dit: note_savd event_unknown",
    "dit: note_saved platform field_invalid",
    "dit: schema no_answer",
  ], []]);
});

Deno.test("debug writes each step, and false nothing", async () => {
  const { warn, debug } = await mistakes(true);
  assertEquals(warn.length, 4);
  assert(debug.length > 30, `${debug.length} lines`);
  assertEquals(await mistakes(false), { warn: [], debug: [] });
});

Deno.test("dropped says which event, and which field, by the app's own names", async () => {
  const test = await startService();
  const lying: Fetch = async (url, init) => {
    if (!url.endsWith("/logs")) return await test.fetch(url, init);
    const rejected = [
      { index: 0, code: "field_invalid", path: "fields.platform" },
      { index: 1, code: "field_invalid", path: "fields.<script>" },
      { index: 99, code: "field_unknown" },
    ];
    return Response.json({ accepted: 0, rejected });
  };
  const { client } = makeClient(test, { fetch: lying });
  const heard: ClientEvents["dropped"][] = [];
  client.on("dropped", (event) => heard.push(event));
  client.log("note_savd" as never, {} as never);
  client.log("note_saved", { ok: true, platform: "web" } as never);
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, colour: 1 } as never);
  client.log("note_saved", 7 as never);
  for (let event = 0; event < 3; event++) {
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 1 });
  }
  await client.flush();
  assertEquals(
    heard.map(({ reason, event, field }) => [reason, event, field]),
    [
      ["field_invalid", "note_saved", undefined],
      ["event_unknown", "note_savd", undefined],
      ["field_missing", "note_saved", "latency_ms"],
      ["field_unknown", "note_saved", "colour"],
      ["field_invalid", "note_saved", "platform"],
      ["field_invalid", "note_saved", undefined],
      ["field_unknown", undefined, undefined],
    ],
  );
  await client.close();
  await test.close();
});

Deno.test("inspect() shows what waits before it is known what is collected", async () => {
  const test = await startService();
  const { client } = makeClient(test, { fetch: () => Promise.reject(new TypeError("offline")) });
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 41.7 });
  const held = await client.inspect();
  assertEquals([held?.isCollectedKnown, held?.waiting], [false, [
    {
      name: "note_saved",
      at: "2027-01-15T10:20:30Z",
      fields: { ok: true, platform: "web", latency_ms: 41.7 },
    },
  ]]);
  await client.close();
  await test.close();
});
