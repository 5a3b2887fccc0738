/**
 * Whether the keys that a service shows go together with each other and with those that it showed before: what
 * `deno task keys publish` checks, without a right of any kind and without trust in the service.
 *
 * @module
 */
import { type Directory, keyName, parseDirectory } from "../client/http/directory.ts";
import { equalPublic, toBase64url } from "../core/base/bytes.ts";
import { keyLeaf } from "../core/token/key_chain.ts";
import { CommandError } from "./admin_api.ts";
import { linksOf, type PublishedHistory } from "./key_history.ts";

/** What a service shows cannot be true together, or not with what it showed before. */
export class Contradiction extends CommandError {}

/** A directory of keys and the history of one region. */
export interface ShownKeys {
  /** The keys that clients use. */
  readonly directory: Directory;
  /** The chain in which they are. */
  readonly history: PublishedHistory;
}

/**
 * Reads a directory as a client does.
 * @throws {CommandError} If clients would refuse it; `name` says which it is.
 */
export function readDirectory(text: string, app: string, name = "the directory"): Directory {
  try {
    return parseDirectory(text, app);
  } catch (error) {
    throw new CommandError(`Clients would refuse ${name}: ${(error as Error).message}.`);
  }
}

/**
 * Requires that every key of the region has its link, and is the key that the history has under that number.
 * @throws {Contradiction} If one is not.
 */
export function requireInHistory({ directory: { region, keys }, history }: ShownKeys): void {
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
    throw new Contradiction(
      `The history does not have the key ${key.epoch}/${key.generation} of the directory: where a cache is in ` +
        "between, try again in five minutes.",
    );
  }
}

/** What may be different from what was shown before. */
export interface Allowed {
  /** Whether the chain may have no link in common with the one before. */
  readonly chainStartsAnew: boolean;
}

/**
 * Requires that what is shown now leads on from what was shown before, which lies in `out`.
 * @throws {Contradiction} If a key or a link has another value than it had, or none leads from one to the other.
 */
export function requireLeadsOn(
  out: string,
  before: ShownKeys,
  now: ShownKeys,
  { chainStartsAnew }: Allowed,
): void {
  const [old, { app, region, ...stretch }] = [before.history, now.history];
  if (old.app !== app || old.region !== region) {
    throw new CommandError(
      `The folder has the keys of ${old.app} in region ${old.region}: name another one.`,
    );
  }
  const leaves = new Map(before.directory.keys.map((key) => [keyName(key), keyLeaf(app, key)]));
  for (const key of now.directory.keys) {
    const leaf = leaves.get(keyName(key));
    if (leaf === undefined || equalPublic(leaf, keyLeaf(app, key))) continue;
    throw new Contradiction(
      `The service shows another key ${key.epoch}/${key.generation} of region ${key.region} than the one that lies ` +
        `in ${out}.`,
    );
  }
  const known = numbered(old);
  const shown = numbered(stretch);
  const newest = Math.max(...known.keys());
  if (newest > Math.max(...shown.keys())) {
    throw new Contradiction(
      "The service shows an older history than it did before: a cache is in between, or its store was put back.",
    );
  }
  const common = [...shown].filter(([number]) => known.has(number));
  if (common.some(([number, link]) => !equalPublic(known.get(number)!, link))) {
    throw new Contradiction(
      `The service shows other keys than those that lie in ${out}, under the same numbers.`,
    );
  }
  if (common.length > 0 || chainStartsAnew) return;
  throw new Contradiction(
    `No link leads from the history in ${out} to the one that the service shows: its numbers start at ` +
      `${now.history.first}, behind ${newest}. Where its operators say that its store was put back without a history, ` +
      "repeat with --chain-starts-anew.",
  );
}

/** The links of a stretch by their numbers, and the one that it goes on from. */
function numbered(stretch: Pick<PublishedHistory, "first" | "before" | "leaves">): Map<number, Uint8Array> {
  return new Map([
    [stretch.first - 1, stretch.before],
    ...linksOf(stretch).map(({ number, link }) => [number, link] as const),
  ]);
}
