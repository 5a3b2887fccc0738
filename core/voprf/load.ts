/**
 * The code that computes each cipher suite on a server, by name: a fast kernel where there is one, and plain JavaScript
 * where it cannot run.
 *
 * @module
 */
import type { Suite } from "./suite.ts";
import { SUITE_NAMES, type SuiteName } from "./suites.ts";

/** How a suite is loaded. Its module is imported only then: one that no application uses costs a cold start nothing. */
interface Implementation {
  /** In plain JavaScript, which runs everywhere. */
  readonly plain: () => Promise<Suite>;
  /** On a faster library. */
  readonly kernel?: {
    readonly load: () => Promise<Suite>;
    /** What running without it means, said to the operator. */
    readonly without: string;
  };
}

const IMPLEMENTATIONS: Readonly<Record<SuiteName, Implementation>> = {
  "ristretto255-SHA512": {
    plain: async () => (await import("./noble.ts")).nobleRistretto255,
    kernel: {
      load: async () => await (await import("./sodium.ts")).loadSodiumSuite(),
      without:
        "ristretto255 runs on plain JavaScript, about three times slower, since libsodium did not load",
    },
  },
  "P384-SHA384": { plain: async () => (await import("./noble_p384.ts")).nobleP384 },
};

async function load({ plain, kernel }: Implementation, warn: (message: string) => void): Promise<Suite> {
  try {
    if (kernel !== undefined) return await kernel.load();
  } catch (error) {
    warn(`${kernel?.without}: ${error instanceof Error ? error.message : error}`);
  }
  return await plain();
}

/**
 * Loads the suites that a server was configured for, each once and on its kernel; where that cannot run here, in plain
 * JavaScript with one call of `warn`.
 *
 * @returns The suite of a name; it throws a `RangeError` for one that was not loaded.
 */
export async function loadSuites(
  warn: (message: string) => void,
  names: Iterable<SuiteName> = SUITE_NAMES,
): Promise<(name: SuiteName) => Suite> {
  const suites = new Map<SuiteName, Suite>();
  for (const name of new Set(names)) suites.set(name, await load(IMPLEMENTATIONS[name], warn));
  return (name) => {
    const suite = suites.get(name);
    if (suite === undefined) throw new RangeError(`Cannot use suite ${name}: it was not loaded`);
    return suite;
  };
}
