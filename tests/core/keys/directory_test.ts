import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { directoryMaxAge, type Endpoints, makeDirectory } from "../../../core/keys/directory.ts";
import { KeyRing } from "../../../core/keys/key_ring.ts";
import { applicationOf, contextOn, EPOCH, NOW } from "../../support/service/keys.ts";
import { parseDirectory } from "../../../client/http/directory.ts";

const ISSUER = "telemetry.example";
const PLACE = { issuer: ISSUER, region: "local" };
const app = applicationOf();

async function keysOf(kv: Deno.Kv, application = app) {
  return await new KeyRing(await contextOn(kv), application, ISSUER).current(NOW);
}

Deno.test("makeDirectory() gives a document that the client's strict reader takes", async () => {
  using kv = await Deno.openKv(":memory:");
  const { body, etag } = makeDirectory({ ...PLACE, app, keys: await keysOf(kv), nowSeconds: NOW });
  const directory = parseDirectory(new TextDecoder().decode(body), "notes");
  assertEquals(directory.keys.map(({ epoch, generation }) => [epoch, generation]), [
    [EPOCH, 0],
    [EPOCH + 1, 0],
    [EPOCH + 2, 0],
    [EPOCH + 3, 0],
  ]);
  assertEquals(directory.issuer, ISSUER);
  assertEquals(etag, `"${sha256(body).toBase64({ alphabet: "base64url", omitPadding: true })}"`);
});

Deno.test("makeDirectory() promises no more than every listed key keeps", async () => {
  using kv = await Deno.openKv(":memory:");
  const keys = await keysOf(kv, applicationOf({ usesPerToken: 32, tokensPerClient: 2 }));
  const limits = (changes: Parameters<typeof applicationOf>[0]) => {
    const { body } = makeDirectory({ ...PLACE, app: applicationOf(changes), keys, nowSeconds: NOW });
    const { usesPerToken, tokensPerClient } = parseDirectory(new TextDecoder().decode(body), "notes");
    return { usesPerToken, tokensPerClient };
  };
  assertEquals(limits({ usesPerToken: 64, tokensPerClient: 8 }), { usesPerToken: 32, tokensPerClient: 2 });
  assertEquals(limits({ usesPerToken: 16, tokensPerClient: 1 }), { usesPerToken: 16, tokensPerClient: 1 });
});

Deno.test("the ETag changes with the keys and with nothing else", async () => {
  using kv = await Deno.openKv(":memory:");
  const keys = await keysOf(kv);
  const { etag } = makeDirectory({ ...PLACE, app, keys, nowSeconds: NOW });
  assertEquals(makeDirectory({ ...PLACE, app, keys: keys.toReversed(), nowSeconds: NOW + 500 }).etag, etag);
  assertNotEquals(makeDirectory({ ...PLACE, app, keys: keys.slice(1), nowSeconds: NOW }).etag, etag);
});

Deno.test("directoryMaxAge() ends after the next change, and spreads a fleet over up to an hour", async () => {
  using kv = await Deno.openKv(":memory:");
  const directory = makeDirectory({ ...PLACE, app, keys: await keysOf(kv), nowSeconds: NOW });
  const toChange = (EPOCH + 1) * 86_400 - NOW;
  const ages = Array.from({ length: 256 }, (_, jitter) => directoryMaxAge(directory, app, NOW, jitter / 256));
  assertEquals(Math.min(...ages), toChange);
  assert(Math.max(...ages) > toChange + 3_500 && Math.max(...ages) <= toChange + 3_600);
  assert(new Set(ages).size > 200, "a fleet comes back in many different seconds");
  const short = applicationOf({ epochSeconds: 10 });
  const last = makeDirectory({ ...PLACE, app: short, keys: [], nowSeconds: NOW + 9 });
  assertEquals(directoryMaxAge(last, short, NOW + 9, 0), 1);
  assertEquals(directoryMaxAge(last, short, NOW + 9, 0.999), 2);
});

Deno.test("makeDirectory() leads clients to the hosts of the two steps where there are any, under the same digest", async () => {
  using kv = await Deno.openKv(":memory:");
  const parts = { ...PLACE, app, keys: await keysOf(kv), nowSeconds: NOW };
  const text = (endpoints?: Endpoints) =>
    new TextDecoder().decode(makeDirectory({ ...parts, endpoints }).body);
  const read = (endpoints?: Endpoints) => {
    const { issuingEndpoint, loggingEndpoint } = parseDirectory(text(endpoints), "notes");
    return [issuingEndpoint, loggingEndpoint];
  };
  const [issuing, logging] = ["https://tokens.telemetry.example", "https://logs.telemetry.example:8443"];
  assertEquals(read(), [undefined, undefined]);
  assertEquals(read({ issuing, logging }), [issuing, logging]);
  assertEquals(read({ logging }), [undefined, logging]);
  // A deployment without such hosts serves the bytes that it always did.
  assertEquals(text({ issuing: undefined, logging: undefined }), text());
  assert(!text().includes("endpoint"));
  assertNotEquals(makeDirectory({ ...parts, endpoints: { issuing } }).etag, makeDirectory(parts).etag);
});
