import { assertEquals } from "@std/assert";
import type { TokenRecord } from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";
import {
  dropTokens,
  keepToken,
  lastFirstSend,
  restTokens,
  spendableTokens,
  takeUse,
  trustToken,
  usesLeft,
} from "../../../client/tokens/wallet.ts";

const NOW = 1_800_000_000;

function token(nonce: string, changes: Partial<TokenRecord> = {}): TokenRecord {
  return {
    keyId: "key",
    nonce,
    macKey: "mac",
    uses: [3, 1, 2],
    notBefore: NOW - 1000,
    redeemUntil: NOW + 100_000,
    pseudonym: "p",
    binding: "r",
    ...changes,
  };
}

function walletOf(...tokens: TokenRecord[]): Entries {
  const entries = new Entries(new Map());
  for (const each of tokens) keepToken(entries, each);
  return entries;
}

/** A clock that stands still. */
const at = (seconds: number) => ({ now: () => seconds * 1000, seconds: () => seconds });

const nonces = (entries: Entries, pseudonym = "p", now = NOW) =>
  spendableTokens(entries, pseudonym, at(now)).map(({ nonce }) => nonce);

Deno.test("takeUse() spends the uses in their order, each once, and then has none", () => {
  const entries = walletOf(token("a"));
  const uses = Array.from(
    { length: 4 },
    () => takeUse(entries, spendableTokens(entries, "p", at(NOW))[0])?.use,
  );
  assertEquals(uses, [2, 1, 3, undefined]);
});

Deno.test("takeUse() leaves nothing of a token whose last use it is to be", () => {
  const entries = walletOf(token("a"));
  assertEquals(takeUse(entries, spendableTokens(entries, "p", at(NOW))[0], true)?.use, 2);
  assertEquals(spendableTokens(entries, "p", at(NOW)), []);
});

Deno.test("spendableTokens() has the tokens of one pseudonym, and another pseudonym ends them", () => {
  const entries = walletOf(token("a"));
  takeUse(entries, spendableTokens(entries, "p", at(NOW))[0]);
  assertEquals(usesLeft(spendableTokens(entries, "p", at(NOW))), 2);
  assertEquals(nonces(entries, "other"), []);
  assertEquals(entries.keys("token/"), []);
});

Deno.test("spendableTokens() has no token that nothing binds, as clients of before stored them", () => {
  for (const pseudonym of ["p", undefined]) {
    const entries = walletOf(token("a", { pseudonym, binding: undefined }));
    assertEquals(nonces(entries), []);
    assertEquals(entries.keys("token/"), []);
  }
});

Deno.test("spendableTokens() has unbound tokens alone where no pseudonym is collected", () => {
  const unbound = { binding: undefined };
  const entries = walletOf(
    token("bound"),
    token("of another schema", { ...unbound, pseudonym: "p" }),
    token("new", { ...unbound, pseudonym: "" }),
    token("of a client of before", { ...unbound, pseudonym: undefined }),
  );
  assertEquals(nonces(entries, "").toSorted(), ["new", "of a client of before"]);
});

Deno.test("spendableTokens() goes on with the token that ends first, then with one in use", () => {
  const entries = walletOf(
    token("late", { redeemUntil: NOW + 300_000 }),
    token("fresh", { redeemUntil: NOW + 90_000 }),
    token("used", { redeemUntil: NOW + 90_000, uses: [1] }),
  );
  assertEquals(nonces(entries), ["used", "fresh", "late"]);
});

Deno.test("lastFirstSend() keeps the last 10 minutes of a key free, or its last tenth", () => {
  assertEquals(lastFirstSend({ keyId: "", notBefore: 0, redeemUntil: 86_400 }), 85_800);
  assertEquals(lastFirstSend({ keyId: "", notBefore: 0, redeemUntil: 100 }), 90);
});

Deno.test("spendableTokens() has no token of the last 10 minutes, and none before its time", () => {
  const last = NOW + 600;
  assertEquals(nonces(walletOf(token("a", { notBefore: 0, redeemUntil: last }))), []);
  assertEquals(nonces(walletOf(token("a", { notBefore: 0, redeemUntil: last + 1 }))), ["a"]);
  const early = walletOf(token("a", { notBefore: NOW + 1 }));
  assertEquals(nonces(early), []);
  assertEquals(nonces(early, "p", NOW + 1), ["a"]);
});

Deno.test("restTokens() lays tokens aside for less than an hour, and then they come after all others", () => {
  const entries = walletOf(token("refused", { uses: [1] }), token("fresh"));
  entries.set("directory", '{"text":"key"}');
  restTokens(entries, at(NOW), ({ nonce }) => nonce === "refused");
  assertEquals(nonces(entries), ["fresh"]);
  assertEquals(nonces(entries, "p", NOW + 3_600), ["fresh", "refused"]);
  // A device's clock that is set back ends the rest.
  assertEquals(nonces(entries, "p", NOW - 900), ["fresh", "refused"]);
  // One that is taken is like any other.
  trustToken(entries, "refused");
  assertEquals(nonces(entries), ["refused", "fresh"]);
  restTokens(entries, at(NOW), ({ nonce }) => nonce === "refused");
  // None is tried of a key that is not listed: it may be revoked.
  entries.set("directory", "{}");
  assertEquals(nonces(entries, "p", NOW + 3_600), ["fresh"]);
});

Deno.test("dropTokens() deletes the tokens that are meant", () => {
  const entries = walletOf(token("a"), token("b", { keyId: "revoked" }));
  dropTokens(entries, ({ keyId }) => keyId === "revoked");
  assertEquals(nonces(entries), ["a"]);
});
