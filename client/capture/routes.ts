/**
 * Names for paths.
 *
 * @module
 */

/** Matches a path against one pattern, segment by segment. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === "*";
  const segments = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, index) => segment.startsWith(":") || segment === path[index]);
}

/** The segments of a path; a `/` at its end says nothing. */
const segmentsOf = (path: string) => path.split("/").filter((segment) => segment !== "");

/** Finds the name of the first pattern that a path matches; undefined where there is none. */
export function routeFinder(
  routes: Readonly<Record<string, string | undefined>>,
): (path: string) => string | undefined {
  const patterns = Object.entries(routes).map(([name, pattern = ""]) => [name, segmentsOf(pattern)] as const);
  return (path) => {
    const segments = segmentsOf(path);
    return patterns.find(([, pattern]) => matches(pattern, segments))?.[0];
  };
}
