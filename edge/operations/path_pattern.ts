/**
 * How the path of an operation is matched before the router sees it.
 *
 * @module
 */

/**
 * `:app` is one part of a path and never none; `/*` is whatever follows, and nothing too: so Hono reads the paths of its
 * middleware, and what one of them answers has to be of its kind.
 */
export function patternOf(path: string): RegExp {
  return new RegExp(
    `^${path.replaceAll(".", "\\.").replace(/:[a-z]+/g, "[^/]+").replace(/\/\*$/, "(?:/.*)?")}$`,
    "s",
  );
}
