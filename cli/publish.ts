// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What `deno task keys publish` does: it fetches the public documents of an application as any client does, holds them
 * against what it wrote the time before, and writes the very bytes for any host of files. It needs no right, so that
 * somebody other than the operator can run it.
 *
 * @module
 */
import { type Directory, parseDirectory } from "../client/http/directory.ts";
import { concat, equalPublic, toBase64url, toHex } from "../core/base/bytes.ts";
import { keyLeaf } from "../core/token/key_chain.ts";
import { digestBody } from "../core/token/mac.ts";
import { CommandError } from "./admin_api.ts";
import { linksOf, type PublishedHistory, readHistory } from "./key_history.ts";

/** What is published. */
export interface Publication {
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
/** Most bytes of a document that clients read. */
const MAX_BYTES = 524_288;
const DEADLINE_MS = 30_000;
/** What clients are served that differs from what was published lies beside it under this ending. */
const CONFLICT = ".conflict";

/**
 * Writes the documents of an application with their digests.
 * @throws {CommandError} If they contradict each other, or what was published before: then nothing of that is replaced,
 * and what was fetched lies beside it.
 */
export async function publish(publication: Publication): Promise<void> {
  const { out } = publication;
  const fetched = new Map<Name, Uint8Array<ArrayBuffer>>();
  // The history last: it has every key that the directory lists.
  for (const name of NAMES) fetched.set(name, await fetchDocument(publication, DOCUMENTS[name]));
  await Deno.mkdir(out, { recursive: true });
  const text = (name: Name) => new TextDecoder().decode(fetched.get(name));
  const history = readHistory(text("history.json"), "The history");
  if (history.app !== publication.app) throw new CommandError("The history is of another application.");
  requireInHistory(text("keys.json"), history);
  const before = await readIfThere(`${out}/history.json`);
  if (before !== undefined && forks(readHistory(before, `${out}/history.json`), history)) {
    for (const [name, body] of fetched) await Deno.writeFile(`${out}/${name}${CONFLICT}`, body);
    throw new CommandError(
      `The service shows other keys than those that lie in ${out}, under the same numbers. Nothing there was replaced; ` +
        `what it shows now lies beside it in files that end in ${CONFLICT}. Keep both: together they are the evidence.`,
    );
  }
  const sums: string[] = [];
  for (const [name, body] of fetched) {
    await replaceFile(`${out}/${name}`, body);
    sums.push(`${toHex(digestBody(body))}  ${name}`);
  }
  await replaceFile(`${out}/SHA256SUMS`, new TextEncoder().encode(`${sums.join("\n")}\n`));
  for (const line of sums) console.log(line);
  const newest = linksOf(history).at(-1);
  if (newest !== undefined) console.log(`keyPin of region ${history.region}: ${toBase64url(newest.link)}`);
}

async function fetchDocument({ from, app }: Publication, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${from.replace(/\/+$/, "")}/v1/apps/${encodeURIComponent(app)}/${path}`;
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
    if (length > MAX_BYTES) throw new CommandError(`${url} is longer than clients read.`);
  }
  const body = concat(...chunks);
  if (response.status !== 200) throw new CommandError(`${url} is answered with ${response.status}.`);
  const etag = response.headers.get("etag")?.replace(/^W\//, "");
  if (etag !== `"${toBase64url(digestBody(body))}"`) {
    throw new CommandError(`The ETag of ${url} is not the digest of what it gives: clients would refuse it.`);
  }
  return body;
}

/** Every key of the region has its link, and is the key that the history has under that number. */
function requireInHistory(text: string, history: PublishedHistory): void {
  const { region, keys } = readDirectory(text, history.app);
  if (region !== history.region) {
    throw new CommandError(
      "The directory and the history are of different regions: name the host of one of them.",
    );
  }
  const links = linksOf(history);
  for (const key of keys.filter((key) => key.region === region)) {
    const at = (key.number ?? -1) - history.first;
    const known = history.leaves[at];
    const isKnown = known !== undefined && equalPublic(known, keyLeaf(history.app, key));
    if (isKnown && toBase64url(links[at]!.link) === key.chain) continue;
    throw new CommandError(
      `The history does not have the key ${key.epoch}/${key.generation} of the directory: where a cache is in ` +
        "between, try again in five minutes.",
    );
  }
}

function readDirectory(text: string, app: string): Directory {
  try {
    return parseDirectory(text, app);
  } catch (error) {
    throw new CommandError(`Clients would refuse the directory: ${(error as Error).message}.`);
  }
}

/** Whether a number has two links. */
function forks(before: PublishedHistory, now: PublishedHistory): boolean {
  if (before.app !== now.app || before.region !== now.region) {
    throw new CommandError(
      `The folder has the keys of ${before.app} in region ${before.region}: name another one.`,
    );
  }
  const known = new Map(linksOf(before).map(({ number, link }) => [number, link]));
  const links = linksOf(now);
  const last = links.at(-1);
  if ([...known.keys()].some((number) => number > (last?.number ?? 0))) {
    throw new CommandError(
      "The service shows an older history than it did before: a cache is in between, or its store was put back.",
    );
  }
  return links.some(({ number, link }) => !equalPublic(known.get(number) ?? link, link));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whoever reads the file meanwhile has the one before or the new one, whole. */
async function replaceFile(path: string, body: Uint8Array): Promise<void> {
  await Deno.writeFile(`${path}.new`, body);
  await Deno.rename(`${path}.new`, path);
}
