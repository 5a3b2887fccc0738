/**
 * Which variables programs get that the launcher starts: those that are named, and what Deno itself looks for. Whatever
 * else an environment holds, such as secrets of other programs, stays with the launcher.
 *
 * @module
 */

/** What Deno looks for in any program. */
const DENOS_OWN = [
  ...["PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "DENO_DIR", "DENO_NO_UPDATE_CHECK", "DENO_V8_FLAGS"],
  ...["NPM_CONFIG_REGISTRY", "NO_COLOR", "FORCE_COLOR", "TERM", "TZ", "LANG", "LC_ALL"],
];
/** What it looks for in one that reaches other hosts. A proxy's URL may hold a password. */
const FOR_NETWORKS = [
  ...["DENO_CERT", "DENO_TLS_CA_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
];
/** What it looks for in the service: its telemetry, the platform's marks, and how tests hurry its crons. */
const FOR_THE_SERVICE = /^(?:OTEL_[A-Z0-9_]+|DENO_DEPLOY|DENO_DEPLOYMENT_ID|DENO_CRON_TEST_SCHEDULE_OFFSET)$/;

/** What a program is for. */
export type ProgramKind = "apart" | "reaches a network" | "service";

/** The variables of `all` that a program gets; `names` are those that it asks for itself. */
export function handOn(
  all: Readonly<Record<string, string>>,
  kind: ProgramKind,
  names: readonly string[] = [],
): Record<string, string> {
  const wanted = new Set([...DENOS_OWN, ...kind === "apart" ? [] : FOR_NETWORKS, ...names]);
  return Object.fromEntries(
    Object.entries(all).filter(([name]) =>
      // Deno starts no program with a variable of the dynamic linker, which it would run foreign code by.
      !/^(?:LD|DYLD)_/.test(name) && (wanted.has(name) || (kind === "service" && FOR_THE_SERVICE.test(name)))
    ),
  );
}
