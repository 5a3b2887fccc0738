/** Lies about the chain of keys. */
import { toBase64url } from "../../../core/base/bytes.ts";
import { keyLeaf, nextLink } from "../../../core/token/key_chain.ts";
import { digestBody } from "../../../core/token/mac.ts";
import { type Document, document, instead } from "../answers.ts";
import { rows } from "../table.ts";

const DAYS = 86_400;

/** The true keys in a chain that starts from another past: each link follows from the one before it. */
function anotherPast(directory: Document): void {
  let link: Uint8Array = new Uint8Array(32).fill(7);
  for (const key of directory["token-keys"]) {
    const leaf = keyLeaf(directory.app, {
      tokenType: key["token-type"],
      publicKey: key["token-key"],
      region: key.region,
      epoch: key.epoch,
      generation: key.generation,
      notBefore: key["not-before"],
      issueUntil: key["issue-until"],
      redeemUntil: key["redeem-until"],
    });
    link = nextLink(link, leaf);
    key.chain = toBase64url(link);
  }
}

function ofEachKey(change: (key: Document, at: number) => void) {
  return document((directory) => void directory["token-keys"].forEach(change));
}

const withoutLinks = ofEachKey((key) => {
  delete key.chain;
  delete key["chain-number"];
});

export const KEY_CHAIN_LIES = rows("directory", [
  {
    name: "links that do not follow from each other",
    tell: { keys: ofEachKey((key, at) => key.chain = toBase64url(new Uint8Array(32).fill(at))) },
    client: { refused: ["directory key_changed"], keepsTokens: false },
  },
  {
    name: "two keys under one number",
    tell: { keys: ofEachKey((key) => key["chain-number"] = 7) },
    client: { refused: ["directory key_changed"], keepsTokens: false },
  },
  {
    name: "links that are none",
    tell: { keys: ofEachKey((key) => key.chain = "=".repeat(43)) },
    client: { refused: ["directory malformed"], keepsTokens: false },
  },
  {
    name: "another past of the true keys, after it has seen theirs",
    tell: { keys: document(anotherPast) },
    before: 1,
    later: 2 * DAYS,
    client: { refused: ["directory key_changed"], sent: 3 },
  },
  {
    name: "another past of the true keys, at first contact",
    tell: { keys: document(anotherPast) },
    // It cannot know, and the keys are those of everybody.
    client: { sent: 3 },
  },
  {
    name: "another past of the true keys, beside a mirror",
    tell: { keys: document(anotherPast) },
    mirror: true,
    client: { refused: ["directory mirror_conflict"], keepsTokens: false },
  },
  {
    name: "another past of the true keys, at first contact of an app with a pin",
    tell: { keys: document(anotherPast) },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
  {
    name: "keys of its own, at first contact of an app with a pin",
    tell: { keys: ({ other }) => other() },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
  {
    name: "keys of its own with their history, at first contact of an app with a pin",
    tell: { keys: ({ other }) => other(), history: ({ other }) => other() },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
  {
    name: "keys without links, to an app with a pin",
    tell: { keys: withoutLinks },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
  {
    name: "keys without links, as services of before have them",
    tell: { keys: withoutLinks },
    client: { sent: 3 },
  },
  {
    name: "numbers that leap, as in a store that was put back",
    tell: { keys: ofEachKey((key) => key["chain-number"] += 1_000_000) },
    client: { sent: 3 },
  },
  {
    name: "no history, at first contact of an app with a pin",
    tell: { history: instead("{}") },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
  {
    name: "a key of its own in the place of the oldest, under the true link, to an app with a pin",
    tell: {
      keys: ofEachKey((key, at) => {
        if (at > 0) return;
        const mine = new Uint8Array(32).fill(7);
        key["token-key"] = toBase64url(mine);
        key["token-key-id"] = toBase64url(digestBody(mine));
      }),
    },
    pinned: true,
    client: { refused: ["directory not_pinned"], keepsTokens: false },
  },
]);
