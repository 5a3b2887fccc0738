/**
 * A person's mistake ends the start with sentences, not with a stack.
 *
 * @module
 */
import { ConfigError } from "../core/config/check/check.ts";
import { SealError } from "../core/keys/sealing.ts";
import { StoreUnavailable } from "../core/store/breaker.ts";
import { StoreOpenError } from "../core/store/open_error.ts";
import { AcsError } from "../edge/remote/acs_exchange.ts";
import { EnvironmentError } from "./settings.ts";
import { ListenError } from "./listeners.ts";
import { StoreInUseError } from "./file_lock.ts";
import { LaunchError } from "./launch_error.ts";
import { PermissionsError } from "./permissions.ts";
import { SessionSetupError } from "../edge/auth/session.ts";
import { WebhookSetupError } from "../edge/remote/webhook.ts";

/** What to tell a person about an error, a sentence each; undefined when it is nobody's mistake. */
export function mistakesOf(error: unknown): readonly string[] | undefined {
  if (
    error instanceof ConfigError || error instanceof EnvironmentError || error instanceof PermissionsError
  ) return error.mistakes;
  const known = [
    LaunchError,
    SealError,
    SessionSetupError,
    StoreInUseError,
    StoreOpenError,
    AcsError,
    WebhookSetupError,
    ListenError,
  ];
  if (known.some((kind) => error instanceof kind)) return [(error as Error).message];
  if (error instanceof StoreUnavailable) {
    return ["The store does not answer: see that what DIT_KV names is reachable, then start again."];
  }
  if (error instanceof Deno.errors.NotCapable) {
    return [`${error.message} (the tasks in deno.json say what the service may do).`];
  }
  if (isFileMistake(error)) {
    return [`${error.message}: see that it is there, and that this program may use it.`];
  }
  return undefined;
}

/** Exit code of a start that a person has to do something about: EX_CONFIG of sysexits.h. */
export const PERSONS_MISTAKE = 78;
/** Exit code of a start that came to nothing, and may come to something the next time. */
export const FAILED = 1;

/**
 * The exit code for an error of a start: whoever starts the service again and again, as
 * a service manager does, does so in vain where it is {@linkcode PERSONS_MISTAKE}.
 */
export function exitCodeOf(error: unknown): number {
  if (mistakesOf(error) === undefined) return FAILED;
  const mayPass = error instanceof StoreInUseError || error instanceof StoreUnavailable ||
    error instanceof AcsError || isFull(error) ||
    ((error instanceof StoreOpenError || error instanceof ListenError || error instanceof LaunchError) &&
      error.mayPass);
  return mayPass ? FAILED : PERSONS_MISTAKE;
}

/** A file or a folder that is not there, is none, or may not be used. */
function isFileMistake(error: unknown): error is Error {
  const { NotFound, PermissionDenied, NotADirectory, IsADirectory, AlreadyExists } = Deno.errors;
  const kinds = [NotFound, PermissionDenied, NotADirectory, IsADirectory, AlreadyExists];
  if (kinds.some((kind) => error instanceof kind)) return true;
  // A file system that cannot be written.
  return isFull(error) || error instanceof Error && (error as { code?: string }).code === "EROFS";
}

/** A file system without room. */
function isFull(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === "ENOSPC";
}
