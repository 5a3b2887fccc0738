import { assertEquals } from "@std/assert";
import { visibleName, visibleText } from "../../../core/base/visible_text.ts";

Deno.test("visibleText() shows what is hidden or turns the text around it, and leaves the rest of any language", () => {
  for (
    const [text, shown] of [
      ["The key leaked; drill.", "The key leaked; drill."],
      ["Schlüssel für 鍵, naïve 🔑", "Schlüssel für 鍵, naïve 🔑"],
      ["a\nb\tc\0", "a\\u{a}b\\u{9}c\\u{0}"],
      ["admin\u202enimda\u2066x\u2069", "admin\\u{202e}nimda\\u{2066}x\\u{2069}"],
      ["a\u200bb\u00adc\ufeffd\u2028e\u3164f", "a\\u{200b}b\\u{ad}c\\u{feff}d\\u{2028}e\\u{3164}f"],
      ["a\u00a0b\u2003c", "a\\u{a0}b\\u{2003}c"],
      ["\ud800x\u{e0041}", "\\u{d800}x\\u{e0041}"],
    ] as const
  ) {
    assertEquals(visibleText(text), shown);
    assertEquals(visibleText(shown), shown, "once is enough");
  }
});

Deno.test("visibleName() shows letters of other alphabets, which look like ours, and spaces that nobody sees", () => {
  for (
    const [name, shown] of [
      ["email:alice@example.com", "email:alice@example.com"],
      ["sub:Jürgen Åström", "sub:Jürgen Åström"],
      // Cyrillic, Greek, fullwidth, mathematical, a dotless i, a combining mark.
      ["\u0430lice", "\\u{430}lice"],
      ["alic\u03b5", "alic\\u{3b5}"],
      ["\uff41lice", "\\u{ff41}lice"],
      ["\u{1d41a}lice", "\\u{1d41a}lice"],
      ["al\u0131ce", "al\\u{131}ce"],
      ["alice\u0301", "alice\\u{301}"],
      [" alice  b ", "\\u{20}alice\\u{20} b\\u{20}"],
      ["\u202ealice\n", "\\u{202e}alice\\u{a}"],
    ] as const
  ) {
    assertEquals(visibleName(name), shown);
    assertEquals(visibleName(shown), shown, "once is enough");
  }
});
