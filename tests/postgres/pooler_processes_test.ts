/** Two processes of the service behind PgBouncer in transaction mode, with what happens to all three of them. */
import { assert, assertEquals } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import {
  fetchIssuingKey,
  fetchTokens,
  logBody,
  logsPath,
  type Send,
  signLog,
  type Token,
} from "../support/client/protocol_client.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { NO_POOLER, startPooler } from "../support/postgres/pooler.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { launch, PRODUCTION } from "../support/processes/launched.ts";
import { demoConfig, Folders, signIn } from "../support/processes/service_process.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const ADMIN_TOKEN = "admin-token-of-tests";
const EVENTS = [{ name: "app_opened", fields: {} }];
const TOKENS = 8;
/** Logs that are under way at the same time. */
const AT_ONCE = 8;

/** Sends the same bytes until they are accepted, as a client does: whatever happens, each is stored once. */
async function deliver(send: Send, request: RequestInit): Promise<void> {
  await until(async () => {
    const answer = await send(logsPath("demo"), request).catch(() => undefined);
    if (answer === undefined) return false;
    const text = await answer.text();
    // Nothing but "not now" is heard.
    assert(answer.status === 200 || answer.status === 503, text);
    return answer.status === 200;
  });
}

Deno.test({
  name:
    "behind PgBouncer two processes lose and double nothing: keys replaced, the pooler restarted, a process killed",
  ignore: NO_POOLER !== undefined,
  fn: () =>
    inOnePeriod(DAY_SECONDS, () =>
      withDatabase(async (url, cluster) => {
        await using pooler = await startPooler(cluster);
        await using folders = new Folders();
        const folder = await folders.make(demoConfig({ tokensPerClient: 4 * TOKENS }));
        await using started = launch(folder, {
          ...PRODUCTION,
          DIT_ENV: "development",
          DIT_KV: `${url.replace(/:\d+\//, `:${pooler.port}/`)}?pooler=transaction`,
          DIT_CONFIG: "config.js",
          DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN_TOKEN).toHex(),
        }, { args: ["--processes", "2"] });
        await started.ready();
        // Each over a connection of its own, which the system gives to any process.
        const send: Send = async (path, init) => {
          using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
          const { status, headers, body } = await fetch(started.url + path, { ...init, client });
          return new Response(await new Response(body).arrayBuffer(), { status, headers });
        };
        const operate = async (path: string, body?: unknown) => {
          const answer = await send(path, {
            method: "POST",
            headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
            ...body === undefined ? {} : { body: JSON.stringify(body) },
          });
          return await answer.json();
        };
        const bothReady = async () => {
          const answer = await send("/readyz", {}).catch(() => undefined);
          const { processes = {} } = answer?.ok ? await answer.json() : {};
          return processes[1] === "ready" && processes[2] === "ready";
        };
        await until(bothReady);

        const session = {
          jwt: await signIn(started.url, "alice"),
          nowSeconds: Math.floor(Date.now() / 1_000),
          app: "demo",
        };
        let delivered = 0;
        /** Sends every use of some tokens, several at once; `meanwhile` happens when a third is through. */
        const sendAll = async (tokens: readonly Token[], meanwhile: () => Promise<void>) => {
          const requests = tokens.flatMap((token) =>
            Array.from(
              { length: 16 },
              (_, use) => signLog(token, { use, body: logBody(token, { events: EVENTS }) }),
            )
          );
          let happening: Promise<void> | undefined;
          const third = delivered + requests.length / 3;
          await Promise.all(Array.from({ length: AT_ONCE }, async () => {
            for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
              await deliver(send, request);
              delivered++;
              if (delivered >= third) happening ??= meanwhile();
            }
          }));
          await happening;
        };

        await sendAll(await fetchTokens(send, session, TOKENS), () => pooler.restart());
        await until(bothReady);

        const [, second = 0] = await started.services();
        await sendAll(await fetchTokens(send, session, TOKENS), async () => {
          Deno.kill(second, "SIGKILL");
          await until(async () => !(await started.services()).includes(second));
        });
        await until(async () => (await started.services()).length === 2);
        await until(bothReady);

        // A key is ended by one process: the other one takes no use under it any more, and both issue under the next.
        const [last] = await fetchTokens(send, session, 1) as [Token];
        const { epoch } = await fetchIssuingKey(send, session.nowSeconds, "demo");
        await operate("/admin/v1/apps/demo/keys/revoke", { epoch, "through-generation": 0 });
        for (let attempt = 0; attempt < 8; attempt++) {
          const late = signLog(last, { use: 0, body: logBody(last, { events: EVENTS }) });
          const answer = await send(logsPath("demo"), late);
          const { code } = await answer.json();
          // Who still has it in view says that it has ended, the other one knows it no more.
          assertEquals(answer.status, 401);
          assert(["key_expired", "key_unknown"].includes(code), code);
        }
        // The other one may still show the old key until it is asked to issue under it.
        let tokens: Token[] = [];
        await until(async () => {
          tokens = await fetchTokens(send, session, TOKENS).catch(() => []);
          return tokens.length > 0;
        });
        await sendAll(tokens, () => Promise.resolve());

        const { claims, records, findings } = await operate("/admin/v1/audit");
        assertEquals([claims, records, findings], [delivered, delivered, []]);
        assertEquals(delivered, 3 * TOKENS * 16);
      })),
});
