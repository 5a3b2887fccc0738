/** Lies about the calendar of keys, and entries of one client's own. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { type Document, document } from "../answers.ts";
import { rows } from "../table.ts";

const MALFORMED = { refused: ["directory malformed"], keepsTokens: false };
const TOO_MANY = { refused: ["directory too_many_keys"], keepsTokens: false };
/** It goes on with the keys that were published ahead. */
const CHANGED = { refused: ["directory key_changed"], sent: 3 };
const CONFLICT = { refused: ["directory mirror_conflict"], keepsTokens: false };

/** An entry that is right in itself, but for what a lie makes of it. */
function entry(directory: Document, index: number, changes: Record<string, unknown> = {}): Document {
  const [{ "chain-number": _number, chain: _chain, ...key }] = directory["token-keys"];
  const publicKey = sha256(utf8(`${index}`));
  const epoch = Number(changes.epoch ?? key.epoch);
  const seconds = directory["epoch-seconds"];
  const dates = {
    "not-before": epoch * seconds,
    "issue-until": (epoch + 1) * seconds,
    "redeem-until": (epoch + 2) * seconds,
  };
  const id = { "token-key": toBase64url(publicKey), "token-key-id": toBase64url(sha256(publicKey)) };
  return { ...key, ...id, ...dates, ...changes };
}

/** A directory with so many more keys. */
const more = (count: number, changes: (index: number, epoch: number) => Record<string, unknown>) => ({
  keys: document((directory) => {
    const epoch = directory["token-keys"][0].epoch;
    for (let index = 1; index <= count; index++) {
      directory["token-keys"].push(entry(directory, index, changes(index, epoch)));
    }
  }),
});

/** A directory with every entry changed. */
const every = (change: (key: Document, epochSeconds: number) => unknown) => ({
  keys: document((directory) => {
    for (const key of directory["token-keys"]) change(key, directory["epoch-seconds"]);
  }),
});

/** After an honest visit two days before. */
const later = { before: 1, later: 2 * 86_400 };

export const KEY_LIES = rows("directory", [
  {
    name: "256 keys, of one epoch",
    tell: more(252, (index) => ({ generation: index })),
    client: TOO_MANY,
  },
  {
    name: "a key for each of 256 epochs",
    tell: more(252, (index, epoch) => ({ epoch: epoch + 3 + index })),
    client: MALFORMED,
  },
  {
    name: "an epoch a million ahead",
    tell: more(1, (_index, epoch) => ({ epoch: epoch + 1_000_000 })),
    client: MALFORMED,
  },
  { name: "an epoch of 1970", tell: more(1, () => ({ epoch: 0 })), client: MALFORMED },
  {
    name: "keys of 17 regions",
    tell: more(16, (index) => ({ region: `r${index}` })),
    client: TOO_MANY,
  },
  {
    name: "a key that begins a second late, for one client",
    tell: every((key) => key["not-before"]++),
    client: MALFORMED,
  },
  {
    name: "a key that stops a second early, for one client",
    tell: every((key) => key["issue-until"]--),
    client: MALFORMED,
  },
  {
    name: "a key that redeems for a second of one client's own",
    tell: every((key) => key["redeem-until"] += 4711),
    client: MALFORMED,
  },
  {
    name: "epochs of a year",
    tell: { keys: document((directory) => ({ ...directory, "epoch-seconds": 366 * 86_400 })) },
    client: MALFORMED,
  },
  {
    name: "an issuer of its own for one client, after it has seen another",
    tell: { keys: document((directory) => ({ ...directory, issuer: "client-4711.example" })) },
    ...later,
    // Where it is told at first contact.
    client: { ...CHANGED, wastesQuota: true },
  },
  {
    name: "an overlap of its own for one client, after it has seen another",
    tell: every((key, seconds) => key["redeem-until"] += seconds),
    ...later,
    client: CHANGED,
  },
  {
    name: "another type under the names that it has seen",
    tell: every((key) => key["token-type"] = 1),
    ...later,
    client: CHANGED,
  },
  {
    name: "an overlap of its own for one client, beside an honest mirror",
    tell: every((key, seconds) => key["redeem-until"] += seconds),
    mirror: true,
    client: CONFLICT,
  },
  {
    name: "a quota of its own for one client, beside an honest mirror",
    tell: { keys: document((directory) => ({ ...directory, "tokens-per-client": 1 })) },
    mirror: true,
    client: CONFLICT,
  },
  {
    name: "a third replacement for one client, which it passes over",
    tell: more(1, () => ({ generation: 3 })),
    client: { sent: 3 },
  },
]);
