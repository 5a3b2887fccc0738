import { assertEquals } from "@std/assert";
import { fitTogether, GroupSize } from "../../../core/ledger/group_size.ts";

const LIMIT = {
  fits: (claims: number, guards: number, bytes: number) => claims + guards <= 5 && bytes <= 1_000,
};
const [ONE, OTHER] = [1, 2].map((ordinal) => ({ key: ["a", ordinal], stamp: "0" }));

Deno.test("a group takes items until there is no room for one more", () => {
  const size = new GroupSize(LIMIT);
  const taken = Array.from({ length: 6 }, () => size.takes({ guard: ONE!, bytes: 1 }));
  assertEquals(taken, [true, true, true, true, false, false]);
});

Deno.test("a guard takes room once, and each guard does", () => {
  const size = new GroupSize(LIMIT);
  const taken = [ONE!, OTHER!, ONE!, OTHER!].map((guard) => size.takes({ guard, bytes: 1 }));
  assertEquals(taken, [true, true, true, false]);
});

Deno.test("an item that is too large leaves room for a smaller one", () => {
  const size = new GroupSize(LIMIT);
  const taken = [600, 401, 400, 1].map((bytes) => size.takes({ guard: ONE!, bytes }));
  assertEquals(taken, [true, false, true, false]);
});

Deno.test("an item that is too large for any group is one by itself", () => {
  const huge = { guard: ONE!, bytes: 5_000 };
  const size = new GroupSize(LIMIT);
  assertEquals([size.takes(huge), size.takes({ guard: ONE!, bytes: 0 })], [true, false]);
  assertEquals(fitTogether([huge], LIMIT), true);
  assertEquals(fitTogether([huge, { guard: ONE!, bytes: 0 }], LIMIT), false);
  assertEquals(fitTogether([], LIMIT), true);
});
