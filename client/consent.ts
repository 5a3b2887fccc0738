/**
 * Whether the user lets a client work: what they chose, here or in another tab, what they say to all programs, and an
 * opt-out that could not be stored.
 *
 * @module
 */
import type { OptOutSignal } from "./base/signals.ts";
import { OPTED_OUT } from "./storage/records.ts";
import type { Gate } from "./storage/commit.ts";
import { type ClientStorage, type Entries } from "./storage/storage.ts";
import { inTime } from "./base/deadline.ts";
import { silence } from "./queue/reports.ts";

/** What the user chose, as far as a client knows. */
type Choice = "given" | "waiting_for_consent" | "opted_out";

/** What the consent to a client takes. */
export interface ConsentParts {
  readonly app: string;
  /** Whether nothing may happen before the user has agreed. */
  readonly isRequired: boolean;
  /** What the user says to all programs. */
  readonly signal: OptOutSignal | undefined;
  /** Called when the choice is another one. */
  readonly onChange: () => void;
}

/** The consent of the user of one client. */
export class Consent implements Gate {
  readonly #parts: ConsentParts;
  readonly #marker: Marker;
  #choice: Choice = "given";
  /** Whether the user's opt-out is not in the storage. */
  #isUnstored = false;
  /** Whether a signal of the user's holds. */
  #isSignalled: boolean;
  #turn = 0;
  #abort = new AbortController();

  /** As it is when a client is made. */
  constructor(parts: ConsentParts) {
    this.#parts = parts;
    this.#marker = new Marker(`dit-opted-out/${parts.app}`);
    this.#isUnstored = this.#marker.isSet();
    if (this.#isUnstored || parts.signal !== undefined) this.#choice = "opted_out";
    else if (parts.isRequired) this.#choice = "waiting_for_consent";
    this.#isSignalled = parts.signal !== undefined;
  }

  /** What the user chose. */
  get choice(): Choice {
    return this.#choice;
  }

  /** Whether nothing may be stored, or read, at all. */
  get isBarred(): boolean {
    return this.#isUnstored || this.#isSignalled || this.#choice === "waiting_for_consent";
  }

  /** Ends what is on its way; another one after each choice. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Begins to look at what is stored; whoever gets the function tells it what was seen there. */
  look(): (isOptedOut: boolean) => void {
    const turn = this.#turn;
    return (isOptedOut) => {
      // Chosen since then, here.
      if (turn === this.#turn && !this.isBarred) this.#become(isOptedOut ? "opted_out" : "given");
    };
  }

  /**
   * Chooses, and stores it: an opt-out holds at once, consent once it is stored.
   * @throws Whatever the storage does. An opt-out then holds in this process all the same.
   */
  async choose(storage: ClientStorage, optOut: boolean): Promise<void> {
    const turn = ++this.#turn;
    if (optOut) {
      this.#isUnstored = true;
      this.#become("opted_out");
    }
    try {
      await store(storage, optOut ? optOutOf : optIn);
    } catch (error) {
      if (optOut && turn === this.#turn) this.#marker.set();
      throw error;
    }
    if (turn !== this.#turn) return;
    this.#isUnstored = false;
    this.#marker.clear();
    if (optOut) return;
    // A browser's signal is about everybody, consent about this app; a variable is the user's last word.
    if (this.#parts.signal === "GPC") this.#isSignalled = false;
    if (!this.#isSignalled) this.#become("given");
  }

  /** Stores an opt-out that could not be stored before; whether there was one. */
  async retry(storage: ClientStorage): Promise<boolean> {
    if (!this.#isUnstored) return false;
    await this.choose(storage, true).catch(() => {});
    return true;
  }

  /**
   * Deletes all that is stored but the choice.
   * @throws Whatever the storage does.
   */
  async forget(storage: ClientStorage): Promise<void> {
    this.#cut();
    await store(storage, (entries) => {
      const isOptedOut = entries.get(OPTED_OUT) !== undefined;
      optOutOf(entries);
      if (!isOptedOut) optIn(entries);
    });
  }

  #become(choice: Choice): void {
    if (choice === this.#choice) return;
    this.#choice = choice;
    this.#cut();
    this.#parts.onChange();
  }

  #cut(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}

function store(storage: ClientStorage, body: (entries: Entries) => void): Promise<void> {
  return inTime(undefined, () => storage.transaction(body));
}

/** All that stays is that the user opted out. */
function optOutOf(entries: Entries): void {
  for (const key of entries.keys("")) entries.delete(key);
  entries.set(OPTED_OUT, "1");
}

/** What was reported is forgotten with all else, so a field that is randomised says nothing until the next period. */
function optIn(entries: Entries): void {
  if (entries.get(OPTED_OUT) === undefined) return;
  entries.delete(OPTED_OUT);
  silence(entries);
}

/** A second place, of a page, for an opt-out that the storage does not take: the next page stores it. */
class Marker {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  isSet(): boolean {
    return this.#use((texts) => texts.getItem(this.#name)) === "1";
  }

  set(): void {
    this.#use((texts) => texts.setItem(this.#name, "1"));
  }

  clear(): void {
    this.#use((texts) => texts.removeItem(this.#name));
  }

  #use<T>(body: (texts: Storage) => T): T | undefined {
    try {
      const page = globalThis as { document?: unknown; localStorage?: Storage };
      return page.document && page.localStorage ? body(page.localStorage) : undefined;
    } catch {
      // A browser that denies it.
      return undefined;
    }
  }
}
