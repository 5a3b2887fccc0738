/**
 * Variables from files: systemd's `LoadCredential` and the secrets of containers give each secret as a file of its own in a
 * folder, where neither a child of the process nor who lists processes sees it.
 *
 * @module
 */
import { EnvironmentError } from "./settings.ts";

/** Reads variables. */
type Environment = (name: string) => string | undefined;

/** Variables that may lie in the folder; DENO_KV_ACCESS_TOKEN is the runtime's own. */
const TAKEN = /^(?:DIT_[A-Z0-9_]+|DENO_KV_ACCESS_TOKEN)$/;
/** What names the folder. */
const FOLDER = "DIT_CREDENTIALS";

/**
 * The environment, with what lies in the folder that `DIT_CREDENTIALS` names: the file `DIT_SEAL_KEYS` there is the variable
 * `DIT_SEAL_KEYS`. `read` gives a file's text, undefined where it is not there; `isMissing` whether there is no such folder.
 *
 * The function throws {@linkcode EnvironmentError}, and never with a value, where the folder is not there, a file cannot be
 * read or is no line of text, or a variable is set here and there.
 */
export function withCredentials(
  get: Environment,
  read: (path: string) => string | undefined,
  isMissing: (folder: string) => boolean,
): Environment {
  return function getWithCredentials(name) {
    const set = get(name);
    const folder = TAKEN.test(name) && name !== FOLDER ? get(FOLDER) : undefined;
    if (folder === undefined) return set;
    if (isMissing(folder)) throw new EnvironmentError([`Make the folder ${folder}, or take ${FOLDER} away.`]);
    const text = readCredential(`${folder}/${name}`, read);
    if (text === undefined) return set;
    if (set === undefined) return text;
    throw new EnvironmentError([`Set ${name} once: it is in the environment, and in a file of ${FOLDER}.`]);
  };
}

function readCredential(path: string, read: (path: string) => string | undefined): string | undefined {
  let text: string | undefined;
  try {
    text = read(path)?.replace(/\r?\n$/, "");
  } catch (error) {
    const why = (error as Error)?.name ?? "unknown";
    throw new EnvironmentError([`Make ${path} readable for the service's user (${why}).`]);
  }
  if (text === undefined || /^[^\p{Cc}]+$/u.test(text)) return text;
  throw new EnvironmentError([`Put one line of text into ${path}: it is empty, or has control characters.`]);
}

/** The environment of this process with its credentials. */
export const processEnvironment: Environment = withCredentials(
  (name) => Deno.env.get(name),
  function readFile(path) {
    try {
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  function isMissing(folder) {
    try {
      return !Deno.statSync(folder).isDirectory;
    } catch (error) {
      // The service itself may read the files alone; its launcher has looked.
      return error instanceof Deno.errors.NotFound;
    }
  },
);

/** Hands the runtime's own client of KV Connect its token, which it reads from the environment alone. */
export function passOnStoreToken(environment: Environment): void {
  const name = "DENO_KV_ACCESS_TOKEN";
  const token = environment(name);
  if (token !== undefined) Deno.env.set(name, token);
}
