/**
 * What an engine throws when it cannot be opened.
 *
 * @module
 */

/** The store cannot be opened; the message says what to do and repeats no URL. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  /** Whether it may open later though nobody has done anything: what does not answer now may answer then. */
  readonly mayPass: boolean;

  /** `message` is one sentence. */
  constructor(message: string, { mayPass = false, cause }: { mayPass?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.mayPass = mayPass;
  }
}
