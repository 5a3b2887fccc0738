/**
 * What the tests of engines are run over.
 *
 * @module
 */
import type { ClaimingEngine } from "../../core/store/claims.ts";

/** An engine under test. */
export interface EngineUnderTest {
  /** What it is called in the names of its tests. */
  readonly name: string;
  /** Runs a test on an empty store. `open` gives the same store each time; the store ends with the test. */
  readonly withStore: (run: (open: () => Promise<ClaimingEngine>) => Promise<void>) => Promise<void>;
  /** Writers that change one row at the same time. */
  readonly writers?: number;
}
