import { assertEquals, assertThrows } from "@std/assert";
import { family, familyNames } from "../../../core/store/families.ts";

const TALLIES = family<[app: string, day: number]>("t", "daily tallies");

Deno.test("family() spells keys and ranges behind its letter", () => {
  assertEquals(TALLIES.key("notes", 3), ["t", "notes", 3]);
  assertEquals(TALLIES.all(), { prefix: ["t"] });
  assertEquals(TALLIES.prefix("notes"), { prefix: ["t", "notes"] });
  assertEquals(TALLIES.range(["notes", 3], ["notes"]), { start: ["t", "notes", 3], end: ["t", "notes"] });
});

Deno.test("beginning() covers exactly the bytes that begin so", () => {
  const ids = family<[id: Uint8Array]>("c", "ids");
  const endOf = (...bytes: number[]) => {
    const range = ids.beginning(Uint8Array.from(bytes));
    return "end" in range ? range.end : undefined;
  };
  assertEquals(endOf(0, 0), ["c", Uint8Array.of(0, 1)]);
  assertEquals(endOf(0, 255), ["c", Uint8Array.of(1, 0)]);
  assertEquals(endOf(1, 255, 255), ["c", Uint8Array.of(2, 0, 0)]);
  assertEquals(endOf(255, 255), ["c", Uint8Array.of(255, 255, 255)]);
});

Deno.test("familyNames() refuses a letter that is taken, and a name", () => {
  const claims = family<[]>("c", "claimed uses");
  assertEquals(familyNames([TALLIES, claims]), new Map([["t", "daily tallies"], ["c", "claimed uses"]]));
  assertThrows(
    () => familyNames([claims, TALLIES, family<[]>("c", "cats")]),
    Error,
    'The letter "c" is taken by two families of keys: "claimed uses" and "cats".',
  );
  assertThrows(
    () => familyNames([claims, family<[]>("d", "claimed uses")]),
    Error,
    'Two families of keys are called "claimed uses".',
  );
});
