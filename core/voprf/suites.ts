/**
 * The cipher suites of RFC 9497: one row of facts a suite, from which configuration, lengths and limits follow. Which
 * code computes them stands in `load.ts`.
 *
 * @module
 */

/** What is fixed of a suite. Lengths are bytes. */
export interface SuiteFacts {
  /** The Privacy Pass token type that goes with it (RFC 9578 section 8.2.1 and the batched-tokens draft). */
  readonly tokenType: number;
  /** Ne: of a serialized element. */
  readonly elementLength: number;
  /** Ns: of a serialized scalar; a proof has twice as many. */
  readonly scalarLength: number;
  /** Nh: of an output (the authenticator). */
  readonly outputLength: number;
}

/** The name of a suite, as RFC 9497 section 4 spells it. */
export type SuiteName = "ristretto255-SHA512" | "P384-SHA384";

/** The facts by name. */
export const SUITES: Readonly<Record<SuiteName, SuiteFacts>> = {
  "ristretto255-SHA512": { tokenType: 0x0005, elementLength: 32, scalarLength: 32, outputLength: 64 },
  "P384-SHA384": { tokenType: 0x0001, elementLength: 49, scalarLength: 48, outputLength: 48 },
};

/** The suite of an application that chooses none. */
export const DEFAULT_SUITE: SuiteName = "ristretto255-SHA512";

/** The names of all suites, the default first. */
export const SUITE_NAMES = /* @__PURE__ */ Object.keys(SUITES) as readonly SuiteName[];

/** The facts of the suite that a token type goes with. */
export function suiteOfType(tokenType: number): SuiteFacts | undefined {
  return Object.values(SUITES).find((suite) => suite.tokenType === tokenType);
}
