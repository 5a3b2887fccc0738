/** A client walks the chain of keys: from what it saw, and from the pin that its app was built with. */
import { assertEquals, assertThrows } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import type { DirectoryKey } from "../../../client/http/directory.ts";
import { directoryOf } from "../../../client/http/key_check.ts";
import { checkPin } from "../../../client/options.ts";
import { ACCEPTED, FORK, read } from "../../../client/storage/records.ts";
import { concat, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { keyLeaf, nextLink } from "../../../core/token/key_chain.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";

const DAY = 86_400;
const EPOCH = 20_833;
const START = 1_800_000_000;

/** The keys that a region made, one after the other. */
class Chain {
  readonly keys: (DirectoryKey & { number: number; chain: string })[] = [];
  readonly leaves: Uint8Array[] = [];
  #link: Uint8Array = new Uint8Array(32);
  #first = 0;

  constructor(readonly region = "local") {}

  /** Makes a key; `salt` has it be another one under the same name. */
  make(epoch: number, generation = 0, salt = ""): this {
    const bytes = sha256(utf8(`${this.region} ${epoch} ${generation} ${salt}`));
    const key = {
      tokenType: 5,
      publicKey: toBase64url(bytes),
      keyId: toBase64url(sha256(bytes)),
      region: this.region,
      epoch,
      generation,
      notBefore: epoch * DAY,
      issueUntil: (epoch + 1) * DAY,
      redeemUntil: (epoch + 2) * DAY,
    };
    const leaf = keyLeaf("notes", key);
    this.#link = nextLink(this.#link, leaf);
    this.keys.push({
      ...key,
      number: START + this.#first + this.keys.length,
      chain: toBase64url(this.#link),
    });
    this.leaves.push(leaf);
    return this;
  }

  /** Goes on behind the first keys of another chain. */
  leadOn(chain: Chain, count: number): this {
    this.#link = nextLink(new Uint8Array(32), chain.leaves[0]!);
    this.leaves.push(...chain.leaves.slice(0, count));
    this.#first = count;
    return this;
  }

  /** The link of the key that was made as the n-th. */
  pin(n: number): string {
    return this.keys[n]!.chain;
  }

  /** The keys of four epochs from one on. */
  of(epoch: number): DirectoryKey[] {
    return this.keys.filter((key) => key.epoch >= epoch && key.epoch < epoch + 4);
  }

  /** Its history, without the oldest ones. */
  history(from = 0): string {
    return JSON.stringify({
      app: "notes",
      region: this.region,
      first: START + from,
      before: from === 0 ? toBase64url(new Uint8Array(32)) : this.pin(from - 1),
      leaves: toBase64url(concat(...this.leaves.slice(from))),
    });
  }
}

function chainOf(days: number, salt?: (epoch: number) => string): Chain {
  const chain = new Chain();
  for (let day = 0; day < days; day++) chain.make(EPOCH + day, 0, salt?.(EPOCH + day));
  return chain;
}

function documentOf({ keys, region = "local", epochSeconds = DAY }: Served): string {
  return JSON.stringify({
    issuer: "telemetry.example",
    app: "notes",
    region,
    "epoch-seconds": epochSeconds,
    "uses-per-token": 64,
    "max-batch": 32,
    "tokens-per-client": 4,
    "token-keys": keys.map((key) => ({
      "token-type": key.tokenType,
      "token-key": key.publicKey,
      "token-key-id": key.keyId,
      region: key.region,
      epoch: key.epoch,
      generation: key.generation,
      "not-before": key.notBefore,
      "issue-until": key.issueUntil,
      "redeem-until": key.redeemUntil,
      "chain-number": key.number,
      chain: key.chain,
    })),
  });
}

/** What is served, which a test changes. */
interface Served {
  keys: readonly DirectoryKey[];
  history?: string;
  region?: string;
  epochSeconds?: number;
}

/** A client of a service, at 10:20 of {@linkcode EPOCH}. */
function clientOf(served: Served, keyPin?: string, isUsed = true) {
  const asked: string[] = [];
  const parts = surroundings({
    fetch: (url) => {
      asked.push(url.replace(/.*\/notes/, ""));
      const isHistory = url.endsWith("/history");
      if (isHistory && served.history === undefined) {
        return Promise.resolve(new Response("", { status: 404 }));
      }
      return Promise.resolve(new Response(isHistory ? served.history : documentOf(served)));
    },
  });
  const cache = directoryOf({ ...parts, keyPin, mirror: undefined, verifyKeys: undefined });
  return {
    asked,
    parts,
    /** Fetches what is served now; what of it was told. */
    async look(): Promise<string[]> {
      parts.told.length = 0;
      await cache.get(true);
      if (isUsed) await parts.commit((entries) => entries.set(ACCEPTED, "1"));
      return parts.told.map(([name, event]) => name === "refused" ? event.code : name);
    },
    fork: () => parts.commit((entries) => read<Record<string, DirectoryKey>>(entries, FORK)),
  };
}

Deno.test("a client takes keys that go on from those that it saw, with gaps and without", async () => {
  const chain = chainOf(8);
  const served: Served = { keys: chain.of(EPOCH) };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  for (
    const keys of [
      chain.of(EPOCH + 1),
      chain.of(EPOCH + 1).toReversed(),
      chain.of(EPOCH + 4),
      chain.of(EPOCH),
    ]
  ) {
    served.keys = keys;
    assertEquals(await client.look(), []);
  }
  assertEquals(client.asked.filter((path) => path !== "/keys"), []);
});

Deno.test("a client takes the keys of a service from before there were chains, and the chain when it begins", async () => {
  const chain = chainOf(5);
  const bare = chain.of(EPOCH).map(({ chain: _chain, number: _number, ...key }) => key);
  const served: Served = { keys: bare };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  served.keys = chain.of(EPOCH);
  assertEquals(await client.look(), []);
  // And back: a service may go one version down.
  served.keys = bare;
  assertEquals(await client.look(), []);
});

Deno.test("a fork of the chain is refused, told with both keys, and kept", async () => {
  const chain = chainOf(5);
  const forked = chainOf(5, (epoch) => epoch === EPOCH + 4 ? "for one client" : "");
  const served: Served = { keys: chain.of(EPOCH + 1) };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  served.keys = forked.of(EPOCH + 1);
  assertEquals(await client.look(), ["keys_forked", "key_changed"]);
  const { known, shown } = (await client.fork())!;
  assertEquals([known!.keyId, shown!.keyId], [chain.keys[4]!.keyId, forked.keys[4]!.keyId]);
  served.keys = chain.of(EPOCH + 1);
  assertEquals(await client.look(), []);
});

Deno.test("keys that do not follow from each other, or from the newest that was seen, are a fork", async () => {
  const chain = chainOf(6);
  const other = chainOf(6, (epoch) => epoch === EPOCH ? "another history" : "");
  for (
    const keys of [
      // Another history before the same names.
      other.of(EPOCH + 1),
      // A key of one's own behind the newest that was seen.
      [...chain.of(EPOCH).slice(0, 4), { ...chain.keys[4]!, redeemUntil: (EPOCH + 7) * DAY }],
      // Two keys under one number.
      [...chain.of(EPOCH).slice(0, 3), { ...chain.keys[4]!, number: chain.keys[2]!.number }],
    ]
  ) {
    const served: Served = { keys: chain.of(EPOCH) };
    const client = clientOf(served);
    assertEquals(await client.look(), []);
    served.keys = keys;
    assertEquals(await client.look(), ["keys_forked", "key_changed"]);
  }
});

Deno.test("what was seen of a chain matters as long as its key issues", async () => {
  const lie = chainOf(4, () => "lie");
  const served: Served = { keys: lie.of(EPOCH) };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  client.parts.time.now += 4 * DAY * 1000;
  served.keys = chainOf(9).of(EPOCH + 5);
  assertEquals(await client.look(), []);
});

Deno.test("a client with a pin takes what leads on from it, and asks for the history only where it must", async () => {
  const chain = chainOf(9);
  for (const pinned of [0, 1, 3]) {
    const served: Served = { keys: chain.of(EPOCH + 1), history: chain.history() };
    const client = clientOf(served, chain.pin(pinned));
    assertEquals(await client.look(), []);
    assertEquals(client.asked, ["/keys", "/keys/history"]);
    // From what it has verified, it goes on without either.
    client.asked.length = 0;
    delete served.history;
    for (const epoch of [EPOCH + 1, EPOCH + 3, EPOCH + 4]) {
      served.keys = chain.of(epoch);
      assertEquals(await client.look(), []);
    }
    assertEquals(client.asked, ["/keys", "/keys", "/keys"]);
    // After a gap it needs the history, which is honest or not.
    served.keys = chain.of(EPOCH + 4).filter(({ epoch }) => epoch !== EPOCH + 6);
    assertEquals(await client.look(), ["status_404", "not_pinned"]);
    served.history = chain.history();
    assertEquals(await client.look(), []);
  }
});

Deno.test("a build of long ago walks from its pin to the newest key, and from one link before the history", async () => {
  const old = chainOf(400);
  const now = 400 - 4;
  const keys = old.keys.slice(now);
  const look = (history: string) => {
    const client = clientOf({ keys, history }, old.pin(5));
    client.parts.time.now += now * DAY * 1000;
    return client.look();
  };
  for (const history of [old.history(), old.history(5), old.history(6)]) {
    assertEquals(await look(history), []);
  }
  // Its history is shorter, the pin is not in it: nothing shows that the keys lead on from it.
  assertEquals(await look(old.history(7)), ["not_pinned"]);
  // A cache of five minutes: the newest key is not in it yet.
  const { first, before, leaves } = JSON.parse(old.history());
  const shorter = JSON.stringify({ first, before, leaves: toBase64url(concat(...old.leaves.slice(0, -1))) });
  assertEquals([typeof leaves, await look(shorter)], [
    "string",
    [],
  ]);
});

Deno.test("a client with a pin takes no keys of another history, without a link, or without a history", async () => {
  const chain = chainOf(9);
  const other = chainOf(9, () => "another");
  const keys = chain.of(EPOCH + 4);
  const bare = keys.map(({ chain: _chain, number: _number, ...key }) => key);
  const lies: [Served, string[]][] = [
    [{ keys: other.of(EPOCH + 4), history: other.history() }, ["not_pinned"]],
    [{ keys: other.of(EPOCH + 4), history: chain.history() }, ["not_pinned"]],
    [{ keys: bare, history: chain.history() }, ["not_pinned"]],
    [{ keys: [...keys.slice(1), bare[0]!], history: chain.history() }, ["not_pinned"]],
    [{ keys, history: "{}" }, ["not_pinned"]],
    [{ keys, history: "null" }, ["not_pinned"]],
    [{ keys }, ["status_404", "not_pinned"]],
    // The right numbers and links, another key.
    [
      { keys: keys.map((key) => ({ ...key, redeemUntil: key.redeemUntil + DAY })), history: chain.history() },
      [
        "not_pinned",
      ],
    ],
  ];
  for (const [served, told] of lies) assertEquals(await clientOf(served, chain.pin(0)).look(), told);
});

Deno.test("the oldest key that is listed is held against the chain too, though the link before it is not shown", async () => {
  const chain = chainOf(9);
  const [oldest, ...newer] = chain.of(EPOCH + 1);
  const mine = chainOf(9, () => "for one client").of(EPOCH + 1)[0]!;
  const lie = [{ ...mine, number: oldest!.number, chain: oldest!.chain }, ...newer];
  // The chain from the second key on is the true one, whichever link is the pin.
  for (const pinned of [1, 2, 4]) {
    const client = clientOf({ keys: lie, history: chain.history() }, chain.pin(pinned));
    assertEquals(await client.look(), ["not_pinned"]);
  }
  const served: Served = { keys: chain.of(EPOCH), history: chain.history() };
  const client = clientOf(served, chain.pin(0));
  assertEquals(await client.look(), []);
  served.keys = lie;
  assertEquals(await client.look(), ["not_pinned"]);
  // And without a pin, where it was seen.
  const shown: Served = { keys: chain.of(EPOCH) };
  const unpinned = clientOf(shown);
  assertEquals(await unpinned.look(), []);
  shown.keys = lie;
  assertEquals(await unpinned.look(), ["keys_forked", "key_changed"]);
});

Deno.test("a pin is what it says of this app: what was seen under another one, or without, proves nothing", async () => {
  const chain = chainOf(5);
  const other = chainOf(5, () => "another");
  const served: Served = { keys: other.of(EPOCH), history: other.history() };
  const unpinned = clientOf(served);
  assertEquals(await unpinned.look(), []);
  const { parts } = unpinned;
  const pinned = directoryOf({ ...parts, keyPin: chain.pin(0), mirror: undefined, verifyKeys: undefined });
  await pinned.get(true);
  assertEquals(parts.told, [["refused", { step: "directory", code: "not_pinned" }]]);
});

Deno.test("keys after two replacements take no part in the chain: what a lie says of them holds nobody up", async () => {
  const chain = chainOf(12);
  const served: Served = { keys: chain.of(EPOCH) };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  // Links of its own under numbers that the next true keys will have.
  const lies = Array.from({ length: 8 }, (_, at) => ({
    ...new Chain().make(EPOCH + 8, 3 + at, "lie").keys[0]!,
    number: START + 5 + at,
  }));
  served.keys = [...chain.of(EPOCH), ...lies];
  assertEquals(await client.look(), []);
  for (const epoch of [EPOCH + 2, EPOCH + 4, EPOCH + 6]) {
    served.keys = chain.of(epoch);
    assertEquals(await client.look(), []);
  }
});

Deno.test("a link that was a lie is forgotten within 18 days, however long an epoch it came with", async () => {
  const month = 30 * DAY;
  const epoch = Math.floor(EPOCH * DAY / month);
  const chain = chainOf(40);
  const served: Served = { keys: chain.of(EPOCH) };
  const client = clientOf(served);
  assertEquals(await client.look(), []);
  const [lie] = new Chain().make(EPOCH, 0, "lie").keys;
  const dates = {
    notBefore: (epoch + 9) * month,
    issueUntil: (epoch + 10) * month,
    redeemUntil: (epoch + 10) * month,
  };
  served.keys = [{ ...lie!, ...dates, epoch: epoch + 9, number: START + 5 }];
  served.epochSeconds = month;
  assertEquals(await client.look(), []);
  delete served.epochSeconds;
  const codes: string[][] = [];
  for (let day = 2; day < 21; day++) {
    client.parts.time.now += DAY * 1000;
    served.keys = chain.of(EPOCH + day - 1);
    codes.push(await client.look());
  }
  assertEquals(codes.findLastIndex((told) => told.includes("key_changed")) < 18, true);
  assertEquals(codes.at(-1), []);
});

/** A client with a pin at a service that shows it a fork for one day, and has a day pass. */
async function forkedFor(isUsed = true) {
  const chain = chainOf(30);
  const fork = chainOf(30, (epoch) => epoch > EPOCH ? "for one client" : "");
  const served: Served = { keys: chain.of(EPOCH).slice(0, 1), history: chain.history() };
  const client = clientOf(served, chain.pin(0), isUsed);
  assertEquals(await client.look(), []);
  served.keys = fork.of(EPOCH).slice(0, 2);
  served.history = fork.history();
  assertEquals(await client.look(), []);
  const pass = (days: number) => void (client.parts.time.now += days * DAY * 1000);
  return { chain, fork, served, client, pass };
}

Deno.test("a fork behind the pin has to be kept up for good: nothing else is taken, however late", async () => {
  for (const looks of [true, false]) {
    const { chain, fork, served, client, pass } = await forkedFor();
    pass(1);
    // Whether it has looked on the day of that key, or used it as it was published ahead.
    if (looks) assertEquals(await client.look(), []);
    for (const days of [1, 3, 20]) {
      pass(days);
      const now = Math.floor(client.parts.time.now / 1000 / DAY);
      served.keys = chain.of(now);
      served.history = chain.history();
      assertEquals(await client.look(), ["keys_forked", "not_pinned"]);
      const { known, shown } = (await client.fork())!;
      assertEquals([fork.keys.some(({ keyId }) => keyId === known!.keyId), shown!.region], [true, "local"]);
      served.keys = fork.of(now);
      served.history = fork.history();
      assertEquals(await client.look(), []);
    }
  }
});

Deno.test("a fork behind the pin is no more than forgotten where nothing was ever used", async () => {
  const { chain, served, client, pass } = await forkedFor(false);
  pass(6);
  served.keys = chain.of(EPOCH + 6);
  served.history = chain.history();
  assertEquals(await client.look(), []);
});

Deno.test("another name of the region is no way around what is held behind a pin", async () => {
  const chain = chainOf(9);
  const served: Served = { keys: chain.of(EPOCH), history: chain.history() };
  const client = clientOf(served, chain.pin(0));
  assertEquals(await client.look(), []);
  // It leads on from the pin, in leaves of another region's keys.
  const alias = new Chain("alice");
  alias.leadOn(chain, 1).make(EPOCH + 1).make(EPOCH + 2);
  served.keys = alias.keys;
  served.history = alias.history();
  served.region = "alice";
  assertEquals(await clientOf(served, chain.pin(0)).look(), []);
  assertEquals(await client.look(), ["not_pinned"]);
});

Deno.test("of several regions each has its pin", async () => {
  const [eu, us] = [chainOf(4), new Chain("us").make(EPOCH)];
  const served: Served = { keys: eu.of(EPOCH), history: eu.history() };
  assertEquals(await clientOf(served, `${us.pin(0)} ${eu.pin(2)}`).look(), []);
  assertEquals(await clientOf(served, us.pin(0)).look(), ["not_pinned"]);
});

Deno.test("checkPin() takes links and nothing else", () => {
  const pin = "A".repeat(43);
  for (const good of [undefined, pin, `${pin} ${pin}`]) assertEquals(checkPin(good), good);
  for (const bad of ["", "A", `${pin}  ${pin}`, `${pin},${pin}`, `${pin}=`]) {
    assertThrows(() => checkPin(bad), TypeError, "keyPin");
  }
});
