import { assert, assertEquals } from "@std/assert";
import { issueTokens } from "../../../core/acs/issue_tokens.ts";
import { concat, toBase64url } from "../../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, encodeBatchRequest } from "../../../core/token/batch.ts";
import { encodeTranscript } from "../../../core/token/mac.ts";
import { nobleRistretto255 as suite } from "../../../core/voprf/noble.ts";
import { EPOCH, platformRandom } from "../../support/service/keys.ts";
import {
  countClaims,
  type HeldToken,
  makeToken,
  redeemBody,
  serviceToken,
  signRedemption,
  type Split,
  startSplit,
} from "../../support/service/split.ts";

const REDEEM = "/acs/v1/apps/notes/redeem";
const REDEEMED = "/acs/v1/apps/notes/redeemed";
const EVALUATE = "/acs/v1/apps/notes/evaluate";

function post(
  body: BodyInit,
  headers: Record<string, string> = {},
  token = serviceToken("notes"),
): RequestInit {
  return {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body,
  };
}

async function batchFor(split: Split, count = 1, app = "notes"): Promise<Uint8Array<ArrayBuffer>> {
  const key = await split.acs.ringOf(app).issuing(split.clock.seconds);
  const inputs = Array.from({ length: count }, () => platformRandom(98));
  const { blindedElements } = suite.blind(inputs, platformRandom);
  return encodeBatchRequest(suite, { truncatedKeyId: key.truncatedId, blindedElements });
}

const batchHeaders = (client = "client-1") => ({ "content-type": BATCH_REQUEST_TYPE, "dit-client": client });

/** Asserts a refusal, and that it wrote nothing. */
async function assertRefused(
  split: Split,
  path: string,
  init: RequestInit,
  status: number,
  code: string,
): Promise<void> {
  const snapshot = () => Array.fromAsync(split.acs.store.list({ prefix: [] }));
  const before = await snapshot();
  const response = await split.reachAcs(path, init);
  const problem = await response.json();
  assertEquals([response.status, problem.code], [status, code]);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals(
    response.headers.get("www-authenticate"),
    status !== 401 ? null : code === "service_token_invalid" ? "Bearer" : "DIT",
  );
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(await snapshot(), before);
}

Deno.test("redeem claims a use and gives the MAC key, again on a retry, to nobody else's log", async () => {
  await using split = await startSplit();
  const token = await makeToken(split.acs);
  const log = redeemBody(signRedemption(token));
  for (const status of ["accepted", "replayed", "replayed"]) {
    const response = await split.reachAcs(REDEEM, post(log));
    assertEquals(await response.json(), {
      status,
      mac_key: toBase64url(token.macKey),
      not_before: EPOCH * 86_400,
      redeem_until: (EPOCH + 2) * 86_400,
    });
    assertEquals(response.headers.get("cache-control"), "no-store");
  }
  await assertRefused(split, REDEEM, post(redeemBody(signRedemption(token, 0, "other"))), 409, "use_taken");
  assertEquals(await countClaims(split.acs), 1);
});

Deno.test("redeemed says whether this very request has claimed its use, claims nothing, and gives no MAC key before", async () => {
  await using split = await startSplit();
  const token = await makeToken(split.acs);
  const log = signRedemption(token);
  const ask = async (asked = log) => {
    const before = await Array.fromAsync(split.acs.store.list({ prefix: [] }));
    const response = await split.reachAcs(REDEEMED, post(redeemBody(asked)));
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(await Array.fromAsync(split.acs.store.list({ prefix: [] })), before);
    return await response.json();
  };
  assertEquals(await ask(), { redeemed: false });
  await (await split.reachAcs(REDEEM, post(redeemBody(log)))).body?.cancel();
  assertEquals(await ask(), { redeemed: true, mac_key: toBase64url(token.macKey) });
  assertEquals(await ask(signRedemption(token, 0, "another log")), { redeemed: false });
  assertEquals(await ask(signRedemption(token, 1)), { redeemed: false });
  const forged = redeemBody(log, { mac: toBase64url(platformRandom(32)) });
  await assertRefused(split, REDEEMED, post(forged), 401, "mac_invalid");
  const other = post(redeemBody(log), {}, serviceToken("vault"));
  await assertRefused(split, REDEEMED, other, 401, "service_token_invalid");
});

