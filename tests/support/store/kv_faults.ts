/**
 * The faults that a test can switch on in a KV endpoint while it runs. Each is a plain property, so that a test reads
 * as what happens: `endpoint.faults.unavailableAfterWrite = 2`.
 *
 * @module
 */

/**
 * How often a fault strikes: 0 never; below 1 that share of the occasions, drawn from the endpoint's seeded source;
 * a whole number the next so many occasions (it counts itself down to 0); `Infinity` every one.
 */
export type Dose = number;

/** What goes wrong. "Before" means that the engine never saw the request, "after" that the write has landed. */
export interface KvFaults {
  /** Milliseconds for which every request waits before the engine sees it. */
  delayMs: number;
  /** Milliseconds for which the answer to every write waits after the write has landed. */
  delayAnswerMs: number;
  /** While it is set, every request waits before the engine sees it, and lands when it is reset, wanted or not. */
  hang: boolean;
  /** While it is set, writes land and their answers wait. */
  hangAnswer: boolean;
  /** While it is set, the endpoint reads and takes no writes, as one does that is full or being moved, and says so. */
  refuseWrites: boolean;
  /** Requests answered 503 before the engine saw them. */
  unavailable: Dose;
  /** Writes answered 503 after they have landed. The client sends them again and tells nobody. */
  unavailableAfterWrite: Dose;
  /** Requests whose connection is closed before the engine saw them; all that runs over the connection goes with it. */
  cut: Dose;
  /** Writes whose connection is closed after they have landed, before a byte of the answer. */
  cutAfterWrite: Dose;
  /** Writes answered 200 after they have landed, with a body that breaks off. The one fault that the client throws on. */
  truncateAnswer: Dose;
  /** Writes handed to the engine twice, as by a replaying network; the answer is the second one's. */
  replayWrite: Dose;
  /** New connections that die after a random number of bytes, at most `loseConnectionWithinBytes`. */
  loseConnection: Dose;
  /** Bytes, both ways together; 0 closes a lost connection as soon as it is accepted. */
  loseConnectionWithinBytes: number;
}

/** The faults that come in doses. */
export type FaultName = {
  [Name in keyof KvFaults]: KvFaults[Name] extends boolean ? never
    : Name extends `${string}${"Ms" | "Bytes"}` ? never
    : Name;
}[keyof KvFaults];

/** No faults at all. */
export function noFaults(): KvFaults {
  return {
    delayMs: 0,
    delayAnswerMs: 0,
    hang: false,
    hangAnswer: false,
    refuseWrites: false,
    unavailable: 0,
    unavailableAfterWrite: 0,
    cut: 0,
    cutAfterWrite: 0,
    truncateAnswer: 0,
    replayWrite: 0,
    loseConnection: 0,
    loseConnectionWithinBytes: 0,
  };
}

/** Whether a fault of this dose strikes on this occasion; takes one from a counted dose. */
export function strikes(faults: KvFaults, name: FaultName, random: () => number): boolean {
  const dose = faults[name];
  if (dose <= 0) return false;
  if (dose < 1) return random() < dose;
  faults[name] = dose - 1;
  return true;
}

/** Uniform numbers in [0, 1) from a 32-bit seed (Mulberry32): tests only. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
