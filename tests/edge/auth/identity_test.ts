import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { identify, type IdentityClaims } from "../../../edge/auth/identity.ts";
import { operatorEntries } from "../../support/service/operators.ts";

const ENTRIES = [
  ...operatorEntries("admin", "email:alice@example.com", "sub:subject-7", "group:keepers for notes"),
  ...operatorEntries("reader", "group:staff"),
  ...operatorEntries("analyst", "*"),
];

function who(claims: Partial<IdentityClaims>) {
  const { name, by, entries } = identify({ sub: "9", ...claims }, ENTRIES);
  return [name, by, entries.map(({ role }) => role).join(" ")];
}

Deno.test("identify() compares each claim with entries of its name alone, and says by what somebody is known", () => {
  const bob = { email: "bob@example.com", email_verified: true };
  assertEquals(who({ email: "alice@example.com", email_verified: true }), [
    "email:alice@example.com",
    undefined,
    "admin analyst",
  ]);
  assertEquals(who({ sub: "subject-7", ...bob }), ["sub:subject-7", undefined, "admin analyst"]);
  assertEquals(who({ sub: "alice@example.com" }), ["sub:alice@example.com", "*", "analyst"]);
  assertEquals(who({ sub: "email:alice@example.com" }), ["sub:email:alice@example.com", "*", "analyst"]);
  assertEquals(who({ email: "subject-7", email_verified: true }), ["email:subject-7", "*", "analyst"]);
  assertEquals(who({ email: "alice@example.com" }), ["sub:9", "*", "analyst"]);
  assertEquals(who({ groups: ["staff", "keepers"], ...bob }), [
    "email:bob@example.com",
    "group:keepers",
    "admin reader analyst",
  ]);
  assertEquals(identify({ sub: "9" }, operatorEntries("admin", "sub:8")).entries, []);
});

Deno.test("identify() refuses a claim that would be compared as another text", () => {
  for (
    const claims of [{ sub: "" }, { sub: "\ud800" }, { groups: ["\udc00"] }, {
      email: "a\ud800@b",
      email_verified: true,
    }]
  ) {
    assertThrows(() => identify({ sub: "9", ...claims }, ENTRIES));
  }
});

Deno.test("names are short, hide nothing, and are never those of two people", () => {
  const nameOf = (sub: string) => identify({ sub }, ENTRIES).name;
  assertEquals(nameOf("al\u0456ce\u202e"), "sub:al\\u{456}ce\\u{202e}");
  assertNotEquals(nameOf("al\\u{456}ce"), nameOf("al\u0456ce"));
  const long = "x".repeat(200_000);
  assert(nameOf(long).length < 170);
  assertNotEquals(nameOf(long), nameOf(`${long}y`));
  assertNotEquals(nameOf(nameOf(long).slice("sub:".length)), nameOf(long));
});
