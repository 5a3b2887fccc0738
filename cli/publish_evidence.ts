/**
 * What is kept of documents that contradict each other: both sides whole, under the date, where no web server shows them.
 *
 * @module
 */
import { concat, toHex } from "../core/base/bytes.ts";
import { digestBody } from "../core/token/mac.ts";
import { exists } from "./stopped_store.ts";

/** Most folders of evidence: whoever lies may choose to lie differently each time. */
const MAX_KEPT = 100;
/** Characters of a digest that tell one lie from another. */
const SHORT_DIGEST = 12;

/** Documents by the names of their files. */
export type Documents = ReadonlyMap<string, Uint8Array>;

/** Where the evidence about a published folder lies: beside it, and nobody else may read it. */
export function evidenceOf(out: string): string {
  return `${out.replace(/\/+$/, "")}.evidence`;
}

/** The folders of evidence that are there, the oldest first. */
export async function keptEvidence(out: string): Promise<string[]> {
  const folder = evidenceOf(out);
  if (!await exists(folder)) return [];
  return (await Array.fromAsync(Deno.readDir(folder))).filter((entry) => entry.isDirectory)
    .map(({ name }) => name).sort();
}

/**
 * Keeps what was published before and what is shown now. What is shown for the second time is there already.
 * @returns The folder; undefined where there are too many of them.
 */
export async function keepEvidence(
  out: string,
  { published, shown }: { readonly published: Documents; readonly shown: Documents },
): Promise<string | undefined> {
  const digest = toHex(digestBody(concat(...shown.values()))).slice(0, SHORT_DIGEST);
  const kept = await keptEvidence(out);
  const same = kept.find((name) => name.endsWith(`-${digest}`));
  if (same !== undefined) return `${evidenceOf(out)}/${same}`;
  if (kept.length >= MAX_KEPT) return undefined;
  const moment = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  const folder = `${evidenceOf(out)}/${moment}-${digest}`;
  for (const [side, documents] of Object.entries({ published, shown })) {
    await Deno.mkdir(`${folder}/${side}`, { recursive: true, mode: 0o700 });
    for (const [name, body] of documents) await Deno.writeFile(`${folder}/${side}/${name}`, body);
  }
  return folder;
}
