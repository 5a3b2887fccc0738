// deno-lint-ignore-file no-console -- it speaks to the app's developer.
import type { ClientEvents, Report } from "./types.ts";

/** What a developer is to do about a code of which one line is written; of the others none is. */
const ADVICE: Readonly<Record<string, string>> = {
  event_unknown: "the schema declares no event of this name",
  field_unknown: "the schema declares no field of this name",
  field_missing: "the schema wants this field",
  field_invalid: "the schema does not allow this value",
  session_failed: "session() gave no session, so there are no tokens",
  session_invalid: "the service takes no session as session() gives it",
  app_unknown: "the service has no application of this id",
  no_answer:
    "nobody answered: look at the endpoint, the page's connect-src (CSP), and at what blocks requests",
  storage_failed: "the storage failed: what is logged may be lost",
};

/**
 * What a client writes to the console: with `debug` every step, without it one line at most of each kind of mistake, with
 * `false` nothing. Values are never written.
 */
export class Speaker {
  readonly #debug: boolean | undefined;
  readonly #said = new Set<string>();
  #isSpeaking = false;

  /** Nothing is said yet. */
  constructor(debug: boolean | undefined) {
    this.#debug = debug;
  }

  /** Says what memory costs, where nobody asked for it. */
  warnOfMemory(): void {
    this.#say(
      "memory",
      "dit: nothing is stored: tokens are lost at each start, and at the fifth of a day the quota is used up and nothing " +
        'is sent until the next key; give the client a storage, or "memory" to say that this is meant',
    );
  }

  #say(kind: string, text: string): void {
    if (this.#debug === false || this.#said.has(kind)) return;
    this.#said.add(kind);
    try {
      console.warn(text);
    } catch {
      // A console of the app's own.
    }
  }

  /** Hears what the client tells. */
  readonly hear: Report = (name, event) => {
    // Whoever has the console log its lines here must not have it write without end.
    if (this.#debug === false || this.#isSpeaking) return;
    this.#isSpeaking = true;
    try {
      const told = event as Partial<ClientEvents["dropped"] & ClientEvents["refused"]>;
      const code = String(told.reason ?? told.code);
      const advice = ADVICE[code];
      const about = [told.step, told.event, told.field].filter((part) => part !== undefined).join(" ");
      if (advice !== undefined && !this.#said.has(code) && !(code === "no_answer" && isOffline())) {
        this.#said.add(code);
        console.warn(`dit: ${about} ${code}: ${advice}`);
      }
      if (this.#debug) console.debug(`dit: ${name} ${JSON.stringify(event)}`);
    } catch {
      // A console of the app's own.
    }
    this.#isSpeaking = false;
  };
}

function isOffline(): boolean {
  return (globalThis.navigator as { onLine?: boolean } | undefined)?.onLine === false;
}
