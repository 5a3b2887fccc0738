/**
 * How many keys there can be at a time: as many as the calendar of epochs has room for, so that no directory fills a
 * client's storage, or leaves keys there that end in a thousand years (docs/protocol.md, section 7).
 *
 * @module
 */
import type { Directory } from "./directory.ts";

/** Epochs before and after the present one that a key may be of: 8 of overlap or ahead, and one for clocks that differ. */
const MAX_DISTANCE = 9;
/** Most regions of a directory. */
const MAX_REGIONS = 16;
/** Most keys of a region, those that no client accepts included. */
const MAX_REGION_KEYS = 64;

/** Seconds for which anything of a key is remembered at most, whatever length of epochs it was shown with: 18 days. */
const MAX_MEMORY = 2 * MAX_DISTANCE * 86_400;

/** Until when something of a key is remembered that is listed, or was remembered, at `nowSeconds`. */
export function rememberedUntil(untilSeconds: number, nowSeconds: number): number {
  return Math.min(untilSeconds, nowSeconds + MAX_MEMORY);
}

/** Why the calendar has no room for the keys of a directory at `nowSeconds`, if it has none. */
export function calendarFault(
  { keys, epochSeconds }: Pick<Directory, "keys" | "epochSeconds">,
  nowSeconds: number,
): "malformed" | "too_many_keys" | undefined {
  const now = Math.floor(nowSeconds / epochSeconds);
  if (keys.some(({ epoch }) => Math.abs(epoch - now) > MAX_DISTANCE)) return "malformed";
  const regions = keys.map(({ region }) => region);
  const count = (one: string) => regions.filter((region) => region === one).length;
  return new Set(regions).size > MAX_REGIONS || regions.some((region) => count(region) > MAX_REGION_KEYS)
    ? "too_many_keys"
    : undefined;
}
