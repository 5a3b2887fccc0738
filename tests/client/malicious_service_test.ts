import { assert, assertEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { TOKENS } from "../../client/storage/records.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { startService, type TestService } from "../support/client/client_service.ts";
import { type ClientUnderTest, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

/** Changes the answers of one step. */
function answering(
  test: TestService,
  step: string,
  change: (response: Response, request: RequestInit) => Response | Promise<Response>,
): Fetch {
  return async (url, init) => {
    const response = await test.fetch(url, init);
    return url.endsWith(`/${step}`) ? await change(response, init) : response;
  };
}

/** The same answer with other bytes. */
async function withBody(response: Response, change: (body: Uint8Array) => Uint8Array): Promise<Response> {
  const body = change(new Uint8Array(await response.arrayBuffer()));
  return new Response(body.slice(), response);
}

function flip(at: number): (body: Uint8Array) => Uint8Array {
  return (body) => {
    const changed = body.slice();
    const place = at < 0 ? body.length + at : at;
    changed.set([present(body[place]) ^ 1], place);
    return changed;
  };
}

const endless = (response: Response) =>
  new Response(
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
    response,
  );

const ELEMENT = 32;

/** Ways to answer a request for two tokens, none of them honest. */
const TOKEN_ANSWERS: Readonly<Record<string, (response: Response) => Response | Promise<Response>>> = {
  "a wrong challenge in the proof": (response) => withBody(response, flip(-64)),
  "a wrong response in the proof": (response) => withBody(response, flip(-1)),
  "a wrong evaluation": (response) => withBody(response, flip(10)),
  "swapped evaluations": (response) =>
    withBody(response, (body) => {
      const at = body.length - 64 - 2 * ELEMENT;
      return Uint8Array.of(
        ...body.slice(0, at),
        ...body.slice(at + ELEMENT, at + 2 * ELEMENT),
        ...body.slice(at, at + ELEMENT),
        ...body.slice(at + 2 * ELEMENT),
      );
    }),
  "one evaluation too few": (response) =>
    withBody(response, (body) => Uint8Array.of(ELEMENT, ...body.slice(-64 - ELEMENT))),
  "a proof that is cut": (response) => withBody(response, (body) => body.slice(0, -1)),
  "a byte behind the proof": (response) => withBody(response, (body) => Uint8Array.of(...body, 0)),
  "nothing": (response) => withBody(response, () => new Uint8Array()),
  "zeros": (response) => withBody(response, (body) => new Uint8Array(body.length)),
  "a prefix that says another length": (response) => withBody(response, flip(1)),
  "an endless body": endless,
  "another content type": async (response) =>
    new Response(await response.arrayBuffer(), { headers: { "content-type": "application/octet-stream" } }),
};

/** Logs through a service that answers dishonestly, and then through the honest one. */
async function expectNothingKept(
  test: TestService,
  makeDishonest: () => Fetch,
  expected: string,
): Promise<ClientUnderTest["heard"]> {
  const storage = new MemoryStorage();
  let isHonest = false;
  const dishonest = makeDishonest();
  const { client, heard } = makeClient(test, {
    storage,
    fetch: (url, init) => isHonest ? test.fetch(url, init) : dishonest(url, init),
  });
  // More than one body holds, so that two tokens of one use are asked for.
  for (let event = 0; event < 101; event++) client.log("app_opened", {});
  for (let round = 0; round < 4; round++) await client.flush();
  assertEquals(heard.issued, []);
  assertEquals(await storage.transaction((entries) => entries.keys(TOKENS)), []);
  assertEquals(heard.dropped, []);
  assert(heard.refused.some(({ code }) => code === expected), JSON.stringify(heard.refused));
  assertEquals(present(await client.inspect()).waiting.length, 101);
  isHonest = true;
  test.clock.now += 3_600_000;
  await client.flush();
  assertEquals(heard.sent.map(({ events }) => events), [100, 1]);
  await client.close();
  return heard;
}

for (const [what, change] of Object.entries(TOKEN_ANSWERS)) {
  Deno.test(`no token is kept of an answer with ${what}`, async () => {
    const test = await startService({ usesPerToken: 1, tokensPerClient: 64 });
    const expected = what === "an endless body" ? "no_answer" : "not_verified";
    await expectNothingKept(test, () => answering(test, "tokens", change), expected);
    await test.close();
  });
}

Deno.test("no token is kept of an answer to another request", async () => {
  const test = await startService({ tokensPerClient: 16 });
  let old: Response | undefined;
  const recorder = makeClient(test, {
    fetch: answering(test, "tokens", (response) => {
      old = response.clone();
      return response;
    }),
  });
  recorder.client.log("app_opened", {});
  await recorder.client.flush();
  await recorder.client.close();
  await expectNothingKept(test, () => answering(test, "tokens", () => present(old).clone()), "not_verified");
  await present(old).body?.cancel();
  await test.close();
});

Deno.test("no token is kept that was signed with another key than the directory's", async () => {
  // Another service of the same application and issuer: its directory shows its own keys.
  const test = await startService();
  const other = await startService();
  const now = test.clock.now / 1000;
  const { "token-keys": keys } = await (await test.fetch("https://telemetry.example/v1/apps/notes/keys", {}))
    .json();
  const issuing = keys.find((key: Record<string, number>) =>
    present(key["not-before"]) <= now && now < present(key["issue-until"])
  );
  const truncated = present(
    Uint8Array.fromBase64(issuing["token-key-id"], { alphabet: "base64url" }).at(-1),
  );
  const fetch: Fetch = (url, init) => {
    if (url.endsWith("/keys")) return other.fetch(url, init);
    if (!url.endsWith("/tokens")) return test.fetch(url, init);
    // An honest service signs only what names its key; this one signs whatever comes.
    const body = (init.body as Uint8Array<ArrayBuffer>).slice();
    body[2] = truncated;
    return test.fetch(url, { ...init, body });
  };
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.refused[0], { step: "tokens", code: "not_verified" });
  assertEquals(heard.issued, []);
  await client.close();
  await other.close();
  await test.close();
});

Deno.test("a directory that changes a key for this client is not used", async () => {
  const test = await startService();
  const other = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  first.client.log("app_opened", {});
  await first.client.flush();
  await first.client.close();
  // A day later: the service shows keys of its own making for the same names.
  const lying: Fetch = (url, init) => url.endsWith("/keys") ? other.fetch(url, init) : test.fetch(url, init);
  const second = makeClient(test, { storage, fetch: lying });
  for (const service of [test, other]) service.clock.now += 2 * 86_400_000;
  second.client.log("app_opened", {});
  await second.client.flush();
  assert(second.heard.refused.some(({ code }) => code === "key_changed"));
  // It goes on with the keys that were published ahead.
  assertEquals(second.heard.sent, [{ events: 1, replayed: false }]);
  await second.client.close();
  await other.close();
  await test.close();
});

Deno.test("a client takes 64 uses of a token at most, whatever the directory says", async () => {
  const test = await startService({ usesPerToken: 1024 });
  const { client, heard } = makeClient(test);
  for (let log = 0; log < 65; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  assertEquals([heard.sent.length, heard.issued.length], [65, 2]);
  await client.close();
  await test.close();
});

for (const step of ["keys", "schema", "logs"]) {
  Deno.test(`an endless answer to ${step} does not hold the client up`, async () => {
    const test = await startService();
    let isEndless = true;
    const { client, heard } = makeClient(test, {
      fetch: answering(test, step, (response) => isEndless ? endless(response) : response),
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent, []);
    isEndless = false;
    await client.flush();
    assertEquals(heard.sent, [{ events: 1, replayed: step === "logs" }]);
    await client.close();
    await test.close();
  });
}

function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ code }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

for (const code of ["mac_invalid", "use_taken", "key_unknown", "use_out_of_range"] as const) {
  Deno.test(`a service that answers every log with ${code} does not keep the client busy`, async () => {
    const test = await startService({ usesPerToken: 2, tokensPerClient: 1024 });
    const status = { mac_invalid: 401, use_taken: 409, key_unknown: 401, use_out_of_range: 403 }[code];
    let logs = 0;
    const fetch = answering(test, "logs", async (response) => {
      await response.body?.cancel();
      logs++;
      return problem(status, code);
    });
    const { client, heard } = makeClient(test, { fetch });
    client.log("app_opened", {});
    await client.flush();
    assert(logs <= 12, `${logs} requests`);
    assert(heard.issued.length <= 4);
    await client.close();
    await test.close();
  });
}

Deno.test("no answer to a log, however strange, is taken for a success or thrown into the app", async () => {
  const strange: (() => Response)[] = [
    () => new Response("<html>Sign in to the hotel's network</html>"),
    () => new Response("null"),
    () => new Response("[]"),
    () => Response.json({ accepted: "all" }),
    () => Response.json({ accepted: 1 }),
    () => Response.json({ rejected: [] }),
    () => Response.json({ accepted: 1, rejected: {} }),
    () => new Response(null, { status: 204 }),
    () => new Response(new Uint8Array([0xff, 0xfe])),
    () => Response.json({ code: "use_taken" }, { status: 409 }),
    () => new Response("", { status: 401 }),
  ];
  for (const answer of strange) {
    const test = await startService();
    let isStrange = true;
    const { client, heard } = makeClient(test, {
      fetch: answering(test, "logs", async (response) => {
        if (!isStrange) return response;
        await response.body?.cancel();
        return answer();
      }),
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals([heard.sent, heard.dropped], [[], []]);
    isStrange = false;
    await client.flush();
    // The service had it all the time.
    assertEquals(heard.sent, [{ events: 1, replayed: true }]);
    assertEquals((await test.records()).length, 1);
    await client.close();
    await test.close();
  }
});

Deno.test("a rejection list of strange members does not break the client", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test, {
    fetch: answering(test, "logs", async (response) => {
      await response.body?.cancel();
      return Response.json({ accepted: 0, rejected: [null, { code: "<b>" }, { code: "field_invalid" }] });
    }),
  });
  for (let event = 0; event < 3; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.dropped.map(({ reason }) => reason), [
    "events_invalid",
    "events_invalid",
    "field_invalid",
  ]);
  await client.close();
  await test.close();
});

Deno.test("an ETag of its own for every client is refused, and with it the directory", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test, {
    fetch: answering(test, "keys", (response) => {
      const marked = new Response(response.body, response);
      marked.headers.set("etag", `"${toBase64url(sha256(Uint8Array.of(1)))}"`);
      return marked;
    }),
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.refused[0], { step: "directory", code: "etag_not_the_hash" });
  assertEquals(heard.issued, []);
  await client.close();
  await test.close();
});

Deno.test("a schema that is over drops nothing: what is logged waits for the one of now", async () => {
  const test = await startService();
  let isLying = true;
  const { client, heard } = makeClient(test, {
    fetch: answering(test, "schema", async (response) => {
      if (!isLying) return response;
      const schema = await response.json();
      for (const event of schema.events) event.state = "stopped";
      return Response.json(schema);
    }),
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.dropped, [{ events: 1, reason: "collection_stopped" }]);
  isLying = false;
  test.clock.now += 3_600_000;
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.dropped.length, heard.sent], [1, [{ events: 1, replayed: false }]]);
  await client.close();
  await test.close();
});
