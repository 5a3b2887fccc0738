import { assert, assertEquals } from "@std/assert";
import { serviceCommand } from "../../boot/launch/service_command.ts";
import configuration from "../../deno.json" with { type: "json" };
import { utf8 } from "../../core/base/bytes.ts";
import { Canaries, findCanaries, formsOf, type Hit, type Source } from "./canaries.ts";
import { readOperatorsAnswers } from "./operator.ts";
import { sendAll } from "./requests.ts";
import { startWatched, type WatchedOptions } from "./service.ts";
import { documentedSettings, watchedDatabase, watchedFile } from "./stores.ts";
import { NO_POSTGRES } from "../support/postgres/cluster.ts";
import { openStore } from "../../boot/open_store.ts";

interface Run {
  readonly canaries: Canaries;
  readonly sources: Source[];
  readonly hits: Hit[];
}

/** Runs the whole service, sends it everything, and searches all that it left. */
async function run(options: Partial<WatchedOptions> = {}): Promise<Run> {
  const canaries = new Canaries();
  await using store = options.store ?? watchedFile();
  const service = await startWatched({ ...options, store });
  const sources: Source[] = [];
  try {
    await sendAll(service.port, canaries);
    // While it runs there is a write-ahead log. Metrics are exported every half second, all else sooner.
    await service.exported(3);
    sources.push(...await service.files(), ...await readOperatorsAnswers(service.port));
  } finally {
    sources.push(...await service.stop());
  }
  return { canaries, sources, hits: findCanaries(canaries.all, sources) };
}

function describe({ canary, form, source, context }: Hit): string {
  return `${canary.name}, ${form}, in ${source}: ${context}`;
}

Deno.test("findCanaries() finds a value in every form, anywhere in what surrounds it", () => {
  const canaries = new Canaries();
  canaries.make("first");
  canaries.add("trace", "0af7651916cd43dd8448eb211c80319c");
  for (const { text } of canaries.all) {
    for (const [form, bytes] of formsOf(text)) {
      for (const before of [0, 1, 2, 3, 5_000]) {
        const haystack = new Uint8Array([...new Uint8Array(before), ...bytes, 0]);
        const hits = findCanaries(canaries.all, [{ name: "x", bytes: haystack }]);
        assert(hits.some((hit) => hit.canary.text === text && hit.form === form), form);
      }
    }
    // Base64 of a longer text in which the value stands at any place.
    for (const before of ["", "a", "ab", "abc"]) {
      for (const encoded of [utf8(`${before}${text}z`).toBase64(), utf8(`${before}${text}`).toBase64()]) {
        assert(findCanaries(canaries.all, [{ name: "x", bytes: utf8(`"${encoded}"`) }]).length > 0);
      }
    }
  }
  assertEquals(
    findCanaries(canaries.all, [{ name: "x", bytes: crypto.getRandomValues(new Uint8Array(65_536)) }]),
    [],
  );
});

Deno.test("nothing that identifies a client is left anywhere by the running service", async () => {
  const { canaries, sources, hits } = await run();
  const names = new Set(sources.map(({ name }) => name));
  assertEquals([...names].toSorted(), [
    "exported logs",
    "exported metrics",
    "operator's answers",
    // No spans: each would have the exact time of a log.
    "stderr",
    "stdout",
    "store files",
    "store rows",
  ]);
  assert(canaries.all.length > 4_000, `only ${canaries.all.length} canaries`);
  const stdout = new TextDecoder().decode(sources.find(({ name }) => name === "stdout")!.bytes);
  const lines = stdout.split("\n").filter((line) => line.includes('"event":"answer"'));
  assert(lines.length > 60, `only ${lines.length} lines about requests`);
  assertEquals(hits.map(describe), []);
});

Deno.test({
  name: "nothing that identifies a client is left in PostgreSQL, a dump of it or its server's log",
  ignore: NO_POSTGRES !== undefined,
  async fn() {
    const settings = await documentedSettings();
    assertEquals(settings.length, 5);
    const { canaries, sources, hits } = await run({ store: await watchedDatabase(settings) });
    const bytesOf = (wanted: string) =>
      sources.filter(({ name }) => name === wanted).reduce((sum, { bytes }) => sum + bytes.length, 0);
    // A log without lines and a dump without rows would prove nothing.
    const sizes = ["server log", "store dump", "store rows"].map(bytesOf);
    assert(sizes.every((size) => size > 200) && sizes[1]! > 10_000, `${sizes}`);
    assert(canaries.all.length > 4_000, `only ${canaries.all.length} canaries`);
    assertEquals(hits.map(describe), []);
  },
});

Deno.test({
  name: "what a server writes down without these settings, and what lies in a row, is found",
  ignore: NO_POSTGRES !== undefined,
  async fn() {
    await using watched = await watchedDatabase(["log_statement=all"]);
    const canaries = new Canaries();
    const [planted, text] = ["in a row", "in a member"].map((name) => canaries.make(name));
    const store = await openStore(watched.location);
    await store.commit((commit) => commit.set(["zz", 1], utf8(`${planted}`)).set(["zz", 2], { text }));
    store.close();
    const hits = findCanaries(canaries.all, [...await watched.files(), ...await watched.rows()]);
    for (const source of ["store dump", "server log", "store rows"]) {
      for (const name of ["in a row", "in a member"]) {
        assert(
          hits.some((hit) => hit.source === source && hit.canary.name.includes(name)),
          `${name}, ${source}`,
        );
      }
    }
  },
});

Deno.test("no task starts the service past the launcher, which keeps trace ids of requests out of what is exported", async () => {
  for (const [name, { command }] of Object.entries<{ command: string }>(configuration.tasks)) {
    assertEquals(/\bmain\.ts\b/.test(command), false, name);
  }
  const environment = new Map([["DIT_ENV", "development"], ["OTEL_PROPAGATORS", "tracecontext"]]);
  const { variables } = await serviceCommand((name) => environment.get(name), () => {});
  assertEquals(variables.OTEL_PROPAGATORS, "none");
});

Deno.test("a service that leaks in any of nine ways is found out", async () => {
  const { hits } = await run({ leaks: new URL("leaks.ts", import.meta.url).pathname });
  const found = new Set(
    hits.map(({ canary, form, source }) => `${canary.name.split(": ")[1]}, ${form}, in ${source}`),
  );
  for (
    const leak of [
      "user-agent, reversed, in stdout",
      "user-agent, reversed, in exported logs",
      "address, SHA-256 in hex, in stderr",
      "accept-language, SHA-256, in store rows",
      "accept-language, SHA-256, in store files",
      "user-agent, whole, SHA-256, in store rows",
      "x-request-id, hex, in spans",
      "traceparent, bytes of the hex, in spans",
      "sec-ch-ua-model, raw, in exported metrics",
      "x-device-id, upper case, in operator's answers",
    ]
  ) assert(found.has(leak), `${leak} was not found; found were ${[...found].join("; ")}`);
  const base64 = [...found].filter((hit) => /^cookie, base64.* in store rows/.test(hit));
  assert(base64.length > 0, "the cookie in base64 was not found in the store");
});
