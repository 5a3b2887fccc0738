/** End to end: main.ts as a process, over sockets, on an SQLite file, through stops, kills and wrong starts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatInstant } from "../core/base/time.ts";
import { CLAIMS, LOG_ROWS } from "../core/ledger/families.ts";
import { storeOver } from "../core/store/deno_kv/open.ts";
import { splitLines } from "../core/ledger/pack_records.ts";
import { assertAccepted, assertRefused } from "./support/http/assert_answers.ts";
import { DAY_SECONDS, inOnePeriod } from "./support/processes/in_one_period.ts";
import { filesIn } from "./support/base/files.ts";
import { failToStart, type RunningService, runService } from "./support/processes/running_service.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchKeys,
  fetchTokens,
  logBody,
  type LogChanges,
  logsPath,
  signLog,
  type Token,
  tokensPath,
} from "./support/client/protocol_client.ts";
import { snapshot } from "./support/service/service.ts";

const EVENT = {
  name: "log_upload",
  fields: { ok: true, platform: "linux", runtime: "2.9", retries: 0, latency_ms: 1 },
};

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts the service in development and waits until it has done its first maintenance. */
async function startMain(folder: string): Promise<RunningService> {
  const main = runService({ folder, env: { DIT_ENV: "development" } });
  await main.until("maintenance");
  return main;
}

/** Ends it; gives the exit code and what was written to stderr. */
async function endMain(main: RunningService, signal: Deno.Signal): Promise<{ code: number; stderr: string }> {
  const { code } = await main.end(signal);
  return { code, stderr: main.stderr() };
}

const inFolderForADay = (run: (folder: string) => Promise<void>) =>
  inOnePeriod(DAY_SECONDS, () => inFolder(run));

/** A log of the shipped application, and by what its record is found again: pseudonym and hour, which says the use. */
function demoLog(token: Token, changes: LogChanges = {}): { request: RequestInit; id: string } {
  const at = formatInstant(Math.floor(Date.now() / 3_600_000 - (changes.use ?? 0)) * 3_600);
  return {
    request: signLog(token, { body: logBody(token, { events: [{ ...EVENT, at }] }), ...changes }),
    id: `${token.pseudonym} ${at}`,
  };
}

async function signIn({ send }: RunningService, client: string): Promise<string> {
  const response = await send("/dev/session", { method: "POST", body: JSON.stringify({ client }) });
  return (await response.json()).jwt;
}

async function fetchDemoTokens(main: RunningService, client: string, count: number): Promise<Token[]> {
  const session = { jwt: await signIn(main, client), nowSeconds: Date.now() / 1000, app: "demo" };
  return await fetchTokens(main.send, session, count);
}

/** The ids of all records and the number of claims in the file of a service that has ended. */
async function readStore(folder: string): Promise<{ ids: string[]; claims: number }> {
  const store = storeOver(await Deno.openKv(`${folder}/.dit/kv.sqlite3`));
  try {
    const rows = await Array.fromAsync(store.list<Uint8Array>(LOG_ROWS.prefix("demo")));
    const claims = await Array.fromAsync(store.list(CLAIMS.all()));
    const lines = rows.flatMap(({ value }) => splitLines(value));
    const ids = lines.map((line) => {
      const { pseudonym, events: [event] } = JSON.parse(new TextDecoder().decode(line));
      return `${pseudonym} ${event.at}`;
    });
    return { ids: ids.sort(), claims: claims.length };
  } finally {
    store.close();
  }
}

/** Every row of the file of a service that has ended. */
async function readRows(folder: string): Promise<Deno.KvEntry<unknown>[]> {
  using kv = await Deno.openKv(`${folder}/.dit/kv.sqlite3`);
  return await snapshot(kv);
}

