/**
 * The ends of a page, and its coming back.
 *
 * @module
 */

/** The part of `document` that a page's client uses. */
interface Document extends EventTarget {
  readonly visibilityState: string;
}

/** What is told of a page. */
export interface PageListener {
  /** It is hidden, and may end without another word. `isLeft`: it ends now, or is frozen. */
  readonly end: (isLeft: boolean) => void;
  /** It was frozen and goes on. */
  readonly goOn: () => void;
  /** It is looked at again. */
  readonly look: () => void;
}

/** The page of a client, where there is one. */
export class Page {
  readonly #document = (globalThis as { document?: Document }).document;
  readonly #listener: PageListener;
  #isLeft = false;

  /** Listens until it is closed. */
  constructor(listener: PageListener) {
    this.#listener = listener;
    if (this.#document === undefined) return;
    this.#document.addEventListener("visibilitychange", this.#change);
    globalThis.addEventListener?.("pagehide", this.#leave);
    globalThis.addEventListener?.("pageshow", this.#return);
  }

  /** Whether there is one. */
  get isThere(): boolean {
    return this.#document !== undefined;
  }

  /** Whether it is hidden and may end at any moment. */
  readonly isHidden = (): boolean => this.#isLeft || this.#document?.visibilityState === "hidden";

  /** Listens no more. */
  close(): void {
    this.#document?.removeEventListener("visibilitychange", this.#change);
    globalThis.removeEventListener?.("pagehide", this.#leave);
    globalThis.removeEventListener?.("pageshow", this.#return);
  }

  readonly #change = (): void => {
    if (this.isHidden()) this.#listener.end(this.#isLeft);
    else this.#listener.look();
  };

  readonly #leave = (): void => {
    this.#isLeft = true;
    this.#listener.end(true);
  };

  readonly #return = (): void => {
    if (!this.#isLeft) return;
    this.#isLeft = false;
    this.#listener.goOn();
  };
}
