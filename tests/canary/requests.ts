/**
 * The requests of the canary test: every route, answered well and refused in every way, by clients of which everything
 * that could identify them is a canary.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { SignJWT } from "jose";
import { DitClient } from "../../client/mod.ts";
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE } from "../../core/token/batch.ts";
import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { SERVICE_TOKEN } from "./canary.config.ts";
import type { Canaries, UrlPart } from "./canaries.ts";
import { SESSION_SECRET } from "./service.ts";
import { telltaleHeaders } from "./telltales.ts";
import { exchangeBytes, http1, http2PriorKnowledge, type RawAnswer, type RawRequest } from "./transport.ts";

const TOKENS = "/v1/apps/notes/tokens";
const LOGS = "/v1/apps/notes/logs";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Sends one request with canaries in every header and an address of its own. */
type Send = (scope: string, request: Partial<RawRequest> & { readonly path: string }) => Promise<RawAnswer>;

/** Sends everything over both versions of HTTP. */
export async function sendAll(port: number, canaries: Canaries): Promise<void> {
  for (const [version, transport] of [["h1", http1], ["h2", http2PriorKnowledge]] as const) {
    const send: Send = (scope, request) => {
      const name = `${version} ${scope}`;
      // All of 127.0.0.0/8 is this machine: each request has an address of its own.
      const address = canaries.add(
        `${name}: address`,
        `127.${random(3).map((byte) => 10 + byte % 200).join(".")}`,
      );
      const headers = { ...telltaleHeaders(canaries, name), ...request.headers };
      return transport(port, address, { method: "GET", ...request, headers });
    };
    await sendAsClient(send, canaries, version);
    await sendRefused(send, canaries, version);
    await sendToAcs(send, canaries, version);
  }
  await sendBroken(port, canaries);
}

