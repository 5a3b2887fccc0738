/**
 * The chain of a region's keys: what was seen of it goes on in what is shown next, and with a pin it leads on from there
 * (docs/protocol.md, section 7).
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { keyLeaf, LINK_LENGTH, type LinkedKey, nextLink } from "../../core/token/key_chain.ts";
import type { Report } from "../base/types.ts";
import { CHAINS, FORK, read, type SeenChains, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { rememberedUntil } from "./calendar.ts";
import { type Directory, usableKeys } from "./directory.ts";
import { exchange, type Network, parseJson } from "./network.ts";

/** Most bytes of a history: 4,096 leaves are fewer. */
const MAX_HISTORY_BYTES = 262_144;
/** Most keys that are kept of all chains: more than any region has, in less than 128 KiB. */
const MAX_KEPT = 256;

/** What a directory's chains are compared under. */
export interface ChainComparison {
  readonly app: string;
  readonly directory: Directory;
  readonly nowSeconds: number;
  readonly report: Report;
  /** The pins, if the app has one: the directory was held against them. */
  readonly keyPin: string | undefined;
  /** Whether a key that was seen may have been used. */
  readonly isUsed: boolean;
}

/** A place in a chain. */
interface Point {
  readonly number: number;
  readonly chain: string;
  readonly leaf: Uint8Array;
  readonly key?: LinkedKey;
}

/** The keys that have a link, as places in their chain in order. */
function pointsOf(app: string, keys: readonly LinkedKey[]): Point[] {
  return keys.flatMap((key) => {
    const { number, chain } = key;
    return number === undefined || chain === undefined
      ? []
      : [{ number, chain, leaf: keyLeaf(app, key), key }];
  }).sort((a, b) => a.number - b.number);
}

/** Whether the second of two places follows from the first: undefined where there are others in between. */
function follows(a: Point, b: Point): boolean | undefined {
  if (a.number === b.number) return a.chain === b.chain && toBase64url(a.leaf) === toBase64url(b.leaf);
  return a.number + 1 === b.number
    ? toBase64url(nextLink(fromBase64url(a.chain, LINK_LENGTH), b.leaf)) === b.chain
    : undefined;
}

/** Two keys whose chains contradict each other. */
export interface Fork {
  readonly known: LinkedKey;
  readonly shown: LinkedKey;
}

/** Tells a fork, and keeps it as evidence. */
export function tellFork(entries: Entries, report: Report, fork: Fork): void {
  report("keys_forked", fork);
  write(entries, FORK, fork);
}

/** The newest key of each region that has begun: of keys behind a pin, those that may have been used. */
function newestBegun(keys: readonly LinkedKey[], nowSeconds: number): LinkedKey[] {
  const newest = new Map<string, LinkedKey>();
  for (const key of keys) {
    const { region, notBefore, number = -1 } = key;
    if (notBefore <= nowSeconds && number > (newest.get(region)?.number ?? -1)) newest.set(region, key);
  }
  return [...newest.values()];
}

/**
 * Compares with the keys seen before of the region's chain, and remembers the new ones. A fork is told with both keys, and
 * kept: it shows that somebody is shown keys of their own.
 */
export function compareChains(
  entries: Entries,
  { app, directory, nowSeconds, report, keyPin, isUsed }: ChainComparison,
): "key_changed" | undefined {
  const { keys: seen = [], pin, held = [] } = read<SeenChains>(entries, CHAINS) ?? {};
  const keys = usableKeys(directory);
  const untilOf = (until: number) => rememberedUntil(until, nowSeconds);
  // No longer than its key issues: a chain that was a lie holds nobody up when that is over.
  const known = seen.map((key) => ({ ...key, until: untilOf(key.until) })).filter(({ until }) =>
    nowSeconds < until
  );
  const isOwn = ({ region }: LinkedKey) => region === directory.region;
  let before: Point | undefined;
  for (const point of pointsOf(app, [...known.filter(isOwn), ...keys])) {
    if (before !== undefined && follows(before, point) === false) {
      tellFork(entries, report, { known: before.key!, shown: point.key! });
      return "key_changed";
    }
    before = point;
  }
  // Before anything was used, what is no longer shown may have been a lie, and stands for nothing.
  const kept = [
    ...known.filter((key) => isUsed && (!isOwn(key) || key === before?.key)),
    ...keys.map((key) => ({ ...key, until: untilOf(key.issueUntil) })),
  ].slice(-MAX_KEPT);
  write<SeenChains>(entries, CHAINS, {
    keys: kept,
    pin: keyPin,
    held: keyPin === undefined
      ? undefined
      : newestBegun([...isUsed && pin === keyPin ? [...held, ...seen] : [], ...keys], nowSeconds),
  });
  return undefined;
}

