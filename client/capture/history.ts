/**
 * Navigations within a page.
 *
 * @module
 */
import { harmless, listen } from "./target.ts";

type Change = (...args: unknown[]) => void;

/** The part of a page's `history` that is watched. */
export interface WatchedHistory {
  pushState: Change;
  replaceState: Change;
}

/** What a page has and a worker has not. */
export interface PagePlatform {
  readonly history?: WatchedHistory;
  readonly location?: { readonly pathname: string };
}

/**
 * Puts a function of the same behaviour before one of `history`'s, whosever that is, and tells when it has returned. What
 * ends it puts back what was there, unless somebody has put theirs before it meanwhile: then it only tells no more.
 */
function watchMethod(
  history: WatchedHistory,
  name: "pushState" | "replaceState",
  tell: () => void,
): () => void {
  const before = Object.getOwnPropertyDescriptor(history, name);
  const own = before?.value as Change | undefined;
  let isWatching = true;
  const watched: Change = function (this: WatchedHistory, ...args) {
    // The prototype's is looked up each time: others may have changed it.
    const next = own ?? (Object.getPrototypeOf(history) as WatchedHistory)[name];
    next.apply(this, args);
    if (isWatching) tell();
  };
  Object.defineProperty(history, name, {
    value: watched,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  return () => {
    isWatching = false;
    if (history[name] !== watched) return;
    if (before === undefined) delete (history as Partial<WatchedHistory>)[name];
    else Object.defineProperty(history, name, before);
  };
}

/** Tells after each change of the page's address; the function that comes back takes everything back. */
export function watchHistory(history: WatchedHistory, listener: () => void): () => void {
  const tell = harmless(listener);
  const ends = [listen("popstate", tell)];
  for (const name of ["pushState", "replaceState"] as const) {
    // A page may have frozen its own.
    harmless(() => ends.push(watchMethod(history, name, tell)))();
  }
  return harmless(() => ends.forEach((end) => end()));
}
