import { assert, assertEquals } from "@std/assert";
import { goTogether, heldBack, isMoved, requeue } from "../../../client/queue/departure.ts";
import {
  append,
  type Departure,
  type EncodedEvent,
  EVENTS,
  readAll,
  type RequestRecord,
  REQUESTS,
  type TokenRecord,
} from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";

function tokenOf(nonce: string): TokenRecord {
  return {
    nonce,
    keyId: "k",
    macKey: "m",
    uses: [0],
    notBefore: 0,
    redeemUntil: 1,
    pseudonym: "p",
    binding: "b",
  };
}

function eventOf(left?: Departure): EncodedEvent {
  return { name: "app_opened", at: 0, fields: {}, logged: {}, encoded: true, left };
}

function leftWith(...tokens: string[]): Departure {
  return { pseudonym: "p", tokens, code: "mac_invalid" };
}

Deno.test("heldBack() lets an event that has not left go anywhere", () => {
  assertEquals(heldBack(eventOf(), "p", tokenOf("a")), undefined);
  assertEquals(heldBack(eventOf(), "", undefined), undefined);
});

Deno.test("heldBack() lets an event that left go under its pseudonym alone, or without one where it had none", () => {
  assertEquals(heldBack(eventOf(leftWith("a")), "p", tokenOf("a")), undefined);
  assertEquals(heldBack(eventOf(leftWith("a")), "q", tokenOf("a")), "period_over");
  assertEquals(heldBack(eventOf(leftWith("a")), "", tokenOf("a")), "period_over");
  const unnamed = eventOf({ ...leftWith("a"), pseudonym: "" });
  assertEquals(heldBack(unnamed, "", tokenOf("a")), undefined);
  assertEquals(heldBack(unnamed, "p", tokenOf("a")), "period_over");
});

Deno.test("heldBack() lets an event go with two tokens, and says why it was not taken instead of a third", () => {
  const [once, twice] = [eventOf(leftWith("a")), eventOf(leftWith("a", "b"))];
  assertEquals([once, twice].map((event) => heldBack(event, "p", tokenOf("b"))), [undefined, undefined]);
  assertEquals(heldBack(once, "p", tokenOf("c")), undefined);
  assertEquals(heldBack(twice, "p", tokenOf("c")), "mac_invalid");
  // No token is fetched for it either.
  assertEquals(heldBack(once, "p", undefined), undefined);
  assertEquals(heldBack(twice, "p", undefined), "mac_invalid");
  // One that was refused three times is over as well, with however few tokens.
  const again = [1, 2, 3].map((refusals) => eventOf({ ...leftWith("a"), refusals }));
  assertEquals(again.map((event) => heldBack(event, "p", tokenOf("a"))), [
    undefined,
    undefined,
    "mac_invalid",
  ]);
});

Deno.test("heldBack() has no event that left go on with a token that was refused, where no pseudonym joins them anyway", () => {
  const rested = { ...tokenOf("b"), restUntil: 1 };
  const left = (pseudonym: string) => eventOf({ ...leftWith("a"), pseudonym });
  assertEquals(["", "p"].map((name) => heldBack(left(name), name, rested)), ["held", undefined]);
  assertEquals([heldBack(left(""), "", tokenOf("b")), heldBack(eventOf(), "", rested)], [
    undefined,
    undefined,
  ]);
});

Deno.test("goTogether() keeps events apart that left with other tokens, where no pseudonym joins these", () => {
  const events = [eventOf(), eventOf(leftWith()), eventOf(leftWith("a")), eventOf(leftWith("a", "b"))];
  const matrix = (pseudonym: string) =>
    events.map((a) => events.map((b) => Number(goTogether(pseudonym, a, b))).join(""));
  assertEquals(matrix("p"), ["1111", "1111", "1111", "1111"]);
  assertEquals(matrix(""), ["1100", "1100", "0010", "0001"]);
});

Deno.test("isMoved() tells whether an event left with another token", () => {
  assert(!isMoved([eventOf(), eventOf(leftWith()), eventOf(leftWith("a"))], tokenOf("a")));
  assert(isMoved([eventOf(), eventOf(leftWith("a"))], tokenOf("b")));
  assert(isMoved([eventOf(leftWith("a", "b"))], tokenOf("b")));
});

Deno.test("requeue() remembers the pseudonym, each token once, and why it was not taken", () => {
  const entries = new Entries(new Map());
  const take = (nonce: string, events: readonly EncodedEvent[]) => {
    for (const { key } of readAll(entries, EVENTS)) entries.delete(key);
    // The rest of a request has no part in it.
    const record = { pseudonym: "p", nonce, events } as unknown as RequestRecord;
    const key = append(entries, REQUESTS, record);
    requeue(
      entries,
      { key, record },
      nonce === "b" ? "key_unknown" : "body_too_large",
      nonce === "b" ? 1 : undefined,
    );
    assertEquals(readAll(entries, REQUESTS), []);
    return readAll<EncodedEvent>(entries, EVENTS).map(({ record }) => record);
  };
  const left = (tokens: string[], code: string, refusals = 0) => ({ pseudonym: "p", tokens, code, refusals });
  const once = take("a", [eventOf()]);
  assertEquals(once.map(({ left }) => left), [left(["a"], "body_too_large")] as unknown[]);
  const again = take("a", once);
  assertEquals(again, once);
  assertEquals(take("b", again).map(({ left }) => left), [left(["a", "b"], "key_unknown", 1)] as unknown[]);
});
