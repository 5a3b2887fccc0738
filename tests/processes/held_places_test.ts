/** A few addresses that send no bodies, and a header that nobody was told to believe, against the service as a process. */
import { assert, assertEquals } from "@std/assert";
import { present } from "../support/base/present.ts";
import { fetchTokens, logBody, logsPath, signLog, type Token } from "../support/client/protocol_client.ts";
import { sendSlowly, type SlowSender } from "../support/http/slow_sender.ts";
import { demoConfig, Folders, signIn, startReady } from "../support/processes/service_process.ts";

const ATTACKERS = 5;
const EACH = 480;
/** Places of a service that nobody has told otherwise. */
const PLACES = 2_048;

function logOf(token: Token, use: number) {
  return signLog(token, { use, body: logBody(token, { events: [{ name: "app_opened", fields: {} }] }) });
}

async function start(folders: Folders, env: Record<string, string> = {}) {
  const folder = await folders.make(demoConfig({ tokensPerClient: 4 }));
  const service = await startReady({ folder, env: { DIT_CONFIG: "config.js", DIT_THROTTLE: "100", ...env } });
  const session = async (subject: string) => ({
    jwt: await signIn(service.url, subject),
    nowSeconds: Math.floor(Date.now() / 1_000),
    app: "demo",
  });
  return {
    service,
    tokens: async (subject: string) => await fetchTokens(service.send, await session(subject), 4),
  };
}

Deno.test("twenty others are served while five addresses hold all the places that they get", async () => {
  await using folders = new Folders();
  const { service, tokens } = await start(folders, { DIT_TRUSTED_HOPS: "1" });
  await using _ = service;
  const [attackers, others] = [await tokens("mallory"), await tokens("bob")];
  const { headers } = logOf(present(attackers[0]), 0);
  const senders: SlowSender[] = [];
  const { promise: isFull, resolve } = Promise.withResolvers<void>();
  let refused = 0;
  for (let index = 0; index < ATTACKERS * EACH; index++) {
    const from = `203.${index % ATTACKERS}.113.7`;
    const sender = await sendSlowly(service.port, logsPath("demo"), { ...headers, "x-forwarded-for": from });
    senders.push(sender);
    // As many as find no place, so that everybody else has one or had one.
    void sender.status.then((code) => {
      if (code === 429 && ++refused === ATTACKERS * EACH - PLACES) resolve();
    });
  }
  await isFull;
  const send = async (token: Token, use: number, from: string) => {
    const { headers, ...init } = logOf(token, use);
    const response = await service.send(logsPath("demo"), {
      ...init,
      headers: { ...headers, "x-forwarded-for": from },
    });
    await response.body?.cancel();
    return response.status;
  };
  const statuses = await Promise.all(
    Array.from(
      { length: 20 },
      (_, index) => send(present(others[index % 4]), index >> 2, `198.51.100.${index}`),
    ),
  );
  assertEquals(statuses, Array(20).fill(200));
  senders.forEach(({ leave }) => leave());
  await Promise.all(senders.map(({ status }) => status));
  // What they held is given back, to them as well.
  assertEquals(await send(present(attackers[1]), 0, "203.0.113.7"), 200);
  assertEquals((await service.end("SIGTERM")).code, 0);
});

Deno.test("one line says that everybody shares a throttle, and nothing of who does", async () => {
  await using folders = new Folders();
  const { service } = await start(folders);
  await using _ = service;
  for (const name of ["x-forwarded-for", "forwarded", "x-forwarded-for"]) {
    const response = await service.send("/healthz", { headers: { [name]: "for=198.51.100.77" } });
    await response.body?.cancel();
  }
  assertEquals((await service.end("SIGTERM")).code, 0);
  const warnings = service.events("warning").map(({ message }) => String(message));
  const told = warnings.filter((message) => message.includes("DIT_TRUSTED_HOPS"));
  assertEquals(told.length, 1);
  assert(!service.stdout().includes("198.51.100.77") && !service.stderr().includes("198.51.100.77"));
});
