import { assertEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { compareSeen, directoryOf, mirrorFault } from "../../../client/http/key_check.ts";
import type { Directory, DirectoryKey } from "../../../client/http/directory.ts";
import { mirrorAt } from "../../../client/http/mirror.ts";
import type { ClientOptions, Fetch } from "../../../client/mod.ts";
import { SEEN } from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";
import { toBase64url } from "../../../core/base/bytes.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";

const NOW = 1_800_000_000;

function key(epoch: number, generation: number, keyId: string): DirectoryKey {
  return {
    tokenType: 5,
    publicKey: keyId,
    keyId,
    region: "local",
    epoch,
    generation,
    notBefore: NOW,
    issueUntil: NOW + 100,
    redeemUntil: NOW + 200,
  };
}

function directory(...keys: DirectoryKey[]): Directory {
  return {
    issuer: "telemetry.example",
    region: "local",
    issuingEndpoint: undefined,
    loggingEndpoint: undefined,
    epochSeconds: 86_400,
    usesPerToken: 64,
    maxBatch: 32,
    tokensPerClient: 4,
    keys,
  };
}

Deno.test("compareSeen() refuses another value of a name, and remembers nothing of that directory", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW }),
    undefined,
  );
  const before = entries.get(SEEN);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(2, 0, "b"), key(1, 0, "z")), nowSeconds: NOW }),
    "key_changed",
  );
  assertEquals(entries.get(SEEN), before);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "a"), key(2, 0, "b")), nowSeconds: NOW }),
    undefined,
  );
  // Absent for a while is no way around it.
  assertEquals(compareSeen(entries, { report, directory: directory(), nowSeconds: NOW }), undefined);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(2, 0, "c")), nowSeconds: NOW }),
    "key_changed",
  );
  assertEquals(told, []);
});

Deno.test("compareSeen() tells of each replacement once", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW });
  compareSeen(entries, { report, directory: directory(key(1, 1, "b")), nowSeconds: NOW });
  compareSeen(entries, { report, directory: directory(key(1, 1, "b")), nowSeconds: NOW });
  assertEquals(told, [["key_replaced", { region: "local", epoch: 1, generation: 1 }]]);
});

Deno.test("compareSeen() forgets a name when its key is over", () => {
  const entries = new Entries(new Map());
  const report = () => {};
  compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW });
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "z")), nowSeconds: NOW + 199 }),
    "key_changed",
  );
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "z")), nowSeconds: NOW + 200 }),
    undefined,
  );
});

Deno.test("mirrorFault() is one name with two values; a key that the directory lacks is none", () => {
  const both = directory(key(1, 0, "a"), key(2, 0, "b"));
  assertEquals(mirrorFault(both, both), undefined);
  assertEquals(mirrorFault(directory(key(2, 0, "b")), both), undefined);
  assertEquals(mirrorFault(directory(key(1, 0, "a"), key(2, 0, "c")), both), "mirror_conflict");
});

Deno.test("mirrorFault() is a key of one's own: under another generation, epoch or region than the mirror has", () => {
  const mirror = directory(key(1, 0, "a"));
  const fault = (one: Directory) => mirrorFault(one, mirror);
  assertEquals(fault(directory(key(1, 0, "a"), key(1, 1, "mine"))), "mirror_lacks_key");
  assertEquals(fault(directory(key(1, 0, "a"), key(2, 0, "mine"))), "mirror_lacks_key");
  const mine = { ...key(1, 0, "mine"), region: "mine" };
  assertEquals(fault({ ...directory(mine), region: "mine" }), "mirror_lacks_key");
  // Nobody asks this region for tokens of another region's key.
  assertEquals(fault(directory(key(1, 0, "a"), mine)), undefined);
});

Deno.test("mirrorFault() is an issuer or a number of uses of one's own: both show in every token", () => {
  const mirror = directory(key(1, 0, "a"));
  assertEquals(mirrorFault({ ...mirror, issuer: "client-4711.example" }, mirror), "mirror_conflict");
  assertEquals(mirrorFault({ ...mirror, usesPerToken: 63 }, mirror), "mirror_conflict");
});

Deno.test("mirrorFault() is an endpoint of one's own: it shows in every connection", () => {
  const named = { issuingEndpoint: "https://t.example", loggingEndpoint: "https://l.example" };
  const mirror = { ...directory(key(1, 0, "a")), ...named };
  assertEquals(mirrorFault({ ...mirror }, mirror), undefined);
  for (
    const changes of [
      { issuingEndpoint: "https://client-4711.t.example" },
      { loggingEndpoint: "https://l.example:4711" },
      { loggingEndpoint: undefined },
    ]
  ) {
    assertEquals(mirrorFault({ ...mirror, ...changes }, mirror), "mirror_conflict");
    assertEquals(mirrorFault(mirror, { ...mirror, ...changes }), "mirror_conflict");
  }
});

Deno.test("compareSeen() tells each time that the endpoints are others than they were, over the ends of keys", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  const see = (loggingEndpoint: string | undefined, nowSeconds: number) =>
    compareSeen(entries, {
      report,
      directory: { ...directory(key(1, 0, "a")), loggingEndpoint },
      nowSeconds,
    });
  const moved = "https://logs.telemetry.example";
  for (const named of [undefined, undefined, moved, moved]) assertEquals(see(named, NOW), undefined);
  assertEquals(see(undefined, NOW + 100_000_000), undefined);
  assertEquals(told, [
    ["endpoints_changed", { issuing: undefined, logging: moved }],
    ["endpoints_changed", { issuing: undefined, logging: undefined }],
  ]);
});

