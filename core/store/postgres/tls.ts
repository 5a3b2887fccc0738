/**
 * Encryption by `sslmode`, with libpq's meanings.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { isNotAllowed } from "./errors.ts";

/** How connections are encrypted. */
export interface TlsOptions {
  readonly mode: Mode;
  /** Files: the certificates of who signs the server's, and a certificate and key of this program's own. */
  readonly rootFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
}

const MODES = ["disable", "require", "verify-ca", "verify-full"] as const;
type Mode = typeof MODES[number];
/** `sslrootcert` of those whom the platform trusts. */
const SYSTEM = "system";

/**
 * What the parameters of a URL say; undefined: nothing.
 * @throws {StoreOpenError} If it is a mode that may come to no encryption without a word, or none.
 */
export function tlsOf(parameters: URLSearchParams): TlsOptions | undefined {
  const mode = parameters.get("sslmode");
  if (mode === null) return undefined;
  const known = MODES.find((one) => one === mode);
  if (known === undefined) {
    throw new StoreOpenError(`sslmode in DIT_KV has to be one of ${MODES.join(", ")}.`);
  }
  const file = (name: string) => parameters.get(name) ?? undefined;
  return {
    mode: known,
    rootFile: file("sslrootcert") === SYSTEM ? undefined : file("sslrootcert"),
    certificateFile: file("sslcert"),
    keyFile: file("sslkey"),
  };
}

/** The files that it reads. */
export function filesOfTls(tls: TlsOptions | undefined): string[] {
  return [tls?.rootFile, tls?.certificateFile, tls?.keyFile].filter((path) => path !== undefined);
}

/** Gives the text of a file. Throws if it cannot be read. */
export type ReadText = (path: string) => string;

/**
 * As npm `pg` takes it, which hands it to the platform's TLS.
 * @throws {StoreOpenError} If a file cannot be read.
 */
export function sslOf(tls: TlsOptions | undefined, readText: ReadText): object | boolean | undefined {
  if (tls === undefined) return undefined;
  if (tls.mode === "disable") return false;
  const ca = readFile(tls.rootFile, readText);
  return {
    ca,
    cert: readFile(tls.certificateFile, readText),
    key: readFile(tls.keyFile, readText),
    // With certificates to hold the server's against, `require` is `verify-ca`, as libpq has it.
    rejectUnauthorized: tls.mode !== "require" || ca !== undefined,
    ...tls.mode === "verify-full" ? {} : { checkServerIdentity: () => undefined },
  };
}

function readFile(path: string | undefined, readText: ReadText): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readText(path);
  } catch (cause) {
    if (isNotAllowed(cause)) throw cause;
    throw new StoreOpenError("A file of sslrootcert, sslcert or sslkey in DIT_KV cannot be read.", { cause });
  }
}
