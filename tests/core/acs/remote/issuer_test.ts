import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { issueTokens } from "../../../../core/acs/issue_tokens.ts";
import { Refusal } from "../../../../core/base/errors.ts";
import { replaceIssuingKey, revokeKeys } from "../../../../core/keys/replacement.ts";
import { CLIENT_SECRETS } from "../../../../core/keys/families.ts";
import { decodeBatchResponse, encodeBatchRequest } from "../../../../core/token/batch.ts";
import { truncatedKeyId } from "../../../../core/token/token.ts";
import { nobleRistretto255 as suite } from "../../../../core/voprf/noble.ts";
import { EPOCH, NOW, platformRandom } from "../../../support/service/keys.ts";
import { type Split, startSplit } from "../../../support/service/split.ts";

const alice = { issuer: "https://login.example", subject: "alice@example.org" };
const bob = { issuer: "https://login.example", subject: "bob@example.org" };

interface Batch {
  readonly request: Uint8Array<ArrayBuffer>;
  /** Verifies an answer; throws when the proof does not fit the key. */
  verify(response: Uint8Array): void;
}

/** A batch blinded for the key that the log server publishes as issuing. */
async function blind(split: Split, count = 1): Promise<Batch> {
  const keys = await split.logs.publishedKeys("notes", split.clock.seconds);
  const key = keys.findLast(({ epoch }) => epoch === Math.floor(split.clock.seconds / 86_400))!;
  const inputs = Array.from({ length: count }, () => platformRandom(98));
  const { blinds, blindedElements } = suite.blind(inputs, platformRandom);
  return {
    request: encodeBatchRequest(suite, { truncatedKeyId: truncatedKeyId(key.keyId), blindedElements }),
    verify(response) {
      const { evaluatedElements, proof } = decodeBatchResponse(suite, response, count);
      const { publicKey } = key;
      suite.finalize({ inputs, blinds, blindedElements, evaluatedElements, publicKey, proof });
    },
  };
}

async function assertRefused(work: Promise<unknown>, code: string): Promise<Refusal> {
  const refusal = await assertRejects(() => work, Refusal);
  assertEquals(refusal.code, code);
  return refusal;
}

/** Notes the names under which the ACS is told of clients. */
function watchNames(split: Split): string[] {
  const names: string[] = [];
  split.network = (request, reach) => {
    if (request.url.endsWith("/evaluate")) names.push(request.headers.get("dit-client")!);
    return reach(request);
  };
  return names;
}

Deno.test("a log server gets tokens of the ACS, with a proof under the key that it publishes", async () => {
  await using split = await startSplit();
  const batch = await blind(split, 3);
  batch.verify(
    await issueTokens(split.logs, {
      app: split.logs.appOf("notes"),
      client: alice,
      request: batch.request,
      nowSeconds: NOW,
    }),
  );
});

Deno.test("the ACS counts each client of a log server by itself, and a retry costs nothing", async () => {
  await using split = await startSplit();
  const app = split.logs.appOf("notes");
  const issue = async (client: typeof alice, count: number) =>
    issueTokens(split.logs, { app, client, request: (await blind(split, count)).request, nowSeconds: NOW });
  const first = await blind(split, 3);
  await issueTokens(split.logs, { app, client: alice, request: first.request, nowSeconds: NOW });
  first.verify(
    await issueTokens(split.logs, { app, client: alice, request: first.request, nowSeconds: NOW }),
  );
  await issue(alice, 1);
  const refusal = await assertRefused(issue(alice, 1), "quota_exhausted");
  assertEquals(refusal.details.retryAfterSeconds, (EPOCH + 1) * 86_400 - NOW);
  await issue(bob, 4);
});

Deno.test("a client's name at the ACS is a hash that changes with the key, the application and the log server", async () => {
  await using split = await startSplit({ tokensPerClient: 64 });
  const names = watchNames(split);
  const ask = async (client: typeof alice, app = "notes") =>
    issueTokens(split.logs, {
      app: split.logs.appOf(app),
      client,
      request: (await blind(split)).request,
      nowSeconds: NOW,
    });
  await ask(alice);
  await ask(alice);
  await ask(bob);
  await replaceIssuingKey(split.acs.rotation, split.acs.appOf("notes"), NOW);
  split.acs.ringOf("notes").forget();
  split.clock.seconds += 31;
  await ask(alice);
  assertEquals(names[0], names[1]);
  assertEquals(new Set(names).size, 3);
  for (const name of names) assertMatch(name, /^[A-Za-z0-9_-]{43}$/);
  assert(!names.join().includes("alice"));
  const again = split.openLogServer();
  await issueTokens(again, {
    app: again.appOf("notes"),
    client: alice,
    request: (await blind(split)).request,
    nowSeconds: split.clock.seconds,
  });
  assertEquals(names.at(-1), names.at(-2), "a restart keeps the names, and with them the quota");
  using kv = await Deno.openKv(":memory:");
  const elsewhere = split.openLogServer(kv);
  await issueTokens(elsewhere, {
    app: elsewhere.appOf("notes"),
    client: alice,
    request: (await blind(split)).request,
    nowSeconds: split.clock.seconds,
  });
  assertNotEquals(names.at(-1), names.at(-2));
});

Deno.test("a batch for a key that nobody knows is refused without asking the ACS", async () => {
  await using split = await startSplit();
  const names = watchNames(split);
  const { request } = await blind(split);
  const ids = (await split.logs.publishedKeys("notes", NOW)).map(({ keyId }) => truncatedKeyId(keyId));
  request[2] = Array.from({ length: 256 }, (_, id) => id).find((id) => !ids.includes(id))!;
  const app = split.logs.appOf("notes");
  await assertRefused(
    issueTokens(split.logs, { app, client: alice, request, nowSeconds: NOW }),
    "key_not_issuing",
  );
  await assertRefused(
    issueTokens(split.logs, { app, client: alice, request: request.slice(0, 2), nowSeconds: NOW }),
    "batch_invalid",
  );
  assertEquals(names, []);
  assertEquals((await split.acs.store.get(CLIENT_SECRETS.key())).value, null);
});

Deno.test("a log server learns of a revocation with the first refusal", async () => {
  await using split = await startSplit();
  const app = split.logs.appOf("notes");
  const before = await blind(split);
  await revokeKeys(split.acs.rotation, split.acs.appOf("notes"), EPOCH, 0, NOW);
  split.acs.ringOf("notes").forget();
  await assertRefused(
    issueTokens(split.logs, { app, client: alice, request: before.request, nowSeconds: NOW }),
    "key_not_issuing",
  );
  const after = await blind(split);
  after.verify(
    await issueTokens(split.logs, { app, client: alice, request: after.request, nowSeconds: NOW }),
  );
});

Deno.test("two log servers that start at once on one store have one secret", async () => {
  await using split = await startSplit();
  const names = watchNames(split);
  using kv = await Deno.openKv(":memory:");
  const servers = [split.openLogServer(kv), split.openLogServer(kv)];
  await Promise.all(
    servers.map(async (server) =>
      issueTokens(server, {
        app: server.appOf("notes"),
        client: alice,
        request: (await blind(split)).request,
        nowSeconds: NOW,
      })
    ),
  );
  assertEquals(names.length, 2);
  assertEquals(names[0], names[1]);
});
