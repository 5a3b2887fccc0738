import { assertEquals } from "@std/assert";
import type { AuditEntry } from "../../core/operations/audit_log.ts";
import { trailLines } from "../../cli/trail_lines.ts";

const AT = { atSeconds: Date.UTC(2027, 0, 15) / 1000, previous: "", digest: "" };

Deno.test("trailLines() says who did what by which right, and hides nothing", () => {
  const entries: AuditEntry[] = [
    {
      ...AT,
      number: 4,
      operator: "token:reader",
      via: "api",
      action: "POST /x",
      refused: "role_insufficient",
    },
    { ...AT, number: 3, of: 1, outcome: "done" },
    { ...AT, number: 5, operator: 'sub:7 by "group:keepers"', by: "*", via: "console", action: "sign in" },
    { ...AT, number: 2, operator: "\u202eb\u043eb", via: "console", action: "sign in" },
    {
      ...AT,
      number: 1,
      operator: "sub:7",
      by: "group:keepers",
      via: "console",
      action: "POST /y",
      details: "a\u202eb\x1b[2J",
    },
  ];
  assertEquals(trailLines(entries), [
    "2027-01-15T00:00:00Z  token:reader  api  POST /x (refused: role_insufficient)",
    '2027-01-15T00:00:00Z  "sub:7 by \\"group:keepers\\"" by *  console  sign in',
    "2027-01-15T00:00:00Z  \\u{202e}b\\u{43e}b  console  sign in",
    "2027-01-15T00:00:00Z  sub:7 by group:keepers  console  POST /y (done)  a\\u{202e}b\\u{1b}[2J",
  ]);
});
