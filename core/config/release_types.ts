/**
 * What an operator writes about releases: which questions are answered every night, and what answering may cost people.
 *
 * @module
 */

/**
 * What releases may cost a person in one period. Either `epsilon` (pure differential privacy, discrete Laplace noise) or
 * `rho` (zero-concentrated differential privacy, discrete Gaussian noise).
 */
export interface ReleaseBudget {
  /** The budget in pure differential privacy, above 0. */
  readonly epsilon?: number;
  /** The budget in zero-concentrated differential privacy, above 0. */
  readonly rho?: number;
  /** The chance that the budget does not bound the loss, below 0.01; 1e-6 by default. */
  readonly delta?: number;
  /** Days of a period, a multiple of the pseudonym's rotation; the rotation by default. */
  readonly days?: number;
}

/** One question, answered for every day or every period of the pseudonym. */
export interface ReleaseQuery {
  /** The event that is counted. */
  readonly event: string;
  /** The fields by whose values it is broken down, at most 4; none by default. */
  readonly by?: readonly string[];
  /** Instead: the field under local differential privacy whose values are estimated. */
  readonly of?: string;
  /**
   * Asks for a rate instead: how many people have `event` of those who have it or this other event, which has the fields
   * of `by` too. Both counts, and the rate with its interval, cost what one question does.
   */
  readonly among?: string;
  /**
   * `period`: counts everybody once over the whole period of their pseudonym, in the night after its last day, and costs
   * once a period; with a rotation of a week these are the weekly active people. By default every day is answered.
   */
  readonly over?: "period";
  /** What a day's answer costs, where the budget is an epsilon. */
  readonly epsilon?: number;
  /** What a day's answer costs, where the budget is a rho. */
  readonly rho?: number;
  /**
   * `declared`: every combination of values is counted, seen or not (at most 4096). `selected`: only combinations that
   * enough people have are named, chosen so that nobody betrays that one exists. By default `declared` where it fits.
   */
  readonly cells?: "declared" | "selected";
  /** The chance of a loss beyond the cost, for `selected`; its share of the budget's by default. */
  readonly delta?: number;
  /** Combinations in which one person is counted at most, 1..100; 1 by default. */
  readonly cellsPerPerson?: number;
  /** Events that are counted of one person in one combination, 1..1000; 1 by default: then people are counted. */
  readonly eventsPerCell?: number;
  /** Figures below it are not published, 0..10^6; 10 by default. */
  readonly threshold?: number;
}

/** The releases of an application. */
export interface ReleasesConfig {
  /** What all of them together may cost. */
  readonly budget: ReleaseBudget;
  /** The questions by name. */
  readonly queries: Readonly<Record<string, ReleaseQuery>>;
  /** Whether a day's raw records are deleted as soon as all of its answers are released; false by default. */
  readonly deleteRaw?: boolean;
}
