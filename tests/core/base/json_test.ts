import { assertEquals, assertThrows } from "@std/assert";
import { parseWellFormedJson } from "../../../core/base/json.ts";

Deno.test("parseWellFormedJson() refuses a lone surrogate in any string and any name, however deep", () => {
  const deep = (inner: string) => "[".repeat(20_000) + inner + "]".repeat(20_000);
  for (
    const text of [
      String.raw`"\ud800"`,
      String.raw`{"a":[{"b":"x\uDBFFy"}]}`,
      String.raw`{"a":{"\udc00":1}}`,
      deep(String.raw`"\ud83d"`),
    ]
  ) {
    assertThrows(() => parseWellFormedJson(text), SyntaxError, "lone surrogate");
  }
});

Deno.test("parseWellFormedJson() takes pairs, escapes of escapes, and whatever JSON.parse() takes", () => {
  for (const text of [String.raw`"\ud83d\ude00"`, String.raw`"\\ud800"`, '{"a":[1,null,true,"ü"]}', "7"]) {
    assertEquals(parseWellFormedJson(text), JSON.parse(text));
  }
  assertThrows(() => parseWellFormedJson("{"), SyntaxError);
});
