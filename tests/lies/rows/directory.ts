/** Lies about keys and endpoints. */
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { bytes, type Document, document, headers, instead, text } from "../answers.ts";
import { type Asked, rows } from "../table.ts";

const MALFORMED = { refused: ["directory malformed"], keepsTokens: false };

/** A directory with other members. */
const members = (changes: Record<string, unknown>) => ({
  keys: document((directory) => ({ ...directory, ...changes })),
});

/** A directory with every key changed. */
const everyKey = (changes: Record<string, unknown>) => ({
  keys: document((directory) => {
    for (const key of directory["token-keys"]) Object.assign(key, changes);
  }),
});

/** Changes the bytes of the key that issues now, and its id with them. */
function withKeys(change: (key: Uint8Array) => Uint8Array) {
  return (directory: Document, { now }: Asked) => {
    for (const key of directory["token-keys"]) {
      if (now / 1000 < key["not-before"] || key["issue-until"] <= now / 1000) continue;
      const bytes = change(fromBase64url(key["token-key"]));
      key["token-key"] = toBase64url(bytes);
      key["token-key-id"] = toBase64url(sha256(bytes));
    }
  };
}

/** Documents that are none. */
const NONE: Readonly<Record<string, string>> = {
  "null": "null",
  "a list": "[]",
  "a number past all others": "1e999",
  "nothing": "",
  "a page of somebody else's": "<html>Sign in to the hotel's network</html>",
  "lists in lists, 100,000 deep": "[".repeat(100_000) + "]".repeat(100_000),
};

