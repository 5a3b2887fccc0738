/** The service cannot be started as a process of its own; the message is one sentence for a person. */
export class LaunchError extends Error {
  override readonly name = "LaunchError";

  /** `mayPass` says whether another start may go well though nobody has done anything. */
  constructor(message: string, readonly mayPass: boolean = false) {
    super(message);
  }
}
