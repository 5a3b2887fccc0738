import { assertThrows } from "@std/assert";
import { parseSchema } from "../../../client/base/collection.ts";

Deno.test("parseSchema() refuses what is no schema of the application", () => {
  for (
    const text of [
      "{",
      "null",
      "[]",
      '{"app":"notes"}',
      '{"app":"other","events":[]}',
      '{"app":"notes","events":[{"name":"a"}]}',
      '{"app":"notes","events":[],"pseudonym-seconds":0}',
      '{"app":"notes","events":[],"granularity-seconds":"60"}',
    ]
  ) {
    assertThrows(() => parseSchema(text, "notes"), Error, undefined, text);
  }
});
