/**
 * What a start that came to nothing tells a person: a sentence that repeats nothing of the URL.
 *
 * @module
 */
import { sqlState } from "./errors.ts";
import { NotPrimary } from "./primary.ts";

/** By SQLSTATE: what a person has to mend. */
const MISTAKES: Readonly<Record<string, string>> = {
  "28P01": "PostgreSQL refuses the password: see DIT_KV, PGPASSFILE or PGPASSWORD.",
  "28000": "PostgreSQL lets this user not in from here: see its pg_hba.conf and the user in DIT_KV.",
  "3D000": "PostgreSQL has no such database: make it with createdb, or name another one in DIT_KV.",
  "08P01":
    "What stands between here and PostgreSQL refuses what the service sets: for a connection pooler add pooler=transaction to DIT_KV.",
};

/** insufficient_privilege, which may be of the database, of the schema, or of a table in it. */
export const NO_RIGHT = "42501";

/** What a user who lacks a right has: no schema is there yet, they may not look into it, or may not use what is in it. */
export type Rights = "no schema" | "no usage" | "schema";

/** What a user is told who may look into the schema, but lacks a right there. */
export const LACKS_GRANTS =
  "PostgreSQL lets this user not do in the schema dit what the service needs: run the grants of docs/postgresql.md as its owner, after an upgrade once the service itself.";

const LACKS: Readonly<Record<Rights, string>> = {
  "no schema":
    "PostgreSQL lets this user make no tables: grant it CREATE on the database, or start once as its owner.",
  "no usage":
    "PostgreSQL lets this user not into the schema dit: as its owner GRANT USAGE ON SCHEMA dit to the user in DIT_KV, with the other grants of docs/postgresql.md.",
  "schema": LACKS_GRANTS,
};

/** By words of npm `pg` and of the platform's TLS, which have no codes. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/password must be a/, "PostgreSQL asks for a password: give one in DIT_KV, PGPASSFILE or PGPASSWORD."],
  [
    /not support SSL/,
    "PostgreSQL takes no encrypted connections: set ssl = on there, or see sslmode in DIT_KV.",
  ],
  [
    /certificate|self.signed/i,
    "PostgreSQL shows a certificate that is not trusted here: see sslrootcert and the host in DIT_KV.",
  ],
];

/** What may pass by itself. */
const FULL = "53300";

/**
 * The sentence for an error of a start, and whether it may pass though nobody has done anything. `rights` are what a user
 * has who lacks one.
 */
export function sentenceOf(
  error: unknown,
  rights: Rights = "schema",
): readonly [message: string, options: { cause: unknown; mayPass: boolean }] {
  const state = sqlState(error);
  const text = error instanceof Error ? error.message : "";
  const mistake = state === NO_RIGHT
    ? LACKS[rights]
    : MISTAKES[state ?? ""] ?? WORDS.find(([words]) => words.test(text))?.[1];
  if (mistake !== undefined) return [mistake, { cause: error, mayPass: false }];
  const sentence = error instanceof NotPrimary
    ? "None of the servers that DIT_KV names takes writes: promote one of them."
    : state === FULL
    ? "PostgreSQL has no connection left: raise its max_connections, or end programs that hold some."
    : "PostgreSQL does not answer: see that the server which DIT_KV names runs and is reached from here.";
  return [sentence, { cause: error, mayPass: true }];
}
