/**
 * Which implementation of a suite a server runs: libsodium where it can, noble elsewhere.
 *
 * @module
 */
import type { Suite, SuiteName } from "./suite.ts";

async function loadRistretto255(warn: (message: string) => void): Promise<Suite> {
  try {
    const { loadSodiumSuite } = await import("./sodium.ts");
    return await loadSodiumSuite();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warn(
      `ristretto255 runs on plain JavaScript, about three times slower, since libsodium did not load: ${reason}`,
    );
    return (await import("./noble.ts")).nobleRistretto255;
  }
}

const loaders: Record<SuiteName, (warn: (message: string) => void) => Promise<Suite>> = {
  "ristretto255-SHA512": loadRistretto255,
  "P384-SHA384": async () => (await import("./noble_p384.ts")).nobleP384,
};

/**
 * Loads the suites that a server was configured for, each once: ristretto255 on libsodium, or on noble with one call
 * of `warn` if libsodium cannot run here; P-384 on noble. Loading a suite that no application uses costs a cold start
 * up to 25 ms, so `names` should say which ones are used.
 *
 * @returns The suite of a name; it throws a `RangeError` for one that was not loaded.
 */
export async function loadSuites(
  warn: (message: string) => void,
  names: Iterable<SuiteName> = ["ristretto255-SHA512", "P384-SHA384"],
): Promise<(name: SuiteName) => Suite> {
  const suites = new Map<SuiteName, Suite>();
  for (const name of new Set(names)) suites.set(name, await loaders[name](warn));
  return (name) => {
    const suite = suites.get(name);
    if (suite === undefined) throw new RangeError(`Cannot use suite ${name}: it was not loaded`);
    return suite;
  };
}