/** What a directory is held against a pin with. */
export interface PinCheck {
  readonly app: string;
  readonly directory: Directory;
  readonly keyPin: string;
  /** What was seen before. */
  readonly seen: SeenChains | undefined;
  /** Whether a key that was seen may have been used: from then on the newest one is held beside the pin. */
  readonly isUsed: boolean;
  readonly nowSeconds: number;
  readonly network: Network;
  /** Where the history of the region's keys is. */
  readonly url: string;
}

/**
 * Whether every key of the region that answered is in the chain that leads on from a pin, and from what is held beside
 * it; the fork, if it goes on without that one.
 */
export async function leadsOnFromPin(
  { app, directory, keyPin, seen, isUsed, nowSeconds, network, url }: PinCheck,
): Promise<boolean | Fork> {
  const ofRegion = ({ region }: LinkedKey) => region === directory.region;
  const keys = directory.keys.filter(ofRegion);
  const points = pointsOf(app, keys);
  if (points.length < keys.length) return false;
  const isRun = (run: readonly Point[]) => run.every((point, at) => at === 0 || follows(run[at - 1]!, point));
  const pins = keyPin.split(" ");
  const shown = seen?.pin === keyPin ? seen.keys : [];
  const held = isUsed && seen?.pin === keyPin ? newestBegun([...seen.held ?? [], ...shown], nowSeconds) : [];
  const known = pointsOf(app, [...shown, ...held].filter(ofRegion));
  const [newest] = pointsOf(app, held.filter(ofRegion));
  // Each pin is one region's: another name of a region is no way around what is held.
  if (newest === undefined && held.length >= pins.length) return false;
  const goesOn = (run: readonly Point[]) =>
    newest === undefined || run.some((point) => follows(newest, point));
  // The link before the first one is not shown: it has to follow from what was held against the pin already.
  const [oldest] = points;
  const leadsOn = (point: Point) => oldest !== undefined && follows(point, oldest);
  if (known.some(leadsOn) && isRun(points) && goesOn(points)) return true;
  const { body } = await exchange(network, { step: "directory", url, maxBytes: MAX_HISTORY_BYTES });
  try {
    const { first, before, leaves } = parseJson(body) as { first: number; before: string; leaves: string };
    const bytes = fromBase64url(leaves);
    const run: Point[] = [];
    let link = fromBase64url(before, LINK_LENGTH);
    for (let at = 0; at < bytes.length; at += LINK_LENGTH) {
      const leaf = bytes.subarray(at, at + LINK_LENGTH);
      link = nextLink(link, leaf);
      run.push({ number: first + run.length, chain: toBase64url(link), leaf });
    }
    const trusted = [...pins, ...known.map(({ chain }) => chain)];
    const links = [before, ...run.map(({ chain }) => chain)];
    if (newest === undefined && !links.some((chain) => trusted.includes(chain))) return false;
    for (const point of points) {
      // A key that the history does not have yet goes on from it.
      if (point.number === first + run.length) run.push(point);
      else if (!follows(run[point.number - first]!, point)) return false;
    }
    if (!isRun(run) || goesOn(run)) return isRun(run);
    // A history that is older than what is held is no fork.
    const shown = points.find(({ number }) => number >= newest!.number)?.key;
    return shown !== undefined && { known: newest!.key!, shown };
  } catch {
    return false;
  }
}