Deno.test("the ACS takes one store an application, tells another one what to do, and lets no refused request pin", async () => {
  await using split = await startSplit();
  const token = await makeToken(split.acs);
  const named = (byte: number) => ({ "dit-store": toBase64url(new Uint8Array(16).fill(byte)) });
  const log = (use: number) => redeemBody(signRedemption(token, use));
  for (
    const id of ["", "short", "!".repeat(22), toBase64url(new Uint8Array(16).fill(255)).slice(0, 21) + "_"]
  ) {
    await assertRefused(split, REDEEM, post(log(0), { "dit-store": id }), 400, "body_malformed");
  }
  const forged = redeemBody(signRedemption(token), { mac: toBase64url(platformRandom(32)) });
  await assertRefused(split, REDEEM, post(forged, named(1)), 401, "mac_invalid");
  const cut = (await batchFor(split)).slice(0, -1);
  await assertRefused(split, EVALUATE, post(cut, { ...batchHeaders(), ...named(1) }), 422, "batch_invalid");
  const first = await split.reachAcs(REDEEM, post(log(0), named(2)));
  assertEquals(first.status, 200);
  await first.body?.cancel();
  for (const headers of [named(1), {}]) {
    await assertRefused(split, REDEEM, post(log(1), headers), 409, "store_pinned");
    await assertRefused(split, REDEEMED, post(log(0), headers), 409, "store_pinned");
    const batch = post(await batchFor(split), { ...batchHeaders(), ...headers });
    await assertRefused(split, EVALUATE, batch, 409, "store_pinned");
  }
  const { detail } = await (await split.reachAcs(REDEEM, post(log(1), named(1)))).json();
  assert(detail.includes("DIT_KV") && detail.includes("deno task stores unpin --app notes"), detail);
  // Another application's service has a token, and so a store, of its own.
  const vault = await makeToken(split.acs, "vault");
  const elsewhere = post(redeemBody(signRedemption(vault)), named(1), serviceToken("vault"));
  assertEquals((await split.reachAcs("/acs/v1/apps/vault/redeem", elsewhere)).status, 200);
  assertEquals((await split.reachAcs(REDEEM, post(log(1), named(2)))).status, 200);
});

Deno.test("without its own service token nobody reaches an application's keys", async () => {
  await using split = await startSplit();
  const log = redeemBody(signRedemption(await makeToken(split.acs)));
  const batch = await batchFor(split);
  const wrong: Record<string, string>[] = [
    {},
    { authorization: "" },
    { authorization: "Bearer " },
    { authorization: `Bearer ${serviceToken("vault")}` },
    { authorization: `Bearer ${serviceToken("notes")}x` },
    { authorization: `Basic ${serviceToken("notes")}` },
    { authorization: `Bearer ${split.acs.appOf("notes").serviceTokenSha256}` },
  ];
  for (const headers of wrong) {
    const redeem = { ...post(log), headers: { "content-type": "application/json", ...headers } };
    await assertRefused(split, REDEEM, redeem, 401, "service_token_invalid");
    const evaluate = { ...post(batch), headers: { ...batchHeaders(), ...headers } };
    await assertRefused(split, EVALUATE, evaluate, 401, "service_token_invalid");
  }
});

Deno.test("an application without a service token is closed to every service", async () => {
  await using split = await startSplit({ serviceTokenSha256: undefined as never });
  const log = redeemBody(signRedemption(await makeToken(split.acs)));
  await assertRefused(split, REDEEM, post(log), 401, "service_token_invalid");
});