// At midnight (UTC) the key changes, and with it what is left of a quota.
Deno.test("The service keeps tokens, counts and logs through SIGTERM, a restart, kill -9 and a restart", () =>
  inFolderForADay(async (folder) => {
    await using started = new AsyncDisposableStack();
    const start = async () => started.use(await startMain(folder));
    const stored: string[] = [];
    let main = await start();
    const keys = await fetchKeys(main.send, "demo");
    const [token] = await fetchDemoTokens(main, "alice", 1) as [Token];
    const [other] = await fetchDemoTokens(main, "bob", 1) as [Token];
    const pending = blindBatch(await fetchIssuingKey(main.send, Date.now() / 1000, "demo"), 1);
    const first = demoLog(token);
    await assertAccepted(await main.send(logsPath("demo"), first.request));
    await assertAccepted(await main.send(logsPath("demo"), first.request), 1, true);
    stored.push(first.id);

    // One process a file: a second start says so in one sentence and leaves the first one alone.
    assertEquals(await failToStart({ folder, env: { DIT_ENV: "development" } }), {
      code: 1,
      sentences: [
        "Another process uses .dit/kv.sqlite3: stop it, or set DIT_KV to another file or to a KV Connect endpoint.",
      ],
    });

    // It is told to stop with logs on their way and a client that keeps its connection open.
    const underWay = Array.from({ length: 40 }, (_, index) => demoLog(token, { use: index + 1 }));
    const answers = underWay.map(({ request }) =>
      main.send(logsPath("demo"), request).catch(() => undefined)
    );
    await answers[0];
    const stopped = await endMain(main, "SIGTERM");
    assertEquals(stopped, { code: 0, stderr: "" });
    const statuses = (await Promise.all(answers)).map((answer) => answer?.status ?? 0);
    await Promise.all(answers.map(async (answer) => (await answer)?.body?.cancel().catch(() => {})));
    for (const status of statuses) assert(status === 200 || status === 0, `${status}`);

    main = await start();
    assertEquals(await fetchKeys(main.send, "demo"), keys);
    await assertAccepted(await main.send(logsPath("demo"), first.request), 1, true);
    await assertRefused(await main.send(logsPath("demo"), demoLog(token).request), 409, "use_taken");
    for (const [index, { request, id }] of underWay.entries()) {
      const response = await main.send(logsPath("demo"), request);
      assertEquals(response.status, 200);
      // What was answered had landed; what was not may have.
      if (statuses[index] === 200) assertEquals(response.headers.get("dit-replayed"), "?1");
      await response.body?.cancel();
      stored.push(id);
    }
    // One of two tokens is spent; the last may be had once, and its bytes repeated.
    const jwt = await signIn(main, "alice");
    const two = blindBatch(pending.key, 2);
    const refused = await main.send(tokensPath("demo"), batchRequest(jwt, two.request));
    await assertRefused(refused, 429, "quota_exhausted");
    const issued = await main.send(tokensPath("demo"), batchRequest(jwt, pending.request));
    await issued.body?.cancel();
    assertEquals(issued.status, 200);

    // It is killed with logs on their way.
    const cut = Array.from({ length: 60 }, (_, use) => demoLog(other, { use }));
    const lost = cut.map(({ request }) =>
      main.send(logsPath("demo"), request).then(async (answer) => {
        await answer.body?.cancel();
        return answer.status;
      }).catch(() => 0)
    );
    await Promise.race(lost);
    assertEquals((await endMain(main, "SIGKILL")).code, 137);
    const heard = await Promise.all(lost);

    main = await start();
    const repeated = await main.send(tokensPath("demo"), batchRequest(jwt, pending.request));
    const [last] = pending.finish(new Uint8Array(await repeated.arrayBuffer()));
    for (const [use, { request, id }] of cut.entries()) {
      const response = await main.send(logsPath("demo"), request);
      await response.body?.cancel();
      assertEquals(response.status, 200);
      if (heard[use] === 200) assertEquals(response.headers.get("dit-replayed"), "?1");
      stored.push(id);
    }
    await assertAccepted(await main.send(logsPath("demo"), first.request), 1, true);
    const after = demoLog(last!, { encoding: "gzip" });
    await assertAccepted(await main.send(logsPath("demo"), after.request));
    stored.push(after.id);
    const over = demoLog(token, { use: 64 });
    await assertRefused(await main.send(logsPath("demo"), over.request), 403, "use_out_of_range");
    assertEquals(await endMain(main, "SIGINT"), { code: 0, stderr: "" });

    // Every log is there exactly once, and every use that was named is claimed.
    assertEquals(await readStore(folder), { ids: stored.sort(), claims: stored.length });

    // In production a wrong sealing key stops the start before anything is written.
    const before = await readRows(folder);
    const wrongKey = await failToStart({
      folder,
      task: "start",
      env: {
        DIT_KV: ".dit/kv.sqlite3",
        DIT_SEAL_KEYS: crypto.getRandomValues(new Uint8Array(32)).toBase64(),
        DIT_SESSION_SECRET: "a session secret of over 32 bytes, for tests",
      },
    });
    assertEquals([wrongKey.code, wrongKey.sentences.length], [78, 1]);
    assertMatch(wrongKey.sentences[0]!, /DIT_SEAL_KEYS/);
    assertEquals(await readRows(folder), before);
  }));

