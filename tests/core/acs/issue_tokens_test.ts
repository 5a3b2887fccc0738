import { assertEquals, assertRejects } from "@std/assert";
import { evaluate } from "../../../core/acs/evaluate.ts";
import { LocalIssuer } from "../../../core/acs/issuer.ts";
import { issueTokens } from "../../../core/acs/issue_tokens.ts";
import { Refusal } from "../../../core/base/errors.ts";
import type { Server, Service } from "../../../core/service.ts";
import type { Store } from "../../../core/store/store.ts";
import { decodeBatchResponse, encodeBatchRequest } from "../../../core/token/batch.ts";
import { nobleRistretto255 as suite } from "../../../core/voprf/noble.ts";
import { NOW, platformRandom } from "../../support/service/keys.ts";
import { type Split, startSplit } from "../../support/service/split.ts";

const alice = { issuer: "https://login.example", subject: "alice@example.org" };

/** A batch for the key that issues now, and what verifies its answer. */
async function blind(service: Service, count: number) {
  const key = await service.ringOf("notes").issuing(NOW);
  const inputs = Array.from({ length: count }, () => platformRandom(98));
  const { blinds, blindedElements } = suite.blind(inputs, platformRandom);
  return {
    request: encodeBatchRequest(suite, { truncatedKeyId: key.truncatedId, blindedElements }),
    verify(response: Uint8Array) {
      const { evaluatedElements, proof } = decodeBatchResponse(suite, response, count);
      const { publicKey } = key;
      suite.finalize({ inputs, blinds, blindedElements, evaluatedElements, publicKey, proof });
    },
  };
}

const issuedBy = (server: Server) => server.counters.totals().get("notes")?.get("tokens") ?? 0;

async function assertRefused(work: Promise<unknown>, code: string): Promise<void> {
  assertEquals((await assertRejects(() => work, Refusal)).code, code);
}

Deno.test("issueTokens() signs a batch with a proof, and counts its tokens once however often it is sent", async () => {
  await using split = await startSplit();
  const { acs } = split;
  const app = acs.appOf("notes");
  const batch = await blind(acs, 3);
  for (let sent = 0; sent < 3; sent++) {
    batch.verify(await issueTokens(acs, { app, client: alice, request: batch.request, nowSeconds: NOW }));
    assertEquals(issuedBy(acs), 3);
  }
});

Deno.test("issueTokens() signs nothing after its key's issuance, however long the grant's commit took", async () => {
  await using split = await startSplit();
  const { acs, clock } = split;
  const { issueUntil } = await acs.ringOf("notes").issuing(NOW);
  const { request } = await blind(acs, 1);
  const update: Store["update"] = async (key, decide) => {
    const written = await acs.store.update(key, decide);
    clock.seconds = issueUntil;
    return written;
  };
  const store = new Proxy(acs.store, {
    get(target, name) {
      if (name === "update") return update;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const ringOf = (app: string) => acs.ringOf(app);
  const issuer = new LocalIssuer({ store, random: platformRandom, now: () => clock.seconds, ringOf });
  const asked = { app: acs.appOf("notes"), client: alice, request, nowSeconds: NOW };
  await assertRefused(issueTokens({ issuer, counters: acs.counters }, asked), "key_not_issuing");
  assertEquals(issuedBy(acs), 0);
});

Deno.test("issueTokens() on a log server leaves the counting to the ACS", async () => {
  await using split = await startSplit();
  const batch = await blind(split.acs, 2);
  const app = split.logs.appOf("notes");
  batch.verify(
    await issueTokens(split.logs, { app, client: alice, request: batch.request, nowSeconds: NOW }),
  );
  assertEquals([issuedBy(split.acs), issuedBy(split.logs)], [2, 0]);
});

Deno.test("issueTokens() counts nothing of what it refuses", async () => {
  await using split = await startSplit();
  const { acs } = split;
  const asked = { app: acs.appOf("notes"), client: alice, nowSeconds: NOW };
  const { request } = await blind(acs, 4);
  await assertRefused(issueTokens(acs, { ...asked, request: request.slice(0, 2) }), "batch_invalid");
  await assertRefused(issueTokens(acs, { ...asked, request: request.slice(0, -1) }), "batch_invalid");
  const [type = 0, low = 0, truncatedId = 0] = request;
  for (
    const otherKey of [request.with(0, type ^ 1), request.with(1, low ^ 4), request.with(2, truncatedId ^ 1)]
  ) {
    await assertRefused(issueTokens(acs, { ...asked, request: otherKey }), "key_not_issuing");
  }
  assertEquals(issuedBy(acs), 0);
  await issueTokens(acs, { ...asked, request });
  await assertRefused(
    issueTokens(acs, { ...asked, request: (await blind(acs, 1)).request }),
    "quota_exhausted",
  );
  assertEquals(issuedBy(acs), 4);
});

Deno.test("evaluate() counts the client of another server by the name that it has there", async () => {
  await using split: Split = await startSplit();
  const { acs } = split;
  const app = acs.appOf("notes");
  const ask = async (client: string, count: number) => {
    const batch = await blind(acs, count);
    batch.verify(
      await evaluate(acs, { app, client, storeId: undefined, request: batch.request, nowSeconds: NOW }),
    );
  };
  await ask("one", 4);
  await assertRefused(ask("one", 1), "quota_exhausted");
  await ask("two", 4);
  // A session's subject of the same name is somebody else.
  const { request } = await blind(acs, 4);
  await issueTokens(acs, { app, client: { ...alice, subject: "one" }, request, nowSeconds: NOW });
  assertEquals(issuedBy(acs), 12);
});

Deno.test("issueTokens() signs one batch a turn of the event loop, so that others get in between", async () => {
  await using split = await startSplit();
  const { acs, clock } = split;
  const batches = await Promise.all(Array.from({ length: 6 }, () => blind(acs, 2)));
  const granted = Promise.withResolvers<void>();
  let grants = 0;
  // All grants are known at the same moment, as after one commit.
  const update: Store["update"] = async (key, decide) => {
    const written = await acs.store.update(key, decide);
    if (++grants === batches.length) granted.resolve();
    await granted.promise;
    return written;
  };
  const store = new Proxy(acs.store, {
    get(target, name) {
      if (name === "update") return update;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const ringOf = (app: string) => acs.ringOf(app);
  const issuer = new LocalIssuer({ store, random: platformRandom, now: () => clock.seconds, ringOf });
  let turn = 0;
  let counting = true;
  const count = () => {
    turn++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const turns = await Promise.all(batches.map(async ({ request, verify }, client) => {
    const asked = { app: acs.appOf("notes"), request, nowSeconds: NOW };
    verify((await issuer.issue({ ...asked, client: { ...alice, subject: `client ${client}` } })).response);
    return turn;
  }));
  counting = false;
  assertEquals(new Set(turns).size, batches.length);
});
