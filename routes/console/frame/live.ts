/**
 * Live views: what has changed of a page, as server-sent events. What is sent has been rendered by the very components
 * that made the page.
 *
 * @module
 */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { streamSSE } from "hono/streaming";
import { Refusal } from "../../../core/base/errors.ts";
import type { ConsoleEnv, ConsoleOptions } from "./env.ts";
import { sessionCookie } from "./guard.ts";
import type { Figure } from "./parts.tsx";

/** The parts of a page by their ids, rendered, and its figures. */
export interface LiveView {
  /** HTML by the id of the element that holds it. */
  readonly parts: Readonly<Record<string, string>>;
  /** Figures by the id of their plot. */
  readonly figures: Readonly<Record<string, Figure>>;
}

/** Renders parts, each by the component that made it on the page. */
export function renderParts<Props>(
  parts: Readonly<Record<string, (props: Props) => Child>>,
  props: Props,
): Record<string, string> {
  return Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, String(part(props))]));
}

const EVERY_MS = 1_000;
/** The browser comes back by itself. */
const MAX_LIFE_MS = 10 * 60_000;
const MAX_VIEWERS = 32;
/** Something is sent at least this often, so that nobody on the way takes the connection for dead. */
const HEARTBEAT_MS = 15_000;

/** Sends live views, to a few viewers at a time. */
export class LiveViews {
  readonly #options: Pick<ConsoleOptions, "stopped" | "sessions" | "secure">;
  #viewers = 0;

  /** All views end when `stopped` aborts: a process that is told to stop waits for no browser. */
  constructor(options: Pick<ConsoleOptions, "stopped" | "sessions" | "secure">) {
    this.#options = options;
  }

  /**
   * Answers with a stream of what changes; `read` gives the page as it is. It ends with the session.
   * @throws {Refusal} `overloaded` when too many watch already.
   */
  answer(c: Context<ConsoleEnv>, read: () => Promise<LiveView>): Response {
    const { stopped, sessions } = this.#options;
    if (this.#viewers >= MAX_VIEWERS || stopped.aborted) {
      throw new Refusal("overloaded", "Too many browsers watch; close one.", { retryAfterSeconds: 60 });
    }
    this.#viewers++;
    return streamSSE(c, async (stream) => {
      const left = new AbortController();
      stream.onAbort(() => left.abort());
      const ended = AbortSignal.any([stopped, left.signal, AbortSignal.timeout(MAX_LIFE_MS)]);
      const sent = new Map<string, string>();
      let sentAt = performance.now();
      try {
        const cookie = sessionCookie(c, this.#options);
        while (!ended.aborted && await sessions.read(cookie) !== undefined) {
          const changes = changesOf(await read(), sent);
          if (changes !== undefined || performance.now() - sentAt > HEARTBEAT_MS) {
            await stream.writeSSE({ data: JSON.stringify(changes ?? {}), retry: 2_000 });
            sentAt = performance.now();
          }
          await pause(EVERY_MS, ended);
        }
      } finally {
        this.#viewers--;
      }
    }, async () => {
      // A view that cannot be read ends; the browser comes back and asks again.
    });
  }
}

/** What is not as it was sent last; undefined when everything is. */
function changesOf(view: LiveView, sent: Map<string, string>): Partial<LiveView> | undefined {
  const changed = <T>(of: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(of).filter(([id, value]) => {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        if (sent.get(id) === text) return false;
        sent.set(id, text);
        return true;
      }),
    );
  const parts = changed(view.parts);
  const figures = changed(view.figures);
  return Object.keys(parts).length + Object.keys(figures).length === 0 ? undefined : { parts, figures };
}

function pause(milliseconds: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    ended.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      ended.removeEventListener("abort", done);
      resolve();
    }
  });
}
