/**
 * What docs/postgresql.md has an operator run.
 *
 * @module
 */
import { readPages } from "../http/documents.ts";

/** The blocks of SQL of a section of docs/postgresql.md. */
export async function statementsOf(heading: string): Promise<string[]> {
  const page = (await readPages()).find(({ path }) => path === "docs/postgresql.md");
  const [, after = ""] = page?.text.split(`\n## ${heading}\n`) ?? [];
  const [section = ""] = after.split(/^## /m);
  return [...section.matchAll(/^```sql\n([^`]*)^```$/gm)].map(([, text = ""]) => text);
}
