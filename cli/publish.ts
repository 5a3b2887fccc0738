// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What `deno task keys publish` does: it fetches the public documents of an application as any client does, holds them
 * against what it wrote the time before, and writes the very bytes for any host of files. It needs no right, so that
 * somebody other than the operator can run it.
 *
 * @module
 */
import { parseSchema } from "../client/base/collection.ts";
import { MAX_DOCUMENT_BYTES } from "../client/http/document.ts";
import { concat, toBase64url, toHex } from "../core/base/bytes.ts";
import { digestBody } from "../core/token/mac.ts";
import { CommandError } from "./admin_api.ts";
import { linksOf, readHistory } from "./key_history.ts";
import { evidenceOf, keepEvidence, keptEvidence } from "./publish_evidence.ts";
import {
  type Allowed,
  Contradiction,
  readDirectory,
  requireInHistory,
  requireLeadsOn,
  type ShownKeys,
} from "./published_keys.ts";

/** What is published. */
export interface Publication extends Allowed {
  /** Where the service is mounted. */
  readonly from: string;
  /** The application. */
  readonly app: string;
  /** The folder. */
  readonly out: string;
}

/** The files, and where under the application their documents are. */
const DOCUMENTS = { "schema.json": "schema", "keys.json": "keys", "history.json": "keys/history" } as const;
type Name = keyof typeof DOCUMENTS;
const NAMES = Object.keys(DOCUMENTS) as Name[];
const DEADLINE_MS = 30_000;

type Documents = ReadonlyMap<Name, Uint8Array<ArrayBuffer>>;

/**
 * Writes the documents of an application with their digests.
 * @throws {CommandError} If they contradict each other, or what was published before: then nothing of that is replaced,
 * and both sides are kept as evidence.
 */
export async function publish(publication: Publication): Promise<void> {
  const { app, out } = publication;
  const fetched = new Map<Name, Uint8Array<ArrayBuffer>>();
  // The history last: it has every key that the directory lists.
  for (const name of NAMES) fetched.set(name, await fetchDocument(publication, DOCUMENTS[name]));
  requireSchema(textOf(fetched, "schema.json"), app);
  const shown = keysOf(fetched, app, "the service's");
  if (shown.history.app !== app) throw new CommandError("The history is of another application.");
  const published = await readPublished(out);
  try {
    requireInHistory(shown);
    if (published.has("history.json") || published.has("keys.json")) {
      requireLeadsOn(out, keysOf(published, shown.history.app, `${out}'s`), shown, publication);
    }
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    throw new CommandError(`${error.message} ${await saidOfEvidence(out, published, fetched)}`);
  }
  await Deno.mkdir(out, { recursive: true });
  if (publication.chainStartsAnew && published.size > 0) {
    const kept = await keepEvidence(out, { published, shown: fetched });
    if (kept === undefined) throw new CommandError(`Move what lies in ${evidenceOf(out)} away first.`);
  }
  const sums: string[] = [];
  for (const [name, body] of fetched) {
    await replaceFile(`${out}/${name}`, body);
    sums.push(`${toHex(digestBody(body))}  ${name}`);
  }
  await replaceFile(`${out}/SHA256SUMS`, new TextEncoder().encode(`${sums.join("\n")}\n`));
  for (const line of sums) console.log(line);
  const newest = linksOf(shown.history).at(-1);
  if (newest !== undefined) {
    console.log(`keyPin of region ${shown.history.region}: ${toBase64url(newest.link)}`);
  }
  const kept = (await keptEvidence(out)).length;
  if (kept > 0) {
    console.log(
      `In ${evidenceOf(out)} lies what ${kept} run${
        kept === 1 ? "" : "s"
      } before could not be reconciled with: ` +
        "let a person look, and move it away afterwards.",
    );
  }
}

/** Keeps both sides, and says where. */
async function saidOfEvidence(out: string, published: Documents, shown: Documents): Promise<string> {
  const folder = await keepEvidence(out, { published, shown });
  const nothing = `Nothing in ${out} was replaced;`;
  return folder === undefined
    ? `${nothing} what is shown now was not kept any more, as there are so many in ${evidenceOf(out)}.`
    : `${nothing} both sides lie in ${folder}: keep them, together they are the evidence.`;
}

function textOf(documents: Documents, name: Name): string {
  return new TextDecoder().decode(documents.get(name));
}

function keysOf(documents: Documents, app: string, whose: string): ShownKeys {
  return {
    directory: readDirectory(textOf(documents, "keys.json"), app, `${whose} directory`),
    history: readHistory(textOf(documents, "history.json"), `${whose} history`),
  };
}

/** Requires a schema that clients read: no chain tells what it was before, so whatever else were shown would be published. */
function requireSchema(text: string, app: string): void {
  try {
    parseSchema(text, app);
  } catch {
    throw new CommandError("Clients would refuse the schema: it is none, or another application's.");
  }
}

/** What was published before; nothing where the folder is not there. */
async function readPublished(out: string): Promise<Documents> {
  const published = new Map<Name, Uint8Array<ArrayBuffer>>();
  for (const name of NAMES) {
    try {
      published.set(name, await Deno.readFile(`${out}/${name}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return published;
}

async function fetchDocument({ from, app }: Publication, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${from.replace(/\/+$/, "")}/v1/apps/${encodeURIComponent(app)}/${path}`;
  if (!/^https?:$/.test(URL.parse(from)?.protocol ?? "")) {
    throw new CommandError("Give --from the https:// URL of the service.");
  }
  const response = await fetch(url, {
    redirect: "error",
    headers: { "cache-control": "no-cache" },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Whoever runs this need not trust the service.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) throw new CommandError(`${url} is longer than clients read.`);
  }
  const body = concat(...chunks);
  if (response.status !== 200) throw new CommandError(`${url} is answered with ${response.status}.`);
  const etag = response.headers.get("etag")?.replace(/^W\//, "");
  if (etag !== `"${toBase64url(digestBody(body))}"`) {
    throw new CommandError(`The ETag of ${url} is not the digest of what it gives: clients would refuse it.`);
  }
  return body;
}

/** Whoever reads the file meanwhile has the one before or the new one, whole. */
async function replaceFile(path: string, body: Uint8Array): Promise<void> {
  await Deno.writeFile(`${path}.new`, body);
  await Deno.rename(`${path}.new`, path);
}
