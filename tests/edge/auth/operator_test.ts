import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { type About, operatorFor, type SignedIn } from "../../../edge/auth/operator.ts";
import type { OperatorRole } from "../../../edge/auth/operator_entries.ts";
import { operatorEntries } from "../../support/service/operators.ts";

const ALICE: SignedIn = {
  name: "sub:a",
  via: "console",
  entries: [
    ...operatorEntries("admin", "sub:a for notes"),
    ...operatorEntries("reader", "group:staff for notes+vault"),
    ...operatorEntries("analyst", "*"),
  ],
};

function answered(signedIn: SignedIn, about: About, least: OperatorRole) {
  try {
    const { role, apps } = operatorFor(signedIn, { about, least });
    return apps === undefined ? role : `${role} of ${[...apps].sort()}`;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

Deno.test("operatorFor() gives the highest role that entries give where a request goes", () => {
  const expected: [About, OperatorRole, string][] = [
    [{ app: "notes" }, "admin", "admin"],
    [{ app: "vault" }, "reader", "reader"],
    [{ app: "vault" }, "admin", "role_insufficient"],
    [{ app: "other" }, "analyst", "analyst"],
    [{ app: "other" }, "reader", "role_insufficient"],
    ["each", "analyst", "admin"],
    ["each", "reader", "admin of notes,vault"],
    ["each", "admin", "admin of notes"],
    ["whole", "analyst", "analyst"],
    ["whole", "reader", "role_insufficient"],
  ];
  for (const [about, least, result] of expected) {
    assertEquals(answered(ALICE, about, least), result, JSON.stringify([about, least]));
  }
});

Deno.test("operatorFor() knows no application that is not theirs, and nothing of the whole", () => {
  const bob = { ...ALICE, entries: operatorEntries("admin", "sub:b for notes") };
  assertEquals(answered(bob, { app: "vault" }, "analyst"), "app_unknown");
  assertEquals(answered(bob, { app: "none" }, "admin"), "app_unknown");
  assertEquals(answered(bob, "whole", "analyst"), "role_insufficient");
  const { message } = assertThrows(() => operatorFor(bob, { about: "whole", least: "reader" }), Refusal);
  assertEquals(message, "This is about all applications, and you are an operator of some.");
});