export const DIRECTORY_LIES = rows("directory", [
  ...Object.entries(NONE).map(([what, body]) => ({
    name: `a directory that is ${what}`,
    tell: { keys: instead(body, { headers: { "content-type": "application/json" } }) },
    client: MALFORMED,
  })),
  {
    name: "an ETag of its own for every client",
    tell: { keys: headers({ etag: `"${"A".repeat(43)}"` }) },
    client: { refused: ["directory etag_not_the_hash"], keepsTokens: false },
  },
  {
    name: "a weak ETag of its own for every client",
    tell: { keys: headers({ etag: 'W/"you"' }) },
    client: { refused: ["directory etag_not_the_hash"], keepsTokens: false },
  },
  {
    name: "keys of its own for one client, after it has seen others",
    tell: { keys: ({ other }) => other() },
    before: 1,
    later: 2 * 86_400,
    // It goes on with the keys that were published ahead.
    client: { refused: ["directory key_changed"], sent: 3 },
  },
  {
    name: "keys of its own for one client, before it has seen others",
    tell: { keys: ({ other }) => other() },
    client: { refused: ["tokens key_not_issuing"], keepsTokens: false },
  },
  {
    name: "an issuer of its own for one client, before it has seen another",
    tell: members({ issuer: "alice.example" }),
    // Its tokens are issued, and no honest log server takes them.
    client: { refused: ["logs mac_invalid"], dropped: "any", wastesQuota: true },
  },
  {
    name: "two sets of keys in turns, from the first",
    tell: { keys: ({ count, honest, other }) => count % 2 === 0 ? other() : honest() },
    rounds: 4,
    client: { sent: undefined },
  },
  {
    name: "two sets of keys in turns",
    tell: { keys: ({ count, honest, other }) => count % 2 === 0 ? other() : honest() },
    before: 1,
    later: 2 * 86_400,
    rounds: 4,
    pause: 600,
    client: { refused: ["directory key_changed"], sent: 3 },
  },
  { name: "the directory of another application", tell: members({ app: "others" }), client: MALFORMED },
  {
    name: "an endpoint for logs at another host",
    tell: members({ "logging-endpoint": "https://logs.elsewhere.example" }),
    client: { refused: ["directory endpoint_foreign"], keepsTokens: false },
  },
  {
    name: "an endpoint for tokens at another host",
    tell: members({ "issuing-endpoint": "https://tokens.elsewhere.example" }),
    client: { refused: ["directory endpoint_foreign"], keepsTokens: false },
  },
  {
    name: "an endpoint with a path for every client",
    tell: members({ "issuing-endpoint": "https://tokens.127.0.0.1/alice" }),
    client: MALFORMED,
  },
  {
    name: "an endpoint with a user in it",
    tell: members({ "logging-endpoint": "https://alice@logs.127.0.0.1" }),
    client: MALFORMED,
  },
  { name: "no keys", tell: members({ "token-keys": [] }), client: { keepsTokens: false } },
  { name: "keys that are no list", tell: members({ "token-keys": { length: 1 } }), client: MALFORMED },
  { name: "keys that are null", tell: members({ "token-keys": [null] }), client: MALFORMED },
  {
    name: "a key id that is not the hash of its key",
    tell: everyKey({ "token-key-id": "A".repeat(43) }),
    client: MALFORMED,
  },
  {
    name: "bytes that are no point as keys",
    tell: { keys: document(withKeys(() => new Uint8Array(32).fill(0xff))) },
    client: { keepsTokens: false },
  },
  {
    name: "the point of nothing as keys",
    tell: { keys: document(withKeys(() => new Uint8Array(32))) },
    client: { keepsTokens: false },
  },
  {
    name: "a key of 16 bytes",
    tell: { keys: document(withKeys((key) => key.slice(16))) },
    client: { keepsTokens: false },
  },
  {
    name: "one name for two keys",
    tell: {
      async keys({ honest, other }) {
        const [one, two] = await Promise.all([(await honest()).json(), (await other()).json()]);
        return Response.json({ ...one, "token-keys": [...one["token-keys"], ...two["token-keys"]] });
      },
    },
    client: MALFORMED,
  },
  {
    name: "two names for one key",
    tell: {
      keys: document((directory) => {
        const [key] = directory["token-keys"];
        directory["token-keys"].push({ ...key, generation: 1 });
      }),
    },
    client: MALFORMED,
  },
  {
    name: "a key that outlives its epoch",
    tell: everyKey({ "issue-until": 4_000_000_000 }),
    client: MALFORMED,
  },
  { name: "a key for ever", tell: everyKey({ "redeem-until": 2 ** 52 }), client: MALFORMED },
  { name: "half an epoch", tell: members({ "epoch-seconds": 0.5 }), client: MALFORMED },
  { name: "1e308 uses a token", tell: members({ "uses-per-token": 1e308 }), client: MALFORMED },
  { name: "batches of no token", tell: members({ "max-batch": 0 }), client: MALFORMED },
  {
    name: "a region of its own for one client",
    tell: members({ region: "alice" }),
    client: { keepsTokens: false },
  },
  {
    name: "a directory in the prototype of a directory",
    tell: { keys: text((directory) => `{"__proto__":${directory},"constructor":${directory}}`) },
    client: MALFORMED,
  },
  {
    name: "a member twice, the second time another application's",
    tell: { keys: text((directory) => `${directory.trimEnd().slice(0, -1)},"app":"others"}`) },
    client: MALFORMED,
  },
  {
    name: "a directory that is no UTF-8",
    tell: { keys: bytes((body) => Uint8Array.of(...body.slice(0, -1), 0xff, 0x7d)) },
    client: MALFORMED,
  },
  {
    name: "a byte order mark before the directory",
    tell: { keys: bytes((body) => Uint8Array.of(0xef, 0xbb, 0xbf, ...body)) },
    client: { sent: 3 },
  },
  {
    name: "410 for the directory",
    tell: { keys: instead("gone", { status: 410 }) },
    client: { refused: ["directory status_410"], keepsTokens: false },
  },
  {
    name: "304 for a directory that was never asked about",
    tell: { keys: instead(null, { status: 304 }) },
    client: { refused: ["directory status_304"], keepsTokens: false },
  },
]);
