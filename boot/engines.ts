/**
 * The engines that there are, and which of them opens what `DIT_KV` names. No other file of the service names one: whoever
 * has to know what a store can do asks here, or the open store for its capabilities.
 *
 * @module
 */
import type { ClaimingEngine } from "../core/store/claims.ts";
import { isFile, openEngine } from "../core/store/deno_kv/open.ts";
import { isPostgres, openPostgres, reachesOf } from "../core/store/postgres/open.ts";
import { hostOfUrl } from "./hosts_of_urls.ts";

/** Where a store is: what `DIT_KV` says; undefined: where the platform has one. */
export type Location = string | undefined;

/** Reads variables. */
type Environment = (name: string) => string | undefined;

/** An engine, and which stores are its own. */
interface EngineChoice {
  /** Whether it opens what is there. */
  readonly takes: (location: Location) => boolean;
  /** Whether that is an SQLite file. */
  readonly isFile: (location: Location) => location is string;
  /** Whether several processes may use it at the same time. */
  readonly isShared: (location: Location) => boolean;
  /** What it has to reach beside files of its own. */
  readonly reaches: (location: Location, get: Environment) => StoreReach;
  /** How a store that is no file is backed up and put back by its server: what to use, and the page that says how. */
  readonly means: Readonly<Record<ServersPart, string>>;
  /** Opens it. Throws `StoreOpenError`. */
  readonly open: (location: Location) => Promise<ClaimingEngine>;
  /** Opens a replica of it, in which nothing can be written; absent where there are none. Throws `StoreOpenError`. */
  readonly openReplica?: (location: string) => Promise<ClaimingEngine>;
}

/** What of a store that is no file its server does, and no command of this program. */
export type ServersPart = "back up" | "put back";

/** What a store has to reach, in the words of Deno's permissions. */
export interface StoreReach {
  /** `host:port` of its servers. */
  readonly net: readonly string[];
  /** Variables that its client reads. */
  readonly env: readonly string[];
  /** Files that its client reads. */
  readonly read: readonly string[];
}

const readText = (path: string) => Deno.readTextFileSync(path);

const POSTGRES: EngineChoice = {
  takes: isPostgres,
  isFile: (_): _ is string => false,
  isShared: () => true,
  reaches: (location, get) => reachesOf(location ?? "", get),
  means: {
    "back up": "by the means of its server, such as pg_dump (docs/postgresql.md)",
    "put back": "by the means of its server, such as pg_restore (docs/postgresql.md)",
  },
  open: (location) => openPostgres(location ?? "", { readText }),
  openReplica: (location) => openPostgres(location, { readText, isReplica: true }),
};

/** The engine of all locations that are nobody else's. */
const DENO_KV: EngineChoice = {
  takes: () => true,
  isFile,
  isShared: (location) => location === undefined || /^https?:/.test(location),
  reaches: (location) =>
    location !== undefined && /^https?:/.test(location)
      ? { net: [hostOfUrl(location)], env: ["DENO_KV_ACCESS_TOKEN"], read: [] }
      : { net: [], env: [], read: [] },
  means: {
    "back up": "by the means of its server (docs/operating.md)",
    "put back": "by the means of its server (docs/operating.md)",
  },
  open: openEngine,
};

/** All engines; the first that takes a location opens it. */
const ENGINES: readonly EngineChoice[] = [POSTGRES, DENO_KV];

/** The engine of the store at `location`. */
export function engineOf(location: Location): EngineChoice {
  return ENGINES.find(({ takes }) => takes(location)) ?? DENO_KV;
}

/** How the server of the store at `location` does its part, in words. */
export function meansOf(location: Location, part: ServersPart): string {
  return engineOf(location).means[part];
}

/** What a store that several processes share can be, in words. */
export const SHARED_STORES = "the URL of a PostgreSQL database or a KV Connect endpoint";
/** How the URLs of stores begin, in words. */
const URLS = "postgres://, https:// or http://";
/** What somebody meant to be a URL, or has a blank before it. */
const LIKE_A_URL = /^\s|^[a-z][a-z0-9+.-]*:\//i;

/**
 * What is wrong with `location`, a sentence without it that says what a store is; undefined: nothing. A slip in a URL would
 * be the path of a new file otherwise, with the password in its name.
 */
export function mistakeInLocation(location: string): string | undefined {
  if (!LIKE_A_URL.test(location) || isPostgres(location) || /^https?:\/\//.test(location)) return undefined;
  return `a path, or a URL that begins with ${URLS}`;
}

/** What is wrong with the `location` of a replica, in the same way. */
export function mistakeInReplica(location: string): string | undefined {
  return engineOf(location).openReplica === undefined
    ? "the URL of a replica of the PostgreSQL database that DIT_KV names"
    : undefined;
}
