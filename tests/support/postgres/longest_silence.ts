/** How long a count stood still. */

/** Watches a count; `stop` gives the longest time in which it did not grow, in seconds. */
export function longestSilence(count: () => number): { stop(): number } {
  let last = count();
  let since = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    const current = count();
    if (current !== last) {
      longest = Math.max(longest, now - since);
      last = current;
      since = now;
    }
  };
  const timer = setInterval(look, 5);
  return {
    stop() {
      clearInterval(timer);
      look();
      return longest / 1_000;
    },
  };
}