Deno.test("compareSeen() refuses names without end, which would fill the app's storage", () => {
  const entries = new Entries(new Map());
  const many = (from: number) =>
    directory(...Array.from({ length: 200 }, (_, index) => key(from + index, 0, `${from + index}`)));
  for (let round = 0; round < 5; round++) {
    assertEquals(
      compareSeen(entries, { report: () => {}, directory: many(round * 200), nowSeconds: NOW }),
      undefined,
    );
  }
  assertEquals(
    compareSeen(entries, { report: () => {}, directory: many(1000), nowSeconds: NOW }),
    "too_many_keys",
  );
  // And the endpoints.
  assertEquals(Object.keys(JSON.parse(entries.get(SEEN) ?? "")).length, 1001);
});

const publicKey = sha256(Uint8Array.of(1));
function documentOf(bytes: Uint8Array): string {
  return JSON.stringify({
    issuer: "telemetry.example",
    app: "notes",
    region: "local",
    "epoch-seconds": 86_400,
    "uses-per-token": 64,
    "max-batch": 32,
    "tokens-per-client": 4,
    "token-keys": [{
      "token-type": 5,
      "token-key": toBase64url(bytes),
      "token-key-id": toBase64url(sha256(bytes)),
      region: "local",
      epoch: 20_833,
      generation: 0,
      "not-before": 20_833 * 86_400,
      "issue-until": 20_834 * 86_400,
      "redeem-until": 20_835 * 86_400,
    }],
  });
}

function response(body: string, headers: Record<string, string> = {}): Response {
  const etag = `"${toBase64url(sha256(new TextEncoder().encode(body)))}"`;
  return new Response(body, { headers: { etag, "cache-control": "max-age=3600", ...headers } });
}

/** Fetches the directory twice and gives what was refused. */
async function refusals(
  serve: (url: string, count: number) => Response | Promise<Response>,
  options: Partial<Pick<ClientOptions, "mirror" | "verifyKeys">> = {},
): Promise<{ refused: string[]; fetched: boolean; requests: string[] }> {
  const requests: string[] = [];
  const fetch: Fetch = async (url) => {
    requests.push(url);
    return await serve(url, requests.length);
  };
  const { told, ...parts } = surroundings({ fetch });
  const cache = directoryOf({
    ...parts,
    mirror: options.mirror === undefined ? undefined : mirrorAt(options.mirror),
    keyPin: undefined,
    verifyKeys: options.verifyKeys,
  });
  const fetched = await cache.get() !== undefined;
  await cache.get(true);
  const refused = told.map(([name, event]) => name === "refused" ? `${event.step} ${event.code}` : name);
  return { refused, fetched, requests };
}

Deno.test("directoryOf() takes a directory with the ETag of its body, weakened or hidden", async () => {
  const body = documentOf(publicKey);
  const tag = `"${toBase64url(sha256(new TextEncoder().encode(body)))}"`;
  assertEquals((await refusals(() => response(body))).refused, []);
  assertEquals((await refusals(() => response(body, { etag: `W/${tag}` }))).refused, []);
  assertEquals((await refusals(() => new Response(body))).refused, []);
});

Deno.test("directoryOf() refuses an ETag that could be a cookie", async () => {
  const { refused, fetched } = await refusals(() =>
    response(documentOf(publicKey), { etag: '"client-4711"' })
  );
  assertEquals(refused, ["directory etag_not_the_hash", "directory etag_not_the_hash"]);
  assertEquals(fetched, false);
});

Deno.test("directoryOf() refuses a key that changed, and goes on with the one it had", async () => {
  const { refused, fetched } = await refusals((_url, count) =>
    response(documentOf(count === 1 ? publicKey : sha256(publicKey)))
  );
  assertEquals(refused, ["directory key_changed"]);
  assertEquals(fetched, true);
});

Deno.test("directoryOf() refuses what the app does not verify, or fails to", async () => {
  const serve = () => response(documentOf(publicKey));
  assertEquals((await refusals(serve, { verifyKeys: () => true })).refused, []);
  for (const verifyKeys of [() => false, () => Promise.reject(new Error("of the app"))]) {
    assertEquals((await refusals(serve, { verifyKeys })).refused, Array(2).fill("directory not_verified"));
  }
});

Deno.test("directoryOf() refuses a directory that a mirror contradicts or cannot confirm", async () => {
  const mirror = "https://mirror.example/keys.json";
  const serve = (ofMirror: () => Response) => (url: string) =>
    url === mirror ? ofMirror() : response(documentOf(publicKey));
  const same = await refusals(serve(() => new Response(documentOf(publicKey))), { mirror });
  assertEquals([same.refused, same.fetched], [[], true]);
  assertEquals(same.requests.filter((url) => url === mirror).length, 2);
  const other = await refusals(serve(() => new Response(documentOf(sha256(publicKey)))), { mirror });
  assertEquals(other.refused, Array(2).fill("directory mirror_conflict"));
  assertEquals(other.fetched, false);
  for (const body of ["{", documentOf(publicKey).replace("notes", "other")]) {
    const unreadable = await refusals(serve(() => new Response(body)), { mirror });
    assertEquals(unreadable.refused, Array(2).fill("directory mirror_unavailable"));
  }
  const down = await refusals(serve(() => new Response("", { status: 503 })), { mirror });
  assertEquals(down.refused.slice(0, 2), ["mirror status_503", "directory mirror_unavailable"]);
});

Deno.test("directoryOf() refuses what is malformed, too long or not its application's", async () => {
  for (const body of ["", "{", documentOf(publicKey).replace('"notes"', '"other"')]) {
    assertEquals((await refusals(() => response(body))).refused, Array(2).fill("directory malformed"));
  }
  assertEquals(
    (await refusals(() => response(" ".repeat(600_000)))).refused,
    Array(2).fill("directory no_answer"),
  );
});
