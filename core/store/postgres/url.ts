/**
 * URLs of PostgreSQL as libpq writes them, with one server or several: `postgres://user@a:5432,b:5432/database?...`. The
 * platform's URL knows one host.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { tlsOf, type TlsOptions } from "./tls.ts";

/** One server. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** What a URL says. */
export interface Address {
  /** Where the database may be. */
  readonly servers: readonly Server[];
  /** Whether a pooler gives each transaction another connection to the server, so that nothing of a session is kept. */
  readonly poolsTransactions: boolean;
  /** How to encrypt; undefined: what `PGSSLMODE` says. */
  readonly tls: TlsOptions | undefined;
  /** Absent ones are taken from `PGUSER` and its like. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Of `application_name` and `options`. */
  readonly settings: Readonly<Record<string, string>>;
}

const DEFAULT_PORT = 5432;
const SHAPE = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const SESSIONS: readonly (string | null)[] = [null, "any", "read-write", "primary"];
const PASSED_ON = ["application_name", "options"];
/** Parameters that a URL may have. */
const PARAMETERS = [
  "target_session_attrs",
  "pooler",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  ...PASSED_ON,
];

/**
 * Reads a URL; reads no file.
 * @throws {StoreOpenError} If it is none, with a sentence that repeats nothing of it but the names of parameters.
 */
export function readAddress(url: string): Address {
  const [, credentials, hosts = "", database, query = ""] = SHAPE.exec(url) ?? refuse();
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw new StoreOpenError(
        `The URL in DIT_KV may have ${PARAMETERS.join(", ")}, and no other parameter.`,
      );
    }
  }
  const session = parameters.get("target_session_attrs");
  if (!SESSIONS.includes(session)) {
    throw new StoreOpenError(
      "target_session_attrs in DIT_KV has to be read-write, primary or any: a standby takes no writes.",
    );
  }
  const pooler = parameters.get("pooler");
  if (pooler !== null && pooler !== "transaction") {
    throw new StoreOpenError(
      "pooler in DIT_KV has to be transaction, or absent where none stands in between.",
    );
  }
  const [user, ...password] = credentials?.split(":") ?? [];
  return {
    servers: hosts.split(",").map(readServer),
    poolsTransactions: pooler === "transaction",
    tls: tlsOf(parameters),
    user: decode(user),
    password: password.length === 0 ? undefined : decode(password.join(":")),
    database: decode(database),
    settings: Object.fromEntries(PASSED_ON.flatMap((name) => {
      const value = parameters.get(name);
      return value === null ? [] : [[name, value]];
    })),
  };
}

/** `host:port` as permissions have it. */
export function nameOf({ host, port }: Server): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function readServer(text: string): Server {
  const [, inBrackets, plain = "", port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ??
      refuse();
  const host = inBrackets ?? (plain === "" ? "localhost" : decode(plain) ?? "");
  const number = Number(port ?? DEFAULT_PORT);
  if (number < 1 || number > 65_535) refuse();
  // Of sockets in the file system permissions know nothing.
  if (host.includes("/")) throw new StoreOpenError("Name PostgreSQL's host in DIT_KV, not its socket.");
  return { host, port: number };
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse();
  }
}

function refuse(): never {
  throw new StoreOpenError(
    "DIT_KV is no URL of PostgreSQL: postgres://user@host:5432/database, with a % before a letter's code in a password.",
  );
}