/** A real client signs in, takes a token and logs twice; one log is sent again. */
async function sendAsClient(send: Send, canaries: Canaries, version: string): Promise<void> {
  const logs: { headers: Record<string, string>; body: Uint8Array }[] = [];
  const client = new DitClient({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => signSession(canaries, `${version} session`),
    fetch: async (url, init) => {
      const { pathname: path } = new URL(url);
      const headers = Object.fromEntries(new Headers(init.headers));
      const body = init.body === undefined ? undefined : init.body as Uint8Array;
      if (path === LOGS) logs.push({ headers, body: body! });
      const answer = await send(`client ${path}`, {
        method: init.method ?? "GET",
        path,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      return new Response(answer.body, { status: answer.status, headers: answer.headers });
    },
  });
  const events: string[] = [];
  client.on("sent", ({ events: count }) => events.push(`sent ${count}`));
  client.on("refused", ({ step, code }) => events.push(`refused ${step} ${code}`));
  for (let round = 0; round < 2; round++) {
    client.log("note_saved", { ok: true, platform: "web" });
    await client.flush();
  }
  await client.close();
  assertEquals(events, ["sent 1", "sent 1"]);
  const replay = await send("replay", { method: "POST", path: LOGS, ...logs[0]! });
  assertEquals([replay.status, replay.headers.get("dit-replayed")], [200, "?1"]);
  // What a log carries and nobody needs afterwards: the store keeps only digests of it.
  const credential = logs[0]!.headers.authorization!;
  const [nonce, mac] = ["nonce", "mac"].map((part) =>
    canaries.add(`${version} ${part}`, new RegExp(`${part}="?([\\w-]+)`).exec(credential)![1]!)
  );
  const { salt, binding } = JSON.parse(new TextDecoder().decode(logs[0]!.body));
  canaries.add(`${version} salt`, salt);
  canaries.add(`${version} binding`, binding);
  for (const [part, text] of [["nonce", nonce!], ["salt", salt], ["binding", binding]] as const) {
    canaries.add(`${version} ${part}'s bytes`, fromBase64url(text).toHex());
  }
  // Of the MAC the claim keeps the first half.
  canaries.add(`${version} MAC's second half`, fromBase64url(mac!).slice(16).toHex());
}

async function signSession(canaries: Canaries, scope: string, secret = SESSION_SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = Object.fromEntries(
    ["sub", "jti", "sid", "email", "name", "azp", "device"].map((claim) => [
      claim,
      canaries.make(`${scope}: ${claim}`),
    ]),
  );
  const jwt = await new SignJWT({
    ...claims,
    iss: "https://login.example",
    aud: "notes",
    iat: now,
    exp: now + 600,
  })
    .setProtectedHeader({ alg: "HS256", kid: canaries.make(`${scope}: kid`) })
    .sign(utf8(secret));
  canaries.add(`${scope}: signature`, jwt.split(".")[2]!);
  canaries.add(`${scope}: JWT`, jwt);
  canaries.add(`${scope}: authorization, whole`, `Bearer ${jwt}`);
  return jwt;
}

/** Each refusal, and each route that needs no credential. */
async function sendRefused(send: Send, canaries: Canaries, version: string): Promise<void> {
  const canary = (name: string, inUrl?: UrlPart) => canaries.make(`${version} ${name}`, inUrl);
  const json = { "content-type": "application/json" };
  const post = (scope: string, path: string, headers: Record<string, string>, body: string | Uint8Array) =>
    send(scope, { method: "POST", path, headers, body: typeof body === "string" ? utf8(body) : body });
  const statuses: number[] = [];
  const expect = async (answer: Promise<RawAnswer>, ...allowed: number[]) => {
    const { status } = await answer;
    if (!allowed.includes(status)) throw new Error(`Got ${status} instead of ${allowed}, after ${statuses}`);
    statuses.push(status);
  };
  const credential = (nonce: string) =>
    `DIT key=${toBase64url(random(32))}, nonce=${nonce}, use=1, mac=${toBase64url(random(32))}`;
  const bearer = async (scope: string, secret?: string) => ({
    "content-type": BATCH_REQUEST_TYPE,
    authorization: `Bearer ${await signSession(canaries, `${version} ${scope}`, secret)}`,
  });

  await expect(post("no credential", LOGS, json, canary("body without credential")), 401);
  await expect(
    post("credential malformed", LOGS, {
      ...json,
      authorization: `DIT key=${canary("key")}, who=${canary("who")}`,
    }, "{}"),
    401,
  );
  const nonce = toBase64url(utf8(canary("nonce of no token").padEnd(32, "x").slice(0, 32)));
  await expect(post("key unknown", LOGS, { ...json, authorization: credential(nonce) }, "{}"), 401);
  await expect(
    post("session on logs", LOGS, { ...json, ...await bearer("session on logs"), ...json }, "{}"),
    401,
  );
  await expect(
    post("media type", LOGS, { "content-type": `application/json; a=${canary("parameter")}` }, "{}"),
    415,
  );
  await expect(
    post("encoding", LOGS, {
      ...json,
      "content-encoding": canary("encoding"),
      authorization: credential(nonce),
    }, "{}"),
    415,
  );
  await expect(
    post(
      "large body",
      LOGS,
      { ...json, authorization: credential(nonce) },
      canary("large body").repeat(4_000),
    ),
    // Where no length says it, the key is looked at before the body is read.
    413,
    401,
  );
  await expect(
    post("large batch", TOKENS, await bearer("large batch"), canary("large batch").repeat(4_000)),
    413,
  );
  await expect(post("query", `${LOGS}?who=${canary("query", "query")}`, json, "{}"), 400);
  await expect(post("other app", `/v1/apps/${canary("app", "path")}/logs`, json, "{}"), 404);
  await expect(send("other path", { path: `/${canary("path", "path")}` }), 404);
  await expect(send("other host", { path: "/healthz", host: `${canary("host", "host")}.example` }), 200);
  await expect(send("method", { path: LOGS, method: "PUT" }), 405);
  await expect(send("preflight", { path: LOGS, method: "OPTIONS" }), 204);
  await expect(post("hop", LOGS, { ...json, "dit-hop": canary("hop") }, "{}"), 401);

  await expect(post("no session", TOKENS, { "content-type": BATCH_REQUEST_TYPE }, canary("batch")), 401);
  await expect(
    post("forged", TOKENS, await bearer("forged", "another secret, 32 bytes long or so"), "x"),
    401,
  );
  await expect(post("no batch", TOKENS, await bearer("no batch"), canary("malformed batch")), 422);
  await expect(
    post("session malformed", TOKENS, {
      "content-type": BATCH_REQUEST_TYPE,
      authorization: `Bearer ${canary("jwt")}`,
    }, "x"),
    401,
  );
  await expect(
    post("session of dev", "/dev/session", json, JSON.stringify({ client: canary("dev client") })),
    200,
  );
  for (const path of ["/v1/apps/notes/keys", "/v1/apps/notes/schema", "/healthz", "/readyz"]) {
    await expect(send(path, { path }), 200);
  }
  const form = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
  await expect(post("sign in", "/console/sign-in", form, `token=${canary("operator's token")}`), 401);
  await expect(
    post("forged form", "/console/sign-in", { ...form, "sec-fetch-site": "none" }, canary("form")),
    403,
  );
  await expect(send("console", { path: "/console" }), 303, 401);
  await expect(
    send("admin", { path: "/admin/v1/keys", headers: { authorization: `Bearer ${canary("admin")}` } }),
    401,
    403,
  );
}

/** Another application server asks for its clients. */
async function sendToAcs(send: Send, canaries: Canaries, version: string): Promise<void> {
  const authorization = `Bearer ${SERVICE_TOKEN}`;
  const evaluate = (scope: string, token: string, body: Uint8Array) =>
    send(scope, {
      method: "POST",
      path: "/acs/v1/apps/notes/evaluate",
      headers: {
        "content-type": BATCH_REQUEST_TYPE,
        authorization: token,
        "dit-client": canaries.make(`${version} ${scope}: dit-client`),
      },
      body,
    });
  const directory = await send("keys for a batch", { path: "/v1/apps/notes/keys" });
  const [key] = JSON.parse(new TextDecoder().decode(directory.body))["token-keys"];
  const keyId = Uint8Array.fromBase64(key["token-key-id"], { alphabet: "base64url" });
  const { blindedElements } = nobleRistretto255.blind([random(98)], random);
  const batch = Uint8Array.of(0, 5, keyId.at(-1)!, 32, ...blindedElements[0]!);
  assertEquals((await evaluate("evaluate", authorization, batch)).status, 200);
  const wrong = `Bearer ${canaries.make(`${version} wrong service token`).repeat(2)}`;
  assertEquals((await evaluate("evaluate with a wrong token", wrong, batch)).status, 401);
  const redemption = {
    key: toBase64url(random(32)),
    nonce: toBase64url(utf8(canaries.make(`${version} redeemed nonce`).padEnd(32, "x").slice(0, 32))),
    use: 1,
    mac: toBase64url(random(32)),
    transcript: toBase64url(utf8(canaries.make(`${version} transcript`))),
  };
  const redeemed = await send("redeem", {
    method: "POST",
    path: "/acs/v1/apps/notes/redeem",
    headers: { "content-type": "application/json", authorization },
    body: utf8(JSON.stringify(redemption)),
  });
  assertEquals(redeemed.status, 401);
}

/** What is no proper HTTP: a Host that makes no URL, a line that is none, a body that breaks off. */
async function sendBroken(port: number, canaries: Canaries): Promise<void> {
  const address = () =>
    canaries.add("broken: address", `127.${random(3).map((byte) => 10 + byte % 200).join(".")}`);
  const cookie = () => `Cookie: id=${canaries.make("broken: cookie")}`;
  const requests = [
    `GET /healthz HTTP/1.1\r\nHost: [${
      canaries.make("broken: host", "host")
    }\r\n${cookie()}\r\nConnection: close\r\n\r\n`,
    `GET /healthz HTTP/1.1\r\nHost: a%zz^${
      canaries.make("broken: host", "host")
    }\r\n${cookie()}\r\nConnection: close\r\n\r\n`,
    `GET http://[${
      canaries.make("broken: absolute", "host")
    }/x HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nConnection: close\r\n\r\n`,
    `${canaries.make("broken: line")} / NOTHING\r\n\r\n`,
    `GET / HTTP/1.1\r\n${canaries.make("broken: header")}\r\n\r\n`,
    `TRACE ${LOGS} HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nConnection: close\r\n\r\n`,
    `GET ${LOGS} HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nContent-Length: 24\r\nConnection: close\r\n\r\n${
      canaries.make("broken: body of GET")
    }`,
    `POST ${LOGS} HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n${
      canaries.make("broken: chunk")
    }`,
    `POST ${LOGS} HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n` +
    `Trailer: X-Id\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\nX-Id: ${
      canaries.make("broken: trailer")
    }\r\n\r\n`,
    `GET ${LOGS} HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${canaries.make("broken: key of an upgrade")}\r\n\r\n`,
    `POST /v1/apps/notes/lo%67s%20${
      canaries.make("broken: encoded path", "path")
    } HTTP/1.1\r\nHost: x\r\n${cookie()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    `GET ${LOGS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${
      Array.from({ length: 99 }, (_, index) => `X-${index}: ${canaries.make("broken: many headers")}\r\n`)
        .join("")
    }\r\n`,
  ];
  for (const request of requests) await exchangeBytes(port, address(), utf8(request));
}
