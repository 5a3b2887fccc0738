/** Several logs of one token in one request: each is sent once, whatever becomes of the request. */
import { assert, assertEquals } from "@std/assert";
import type { Fetch } from "../../../client/mod.ts";
import { logBatches } from "../../../client/log_batches.ts";
import { toBase64url } from "../../../core/base/bytes.ts";
import { parseCredential } from "../../../core/token/credential.ts";
import { decodeLogBatch, encodeLogBatch, LOG_BATCH_TYPE } from "../../../core/token/log_batch.ts";
import { startService } from "../../support/client/client_service.ts";
import { makeClient } from "../../support/client/client_under_test.ts";

type TestService = Awaited<ReturnType<typeof startService>>;

/** The nonces of a request to /logs, as a service reads them. */
function noncesOf(init: RequestInit): string[] {
  const headers = new Headers(init.headers);
  if (headers.get("content-type") !== LOG_BATCH_TYPE) {
    return [toBase64url(parseCredential(headers.get("authorization") ?? "").nonce)];
  }
  assertEquals(headers.get("authorization"), null);
  return decodeLogBatch(init.body as Uint8Array<ArrayBuffer>).map(({ credential }) =>
    toBase64url(credential.nonce)
  );
}

/** Logs 500 events, five bodies, with a service that is reached through `answer`; the nonces of each request. */
async function log500(
  test: TestService,
  answer: (init: RequestInit, reach: () => Promise<Response>) => Promise<Response> = (_, reach) => reach(),
) {
  const requests: string[][] = [];
  const fetch: Fetch = (url, init) => {
    if (!url.endsWith("/logs")) return test.fetch(url, init);
    requests.push(noncesOf(init));
    return answer(init, () => test.fetch(url, init));
  };
  const { client, heard } = makeClient(test, { fetch, logBatches });
  for (let event = 0; event < 500; event++) client.log("app_opened", {});
  for (let pass = 0; pass < 8; pass++) await client.flush();
  await client.close();
  const stored = (await test.records()).flatMap(({ events }) => events).length;
  return { requests, heard, stored, sent: heard.sent.reduce((sum, { events }) => sum + events, 0) };
}

const isBatch = (init: RequestInit) => new Headers(init.headers).get("content-type") === LOG_BATCH_TYPE;

Deno.test("a client sends the first log of a token by itself, and what it holds of it behind that together", async () => {
  const test = await startService();
  const { requests, stored, sent } = await log500(test);
  assertEquals(requests.map(({ length }) => length), [1, 4]);
  assertEquals([stored, sent], [500, 500]);
  await test.close();
});

Deno.test("a client never puts logs of two tokens into a request", async () => {
  const test = await startService({ usesPerToken: 3, tokensPerClient: 4 });
  const { requests, stored, sent } = await log500(test);
  for (const nonces of requests) assertEquals(new Set(nonces).size, 1);
  assert(new Set(requests.flat()).size > 1, "one token signed everything");
  assert(requests.some(({ length }) => length > 1), "nothing went out together");
  assertEquals([stored, sent], [500, 500]);
  await test.close();
});

Deno.test("a client sends log by log to a service that does not know batches, and does not ask again", async () => {
  const test = await startService();
  const { requests, stored, sent, heard } = await log500(
    test,
    (init, reach) =>
      isBatch(init)
        ? Promise.resolve(
          Response.json({ code: "media_type" }, {
            status: 415,
            headers: { "content-type": "application/problem+json" },
          }),
        )
        : reach(),
  );
  assertEquals(requests.map(({ length }) => length), [1, 4, 1, 1, 1, 1]);
  assertEquals([stored, sent, heard.dropped], [500, 500, []]);
  await test.close();
});

Deno.test("a batch whose answer is lost, or is not one, is sent again as the same logs and counts once", async () => {
  const broken: ((answer: Response) => Promise<Response>)[] = [
    () => Promise.reject(new TypeError("the connection broke")),
    async (answer) => Response.json({ outcomes: (await answer.json()).outcomes.slice(1) }),
    () => Promise.resolve(Response.json({ accepted: 100, rejected: [] })),
    () => Promise.resolve(Response.json({ outcomes: [null, 1, "", {}] })),
  ];
  for (const breaks of broken) {
    const test = await startService();
    let broke = false;
    const { stored, sent, heard } = await log500(test, async (init, reach) => {
      const answer = await reach();
      if (broke || !isBatch(init)) return answer;
      broke = true;
      return await breaks(answer);
    });
    assert(broke);
    assertEquals([stored, sent, heard.dropped], [500, 500, []]);
    assertEquals(heard.sent.filter(({ replayed }) => replayed).length, 4);
    await test.close();
  }
});

Deno.test("one log of a batch that is refused changes nothing for the others, and goes elsewhere by the rule", async () => {
  const test = await startService();
  let taken = false;
  const { stored, sent, heard } = await log500(test, async (init, reach) => {
    if (taken || !isBatch(init)) return await reach();
    taken = true;
    // The second one is said to have met a use that was taken; nothing of it was stored.
    const logs = decodeLogBatch(init.body as Uint8Array<ArrayBuffer>);
    const others = logs.filter((_, index) => index !== 1);
    const body = encodeLogBatch(
      others.map((log) => ({ ...log, contentEncoding: log.contentEncoding ?? "" })),
    );
    const answer = await test.fetch("https://telemetry.example/v1/apps/notes/logs", { ...init, body });
    const { outcomes } = await answer.json();
    outcomes.splice(1, 0, { status: 409, code: "use_taken" });
    return Response.json({ outcomes });
  });
  assert(taken);
  assertEquals([stored, sent, heard.dropped], [500, 500, []]);
  assertEquals(heard.refused.map(({ step, code }) => `${step} ${code}`), ["logs use_taken"]);
  await test.close();
});
