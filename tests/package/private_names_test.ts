/** Which `#name` of a source the package replaces. */
import { assertEquals, assertThrows } from "@std/assert";
import { withoutPrivateNames } from "../../package/sources.ts";

Deno.test("a private name is replaced where it is one, not in a text, a pattern or a comment", () => {
  const rest = "const a = ['x #word', \"#word\", `a #word`, /b #word/]; // say #word\n";
  assertEquals(
    withoutPrivateNames(`${rest}class A { #word = 1; get() { return \`#word ${"${this.#word}"}\`; } }`),
    `${rest}class A { _$_word = 1; get() { return \`#word ${"${this._$_word}"}\`; } }`,
  );
  assertThrows(
    () => withoutPrivateNames("class A { #a; static is(b) { return #a in b; } }"),
    Error,
    "#a in b",
  );
});