Deno.test("a transcript that is not the request's own claims nothing", async () => {
  await using split = await startSplit();
  const token = await makeToken(split.acs);
  const other = await makeToken(split.acs);
  const log = signRedemption(token, 5);
  const transcriptOf = (changes: Partial<HeldToken & { use: number }>, body = log.body) =>
    encodeTranscript({ ...token, use: 5, ...body, ...changes });
  const own = transcriptOf({});
  const transcripts: Record<string, Uint8Array> = {
    "of another use": transcriptOf({ use: 6 }),
    "of another token": transcriptOf({ nonce: other.nonce }),
    "of another key": transcriptOf({ keyId: platformRandom(32) }),
    "of another application": transcriptOf({ app: "vault" }),
    "of another log": transcriptOf({}, signRedemption(token, 5, "other").body),
    "with a byte left over": concat(own, Uint8Array.of(0)),
    "that ends early": own.slice(0, -1),
    "of another protocol": own.with(4, 0x32),
    "that is empty": new Uint8Array(),
  };
  for (const transcript of Object.values(transcripts)) {
    const body = redeemBody(log, { transcript: toBase64url(transcript) });
    await assertRefused(split, REDEEM, post(body), 401, "mac_invalid");
  }
  // And the other way round: a valid transcript of one use, presented for another.
  for (
    const members of [{ use: 6 }, { nonce: toBase64url(other.nonce) }, {
      key: toBase64url(platformRandom(32)),
    }]
  ) {
    await assertRefused(split, REDEEM, post(redeemBody(log, members)), 401, "mac_invalid");
  }
  await (await split.reachAcs(REDEEM, post(redeemBody(log)))).body?.cancel();
  assertEquals(await countClaims(split.acs), 1);
});

Deno.test("a valid redemption of one application cannot be presented for another", async () => {
  await using split = await startSplit();
  const log = signRedemption(await makeToken(split.acs));
  const path = "/acs/v1/apps/vault/redeem";
  const token = serviceToken("vault");
  await assertRefused(split, path, post(redeemBody(log), {}, token), 401, "mac_invalid");
  // Not even with a transcript that names the other one: the key is not there.
  const forged = signRedemption({ ...await makeToken(split.acs), app: "vault" });
  await assertRefused(split, path, post(redeemBody(forged), {}, token), 401, "key_unknown");
});

Deno.test("redeem reads its body strictly", async () => {
  await using split = await startSplit();
  const log = signRedemption(await makeToken(split.acs));
  const malformed = [
    "",
    "{",
    "[]",
    "null",
    redeemBody(log, { extra: 1 }),
    redeemBody(log, { use: "0" }),
    redeemBody(log, { use: -1 }),
    redeemBody(log, { use: 0.5 }),
    redeemBody(log, { use: 10_000 }),
    redeemBody(log, { mac: toBase64url(new Uint8Array(31)) }),
    redeemBody(log, { nonce: toBase64url(log.credential.nonce) + "=" }),
    redeemBody(log, { key: "!".repeat(43) }),
    redeemBody(log, { mac: undefined }),
    redeemBody(log, { transcript: 7 }),
  ];
  for (const body of malformed) await assertRefused(split, REDEEM, post(body), 400, "body_malformed");
  await assertRefused(
    split,
    REDEEM,
    post(redeemBody(log, { transcript: "A".repeat(4_000) })),
    413,
    "body_too_large",
  );
  await assertRefused(
    split,
    REDEEM,
    post(redeemBody(log), { "content-type": "text/plain" }),
    415,
    "media_type",
  );
  await assertRefused(split, `${REDEEM}?x=1`, post(redeemBody(log)), 400, "query_refused");
});

