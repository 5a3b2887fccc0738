/**
 * The code that computes each cipher suite on a server, by name: the fastest that runs here, and plain JavaScript where
 * nothing else does.
 *
 * @module
 */
import { failingOver } from "./failover.ts";
import { assertKnownAnswers } from "./known_answers.ts";
import type { KernelName, Suite } from "./suite.ts";
import { SUITE_NAMES, type SuiteName } from "./suites.ts";

/** How a suite is loaded. Its module is imported only then: one that nothing uses costs a cold start nothing. */
interface Implementation {
  readonly kernel: KernelName;
  readonly load: () => Promise<Suite>;
  /** What running without it means, said to the operator. */
  readonly without?: string;
}

/** By suite, the fastest first. The last is in plain JavaScript, which runs everywhere. */
const IMPLEMENTATIONS: Readonly<Record<SuiteName, readonly Implementation[]>> = {
  "ristretto255-SHA512": [
    {
      kernel: "wasm",
      load: async () => (await import("./kernel_suite.ts")).loadKernelSuite(),
      without: "ristretto255 runs on libsodium, about three times slower, since the kernel does not run here",
    },
    {
      kernel: "libsodium",
      load: async () => await (await import("./sodium.ts")).loadSodiumSuite(),
      without:
        "ristretto255 runs on plain JavaScript, about three times slower, since libsodium did not load",
    },
    { kernel: "noble", load: async () => (await import("./noble.ts")).nobleRistretto255 },
  ],
  "P384-SHA384": [
    { kernel: "noble", load: async () => (await import("./noble_p384.ts")).nobleP384 },
  ],
};

/** What a server's suites are loaded for. */
export interface LoadSuitesOptions {
  /** Those that are configured; all by default. */
  readonly names?: Iterable<SuiteName> | undefined;
  /** The fastest code that may serve, where an operator chose: a slower one serves where it cannot. */
  readonly kernel?: KernelName | undefined;
}

/** The first implementation that runs and gives the known answers, on the instance that will serve. */
async function load(
  [first, ...slower]: readonly Implementation[],
  warn: (message: string) => void,
): Promise<Suite> {
  if (first === undefined) throw new Error("Cannot load suite: none of its implementations runs");
  const next = () => load(slower, warn);
  let suite: Suite;
  try {
    suite = await first.load();
    assertKnownAnswers(suite);
  } catch (error) {
    if (first.without === undefined) throw error;
    warn(`${first.without}: ${error instanceof Error ? error.message : error}`);
    return await next();
  }
  return slower.length === 0 ? suite : failingOver(suite, next, warn);
}

/**
 * Loads the suites that a server was configured for, each once and on the fastest code that runs here, with one call of
 * `warn` where that is not the fastest that was asked for.
 *
 * @returns The suite of a name; it throws a `RangeError` for one that was not loaded.
 */
export async function loadSuites(
  warn: (message: string) => void,
  { names = SUITE_NAMES, kernel = "wasm" }: LoadSuitesOptions = {},
): Promise<(name: SuiteName) => Suite> {
  const suites = new Map<SuiteName, Suite>();
  for (const name of new Set(names)) {
    const all = IMPLEMENTATIONS[name];
    const chosen = all.findIndex((implementation) => implementation.kernel === kernel);
    suites.set(name, await load(all.slice(Math.max(chosen, 0)), warn));
  }
  return (name) => {
    const suite = suites.get(name);
    if (suite === undefined) throw new RangeError(`Cannot use suite ${name}: it was not loaded`);
    return suite;
  };
}
