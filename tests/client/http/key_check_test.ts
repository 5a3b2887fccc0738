import { assert, assertEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { directoryOf, mirrorFault } from "../../../client/http/key_check.ts";
import type { Directory, DirectoryKey } from "../../../client/http/directory.ts";
import { mirrorAt } from "../../../client/http/mirror.ts";
import type { ClientOptions, Fetch } from "../../../client/mod.ts";
import { ACCEPTED, CHAINS, SEEN, TOKENS } from "../../../client/storage/records.ts";
import type { Entries } from "../../../client/storage/storage.ts";
import { toBase64url } from "../../../core/base/bytes.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";
import { directory, key, NOW } from "../../support/client/directories.ts";

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
  // Nobody asks this region for tokens of another region's key, and nothing of it is remembered.
  assertEquals(fault(directory(key(1, 0, "a"), mine)), undefined);
});

Deno.test("mirrorFault() is an issuer or a number of uses of one's own: both show in every token", () => {
  const mirror = directory(key(1, 0, "a"));
  assertEquals(mirrorFault({ ...mirror, issuer: "client-4711.example" }, mirror), "mirror_conflict");
  assertEquals(mirrorFault({ ...mirror, usesPerToken: 63 }, mirror), "mirror_conflict");
});

Deno.test("mirrorFault() is an entry of one's own: other dates or another type under the id that all have", () => {
  const mirror = directory(key(1, 0, "a"));
  const mine = (changes: Partial<DirectoryKey>) => directory({ ...key(1, 0, "a"), ...changes });
  assertEquals(mirrorFault(mine({}), mirror), undefined);
  for (const changes of [{ redeemUntil: NOW + 300 }, { notBefore: NOW + 1 }, { tokenType: 1 }]) {
    assertEquals(mirrorFault(mine(changes), mirror), "mirror_conflict");
  }
  assertEquals(mirrorFault({ ...mirror, epochSeconds: 43_200 }, mirror), "mirror_conflict");
  assertEquals(mirrorFault({ ...mirror, tokensPerClient: 3 }, mirror), "mirror_conflict");
  assertEquals(mirrorFault({ ...mirror, maxBatch: 1 }, mirror), "mirror_conflict");
  // No client uses it.
  assertEquals(mirrorFault(directory(key(1, 0, "a"), key(1, 3, "mine")), mirror), undefined);
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

Deno.test("directoryOf() remembers nothing of a directory that it refuses, of its chain neither", async () => {
  for (const isFirst of [true, false]) {
    let body = documentOf(publicKey);
    const { told, ...parts } = surroundings({ fetch: () => Promise.resolve(response(body)) });
    const cache = directoryOf({ ...parts, mirror: undefined, keyPin: undefined, verifyKeys: undefined });
    if (!isFirst) await cache.get();
    await parts.commit((entries) => entries.set(ACCEPTED, "1"));
    const kept = () => parts.commit((entries) => [entries.get(SEEN), entries.get(CHAINS)]);
    const before = await kept();
    const link = { "chain-number": 7, chain: toBase64url(sha256(publicKey)) };
    const lie = JSON.parse(documentOf(isFirst ? publicKey : sha256(publicKey)));
    Object.assign(lie["token-keys"][0], link, isFirst ? { epoch: 20_933 } : {});
    body = JSON.stringify(lie);
    await cache.get(true);
    assertEquals(told.map(([, event]) => "code" in event ? event.code : ""), [
      isFirst ? "malformed" : "key_changed",
    ]);
    assertEquals(await kept(), before);
  }
});

Deno.test("directoryOf() takes other keys, and tells it, where no log was accepted under those that it saw", async () => {
  for (const isAccepted of [false, true]) {
    let body = documentOf(publicKey);
    const { told, ...parts } = surroundings({ fetch: () => Promise.resolve(response(body)) });
    const cache = directoryOf({ ...parts, mirror: undefined, keyPin: undefined, verifyKeys: undefined });
    await cache.get();
    if (isAccepted) await parts.commit((entries) => entries.set(ACCEPTED, "1"));
    body = documentOf(sha256(publicKey));
    for (let contact = 0; contact < 2; contact++) await cache.get(true);
    assertEquals(
      told.map(([, event]) => "code" in event ? event.code : ""),
      Array(isAccepted ? 2 : 1).fill("key_changed"),
    );
  }
});

/** Shows one client these keys in turns, by their number; what was told of each look. */
async function turns(
  shown: readonly number[],
  before?: (entries: Entries) => void,
  between?: (entries: Entries) => void,
): Promise<string[]> {
  let body = "";
  const { told, ...parts } = surroundings({ fetch: () => Promise.resolve(response(body)) });
  const cache = directoryOf({ ...parts, mirror: undefined, keyPin: undefined, verifyKeys: undefined });
  if (before !== undefined) await parts.commit(before);
  const looks: string[] = [];
  for (const which of shown) {
    body = documentOf(sha256(Uint8Array.of(which)));
    told.length = 0;
    await cache.get(true);
    if (between !== undefined) await parts.commit(between);
    looks.push(
      `${told.length} ${cache.current?.keys[0]?.publicKey === toBase64url(sha256(Uint8Array.of(which)))}`,
    );
  }
  return looks;
}

const TAKEN = "0 true", FORGIVEN = "1 true", REFUSED = "1 false";

Deno.test("directoryOf() forgives other keys once where tokens may have been used, also where no log was ever accepted", async () => {
  // A service may store logs and say otherwise: what it never accepted is no way to change keys at will.
  assertEquals(
    await turns([1, 2, 1, 3, 2, 1], undefined, (entries) => entries.set(`${TOKENS}a`, "{}")),
    [TAKEN, FORGIVEN, REFUSED, REFUSED, TAKEN, REFUSED],
  );
  // Where there never was a token, nothing could be marked, and no lie at first contact holds anybody up.
  assertEquals(await turns([1, 2, 1]), [TAKEN, FORGIVEN, FORGIVEN]);
});

Deno.test("directoryOf() takes what a client of before has seen as what binds", async () => {
  const seen = {
    "local/20833/0": { id: toBase64url(sha256(sha256(Uint8Array.of(1)))), until: 20_835 * 86_400 },
  };
  const upgraded = (entries: Entries) => entries.set(SEEN, JSON.stringify(seen));
  assertEquals(await turns([2, 1, 2, 1], upgraded), [REFUSED, TAKEN, REFUSED, TAKEN]);
});

Deno.test("directoryOf() stores no more than about 128 KiB of a document or of what it remembers, and uses it all the same", async () => {
  const month = 30 * 86_400;
  const now = Math.floor(20_833 * 86_400 / month);
  let count = 0;
  const keys = Array.from({ length: 16 * 18 * 3 }, (_, index) => {
    const bytes = sha256(new TextEncoder().encode(`${index}`));
    const epoch = now - 8 + Math.floor(index / 3) % 18;
    return {
      "token-type": 5,
      "token-key": toBase64url(bytes),
      "token-key-id": toBase64url(sha256(bytes)),
      region: `${Math.floor(index / 54)}`.padEnd(64, "r"),
      epoch,
      generation: index % 3,
      "not-before": epoch * month,
      "issue-until": (epoch + 1) * month,
      "redeem-until": (epoch + 9) * month,
      "chain-number": 2 ** 39 + 2 * count++,
      chain: toBase64url(bytes),
    };
  });
  const lie = JSON.stringify({
    ...JSON.parse(documentOf(publicKey)),
    issuer: "\u0001".repeat(253),
    region: keys[0]!.region,
    "epoch-seconds": month,
    "token-keys": keys,
  });
  const { told, ...parts } = surroundings({ fetch: () => Promise.resolve(response(lie)) });
  const cache = directoryOf({ ...parts, mirror: undefined, keyPin: undefined, verifyKeys: undefined });
  const refused = () => told.filter(([name]) => name === "refused");
  assertEquals([(await cache.get())?.keys.length, refused()], [keys.length, []]);
  const lengths = await parts.commit((entries) => entries.keys("").map((key) => entries.get(key)!.length));
  assert(Math.max(...lengths) < 131_072, `${lengths}`);
  // It is at hand all the same.
  assertEquals([(await cache.load())?.keys.length, refused()], [keys.length, []]);
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

Deno.test("directoryOf() refuses more keys than the calendar has room for, and remembers nothing of them", async () => {
  const lie = (entries: object[]) => {
    const honest = JSON.parse(documentOf(publicKey));
    return JSON.stringify({ ...honest, "token-keys": [...honest["token-keys"], ...entries] });
  };
  const entry = (index: number, region = "local", epoch = 20_833, generation = 0) => {
    const bytes = sha256(new TextEncoder().encode(`${index}`));
    return {
      "token-type": 5,
      "token-key": toBase64url(bytes),
      "token-key-id": toBase64url(sha256(bytes)),
      ...{ region, epoch, generation },
      "not-before": epoch * 86_400,
      "issue-until": (epoch + 1) * 86_400,
      "redeem-until": (epoch + 2) * 86_400,
    };
  };
  const lies: Record<string, [string, string]> = {
    "an epoch a million ahead": [lie([entry(1, "local", 1_020_833)]), "malformed"],
    "an epoch ten ahead": [lie([entry(1, "local", 20_843)]), "malformed"],
    "an epoch ten before": [lie([entry(1, "local", 20_823)]), "malformed"],
    "more keys than an epoch's replacements": [
      lie(Array.from({ length: 64 }, (_, index) => entry(index, "local", 20_833, index + 1))),
      "too_many_keys",
    ],
    "256 keys": [
      lie(Array.from({ length: 255 }, (_, index) => entry(index, "local", 20_833, index + 1))),
      "too_many_keys",
    ],
    "17 regions": [lie(Array.from({ length: 16 }, (_, index) => entry(index, `r${index}`))), "too_many_keys"],
  };
  for (const [name, [text, code]] of Object.entries(lies)) {
    const { told, ...parts } = surroundings({ fetch: () => Promise.resolve(response(body)) });
    let body = text;
    const cache = directoryOf({ ...parts, mirror: undefined, keyPin: undefined, verifyKeys: undefined });
    assertEquals(await cache.get(), undefined, name);
    assertEquals(told, [["refused", { step: "directory", code }]], name);
    assertEquals(await parts.commit((entries) => entries.get(SEEN)), undefined, name);
    // The service is honest again: the next look finds it so.
    body = documentOf(publicKey);
    assertEquals((await cache.get())?.keys.length, 1, name);
    assertEquals(told.length, 1, name);
  }
  const most = [
    entry(1, "local", 20_842),
    entry(2, "local", 20_824),
    ...Array.from({ length: 15 }, (_, index) => entry(index + 3, `r${index}`)),
  ];
  assertEquals((await refusals(() => response(lie(most)))).refused, []);
});