Deno.test("redeem says what does not decode where the shape is right, and the shape where it is not", async () => {
  await using split = await startSplit();
  const log = signRedemption(await makeToken(split.acs));
  const shape = "The body is not a redemption: key, nonce, use, mac, transcript.";
  const short = { mac: toBase64url(new Uint8Array(31)) };
  const sentences: [members: Record<string, unknown>, sentence: string][] = [
    [short, "Cannot decode base64url: 31 bytes instead of 32."],
    [{ ...short, key: "!".repeat(43) }, "Cannot decode base64url: a character is outside the alphabet."],
    [{ nonce: `${"A".repeat(43)}=` }, "Cannot decode base64url: padding is not allowed."],
    [{ transcript: "A" }, "Cannot decode base64url: no byte string has this length."],
    [{ ...short, use: 10_000 }, shape],
    [{ ...short, extra: 1 }, shape],
    [{ key: 7 }, shape],
  ];
  for (const [members, sentence] of sentences) {
    const response = await split.reachAcs(REDEEM, post(redeemBody(log, members)));
    assertEquals((await response.json()).detail, sentence);
  }
});

Deno.test("evaluate signs a batch for the client that it is told of, and counts it for that one", async () => {
  await using split = await startSplit();
  const ask = async (client: string, count: number) =>
    split.reachAcs(EVALUATE, post(await batchFor(split, count), batchHeaders(client)));
  const response = await ask("one", 4);
  assertEquals([response.status, response.headers.get("content-type")], [200, BATCH_RESPONSE_TYPE]);
  // varint of 128 bytes, four elements, one proof
  assertEquals((await response.arrayBuffer()).byteLength, 2 + 4 * 32 + 64);
  const init = post(await batchFor(split), batchHeaders("one"));
  await assertRefused(split, EVALUATE, init, 429, "quota_exhausted");
  assertEquals((await ask("two", 4)).status, 200);
});

Deno.test("evaluate refuses what is no keyed hash of a client, no batch, or a key that does not issue", async () => {
  await using split = await startSplit();
  const batch = await batchFor(split);
  for (const client of ["", "a b", "x".repeat(129)]) {
    await assertRefused(split, EVALUATE, post(batch, batchHeaders(client)), 400, "body_malformed");
  }
  const nameless = post(batch, { "content-type": BATCH_REQUEST_TYPE });
  await assertRefused(split, EVALUATE, nameless, 400, "body_malformed");
  await assertRefused(split, EVALUATE, post(batch, { "dit-client": "one" }), 415, "media_type");
  await assertRefused(split, EVALUATE, post(batch.slice(0, -1), batchHeaders()), 422, "batch_invalid");
  const late = batch.with(2, batch[2]! ^ 1);
  await assertRefused(split, EVALUATE, post(late, batchHeaders()), 422, "key_not_issuing");
});

Deno.test("the client of a service is never the client of a session, whatever it is called", async () => {
  await using split = await startSplit();
  const ownClient = { issuer: "https://login.example", subject: "one" };
  const app = split.acs.appOf("notes");
  await issueTokens(split.acs, {
    app,
    client: ownClient,
    request: await batchFor(split, 4),
    nowSeconds: split.clock.seconds,
  });
  const response = await split.reachAcs(EVALUATE, post(await batchFor(split, 4), batchHeaders("one")));
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("an ACS alone has no routes for clients, and the ACS of an unknown application is none", async () => {
  await using split = await startSplit();
  for (const path of ["/v1/apps/notes/tokens", "/v1/apps/notes/logs"]) {
    const response = await split.reachAcs(path, { method: "POST" });
    assertEquals([response.status, (await response.json()).code], [404, "route_unknown"]);
  }
  const elsewhere = post(redeemBody(signRedemption(await makeToken(split.acs))));
  await assertRefused(split, "/acs/v1/apps/nope/redeem", elsewhere, 404, "app_unknown");
  const get = await split.reachAcs(REDEEM);
  assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
  await get.body?.cancel();
  assertEquals(split.internalErrors, []);
  assert((await (await split.reachAcs("/v1/apps/notes/keys")).json())["token-keys"].length > 0);
});
