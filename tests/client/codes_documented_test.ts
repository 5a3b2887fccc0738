/** The tables of codes in docs/client.md against the unions of client/base/codes.ts. */
import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const source = await Deno.readTextFile(new URL("client/base/codes.ts", ROOT));
const page = await Deno.readTextFile(new URL("docs/client.md", ROOT));

/** The members of a union, those of other unions in it included. */
function membersOf(union: string): string[] {
  const text = new RegExp(`export type ${union} =([^;]*);`).exec(source)?.[1] ?? "";
  return [...text.matchAll(/^ {2}\| (.+)$/gm)].flatMap(([, member = ""]) => {
    if (member.startsWith("`status_")) return ["status_..."];
    return member.startsWith('"') ? [member.slice(1, -1)] : membersOf(member);
  });
}

/** The codes in the first column of a section's table. */
function codesOf(section: string): string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(section)) ?? "";
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)
  );
}

for (
  const [section, union] of [["Codes of `dropped`", "DropReason"], ["Codes of `refused`", "RefusalCode"]]
) {
  Deno.test(`docs/client.md lists each member of ${union} once, and nothing else`, () => {
    assertEquals(codesOf(section!).toSorted(), membersOf(union!).toSorted());
  });
}