Deno.test("A client that sends slowly does not keep the service from ending in order", () =>
  inFolder(async (folder) => {
    const main = await startMain(folder);
    const [token] = await fetchDemoTokens(main, "alice", 1);
    const { request, id } = demoLog(token!);
    const slow = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const unfinished = main.send(logsPath("demo"), { ...signLog(token!, { use: 1 }), body: slow }).then(
      ({ status }) => status,
      () => 0,
    );
    await assertAccepted(await main.send(logsPath("demo"), request));
    assertEquals(await endMain(main, "SIGTERM"), { code: 0, stderr: "" });
    // If it hears anything, it hears that it may send the log again.
    assert([0, 408].includes(await unfinished), `${await unfinished}`);
    assertEquals(await readStore(folder), { ids: [id], claims: 1 });
  }));

Deno.test("In production the service does not start without its secrets, says which, and writes nothing", () =>
  inFolder(async (folder) => {
    const nothing = await failToStart({ folder, task: "start" });
    assertEquals(nothing, {
      code: 78,
      sentences: [
        "Set DIT_KV to the path of the store's file, or to the URL of a PostgreSQL database or a KV Connect endpoint.",
        "Set DIT_SEAL_KEYS to the base64 of 32 random bytes (openssl rand -base64 32); keep it safe.",
      ],
    });
    const env = { DIT_KV: ".dit/kv.sqlite3", DIT_SEAL_KEYS: new Uint8Array(32).toBase64() };
    const noSession = await failToStart({ folder, task: "start", env });
    assertEquals(noSession, {
      code: 78,
      sentences: [
        'Set DIT_SESSION_SECRET to a secret of at least 32 bytes, as text or as "base64:" and their base64: ' +
        "the sessions of demo are signed with it.",
      ],
    });
    assertEquals(await filesIn(folder), {});
  }));

Deno.test("A wrong configuration stops the start with every mistake at once, and writes nothing", () =>
  inFolder(async (folder) => {
    const files = {
      "dit.config.ts": `export default {
        issuer: "https://telemetry.example",
        aplications: {},
        applications: {
          Notes: { session: { issuer: "x", key: { kind: "secret" } }, usesPerToken: 0, events: {} },
          pages: {
            session: { issuer: "x", key: { kind: "hs256", secretEnv: "PAGES_SECRET" } },
            events: { opened: { description: "", purpose: "p", owner: "o", expires: "soon", fields: { t: { type: "text" } } } },
          },
        },
      };`,
      "broken.ts": "export default {",
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    const before = await filesIn(folder);
    const start = (config: string) =>
      failToStart({ folder, env: { DIT_ENV: "development", DIT_CONFIG: config } });
    const { code, sentences } = await start("dit.config.ts");
    assertEquals(code, 78);
    const places = [
      "issuer:",
      "dit.config.ts: remove",
      "applications.Notes:",
      "applications.Notes.session.key.kind:",
      "applications.Notes.usesPerToken:",
      "applications.pages.events.opened.description:",
      "applications.pages.events.opened.expires:",
      "applications.pages.events.opened.fields.t.type:",
    ];
    for (const place of places) {
      assertEquals(
        sentences.filter((sentence) => sentence.startsWith(place)).length,
        1,
        `${place}\n${sentences}`,
      );
    }
    assertEquals(sentences.length, places.length, sentences.join("\n"));
    for (const config of ["broken.ts", "missing.ts"]) {
      const failed = await start(config);
      assertEquals(failed.code, 78);
      assert(
        failed.sentences[0]!.startsWith(`DIT_CONFIG: ${config} cannot be loaded: `),
        failed.sentences[0],
      );
      // Where the mistake is, but not where in the service it was met.
      assertEquals(failed.sentences.filter((line) => line.includes("load_config")), []);
    }
    assertEquals(await filesIn(folder), before);
  }));

Deno.test("A port that is in use stops the start with a sentence", () =>
  inFolder(async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { code, sentences } = await failToStart({
      folder,
      env: { DIT_ENV: "development", PORT: String(listener.addr.port) },
    });
    assertEquals([code, sentences], [1, ["The port is in use: stop what listens there, or set PORT."]]);
  }));
