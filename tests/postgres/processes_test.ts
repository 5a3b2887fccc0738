/** Several processes of the service on one port, as `deno task start --processes 2` runs them on PostgreSQL. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { fetchTokens, logBody, logsPath, type Send, signLog } from "../support/client/protocol_client.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { gone, launch, type Launched, PRODUCTION } from "../support/processes/launched.ts";
import { demoConfig, Folders, signIn } from "../support/processes/service_process.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const ADMIN_TOKEN = "admin-token-of-tests";

function start(folder: string, url: string, env: Record<string, string> = {}): Launched {
  return launch(folder, {
    ...PRODUCTION,
    DIT_KV: url,
    DIT_CONFIG: "config.js",
    DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN_TOKEN).toHex(),
    ...env,
  }, { args: ["--processes", "2"] });
}

/** Asks over a connection of its own, which the system gives to any process. */
async function ask(url: string, headers: Record<string, string> = {}): Promise<string> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const answer = await fetch(url, { client, headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}: ${text}`);
  return text;
}

/** Sends over a connection of its own. */
function sendTo({ url }: Launched): Send {
  return async (path, init) => {
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const answer = await fetch(url + path, { ...init, client });
    const { status, headers } = answer;
    return new Response(await answer.arrayBuffer(), { status, headers });
  };
}

/** How each process is, as `/readyz` tells. */
async function states({ url }: Launched): Promise<Record<string, string>> {
  return JSON.parse(await ask(`${url}/readyz`).catch(() => "{}")).processes ?? {};
}

const bothReady = (launched: Launched) => async () => {
  const { 1: first, 2: second } = await states(launched);
  return first === "ready" && second === "ready";
};

/** The samples of a metric by their process. */
async function samples({ url }: Launched, name: string, labels = ""): Promise<Map<string, number>> {
  const text = await ask(`${url}/metrics`, { authorization: `Bearer ${ADMIN_TOKEN}` });
  const pattern = new RegExp(`^${name}\\{process="([0-9])"${labels}\\} (\\S+)$`, "gm");
  return new Map([...text.matchAll(pattern)].map(([, process = "", value]) => [process, Number(value)]));
}

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

Deno.test("two processes answer on one port, are told apart and add up, and one that is killed comes again", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await withDatabase(async (url) => {
    await using started = start(folder, url);
    await started.ready();
    await until(bothReady(started));
    const health = () => samples(started, "dit_requests_total", ',route="health",outcome="ok"');
    const before = await health();
    for (let request = 0; request < 40; request++) await ask(`${started.url}/healthz`);
    const after = await health();
    assertEquals(sum(after.values()) - sum(before.values()), 40);
    for (const process of ["1", "2"]) {
      assertGreater(after.get(process) ?? 0, before.get(process) ?? 0, `process ${process}`);
    }
    assertEquals(await samples(started, "dit_process_up"), new Map([["1", 1], ["2", 1]]));

    const [first = 0, second = 0] = await started.services();
    Deno.kill(second, "SIGKILL");
    // Until the launcher has it no more: its last threads may still hold the socket where it counts as dead already.
    await until(async () => !(await started.services()).includes(second));
    // The system gives its connections to the other one.
    for (let request = 0; request < 20; request++) await ask(`${started.url}/healthz`);
    await until(async () => (await started.services()).length === 2);
    await until(bothReady(started));
    // Nothing of the other one began anew, and no sum fell that is made of series of one process each.
    const [third] = (await started.services()).filter((pid) => pid !== first);
    assert(third !== second);
    const again = await health();
    assertGreater((again.get("1") ?? 0) + 1, after.get("1") ?? 0);
    assert((again.get("2") ?? 0) < 40);

    started.launcher.kill("SIGTERM");
    const { code, printed } = await started.ended;
    assertEquals(code, 0, printed);
    for (const pid of [first, third ?? 0]) await gone(pid);
    const lines = printed.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const of = (event: string) => lines.filter((line) => line.event === event).map(({ process }) => process);
    assertEquals(of("listening"), [1, 2, 2], printed);
    assertEquals([of("process_ended"), of("process_started")], [[2], [2]]);
    assertEquals(printed.match(/\/dit-\w+/), null, "the folder of sockets is nobody's to see");
  });
});

Deno.test("a process that hangs is told by the other one, for clients may meet it", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await withDatabase(async (url) => {
    await using started = start(folder, url);
    await started.ready();
    await until(bothReady(started));
    const [, second = 0] = await started.services();
    Deno.kill(second, "SIGSTOP");
    try {
      await until(async () => {
        const answer = await fetch(`${started.url}/readyz`, { signal: AbortSignal.timeout(5_000) })
          .catch(() => undefined);
        return answer !== undefined && /no answer/.test(await answer.text()) && answer.status === 503;
      });
    } finally {
      Deno.kill(second, "SIGCONT");
    }
    await until(bothReady(started));
  });
});

Deno.test("processes that cannot start end the launcher with one sentence and their code", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await withDatabase(async (url) => {
    const PORT = `${freePort()}`;
    await using started = start(folder, url, { PORT });
    await started.ready();
    await using second = start(folder, url, { PORT });
    const { code, printed } = await second.ended;
    assertEquals([code, printed.trim()], [1, "The port is in use: stop what listens there, or set PORT."]);
    await using other = start(folder, url, { DIT_SEAL_KEYS: new Uint8Array(32).fill(8).toBase64() });
    const refused = await other.ended;
    assertEquals([refused.code, refused.printed.trim().split("\n").length], [78, 1], refused.printed);
  });
});

Deno.test("a quota and the uses of a token are exact whichever process a request meets, and the audit finds nothing", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig({ tokensPerClient: 8 }));
  await withDatabase(async (url) => {
    await using started = start(folder, url, { DIT_ENV: "development" });
    await started.ready();
    await until(bothReady(started));
    const send = sendTo(started);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const session = { jwt: await signIn(started.url, "alice"), nowSeconds, app: "demo" };
    const asked = await Promise.allSettled(Array.from({ length: 24 }, () => fetchTokens(send, session)));
    const tokens = asked.flatMap((one) => one.status === "fulfilled" ? one.value : []);
    assertEquals(tokens.length, 8);
    for (const one of asked) if (one.status === "rejected") assert(/quota_exhausted/.test(`${one.reason}`));

    const events = [{ name: "app_opened", fields: {} }];
    const sends = tokens.flatMap((token) =>
      Array.from({ length: 32 }, async (_, index) => {
        // Two logs race for each use.
        const log = signLog(token, { use: index >> 1, body: logBody(token, { events }) });
        return await (await send(logsPath("demo"), log)).json();
      })
    );
    const answers = await Promise.all(sends);
    assertEquals(answers.filter(({ code }) => code === "use_taken").length, 128);
    assertEquals(answers.filter(({ code }) => code === undefined).length, 128);
    const audit = await send("/admin/v1/audit", {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const { records, findings } = await audit.json();
    assertEquals([records, findings], [128, []]);
  });
});
