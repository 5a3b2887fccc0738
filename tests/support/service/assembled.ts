/**
 * A service put together by boot/assemble.ts, as main.ts has it, on what a test chooses: a clock, a store, settings.
 *
 * @module
 */
import { assemble, type Assembled, type Tuning } from "../../../boot/assemble.ts";
import { readSettings, type Settings } from "../../../boot/settings.ts";
import { MacKeyCache } from "../../../core/acs/mac_keys.ts";
import type { RandomSource } from "../../../core/base/random.ts";
import type { Deployment } from "../../../core/config/types.ts";
import { hasKeys, type Service } from "../../../core/service.ts";
import { openStore } from "../../../boot/open_store.ts";
import type { Store } from "../../../core/store/store.ts";
import type { OperatorSettings } from "../../../edge/auth/operator_settings.ts";
import type { AccessLine } from "../../../edge/access_log.ts";

/** Signs the sessions of applications with an HS256 key. */
export const SESSION_SECRET = "a session secret of tests, over 32 bytes";

/** Fresh bytes of the platform's cryptographic source. */
export const systemRandom: RandomSource = (length) => crypto.getRandomValues(new Uint8Array(length));

/** What a test may choose of a service; what it does not is as in production. */
export interface AssembledTestOptions {
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** Unix seconds, whole. */
  readonly now: () => number;
  /** A clock that does not leap with it, in seconds; by default the same one, so that time passes where it is moved. */
  readonly steady?: (() => number) | undefined;
  /** Opens the store, which is closed with the service; one of its own in memory by default. */
  readonly openStore?: (() => Promise<Store>) | undefined;
  /** Settings that differ from those of an environment that says only what production has to. */
  readonly settings?: Partial<Settings> | undefined;
  /** The sealing key; the same in all services of tests by default. */
  readonly sealKey?: Uint8Array<ArrayBuffer> | undefined;
  /** Who may operate the service; nobody by default. */
  readonly operators?: Partial<OperatorSettings> | undefined;
  /** Where secrets, row ids and shuffles come from. */
  readonly random?: RandomSource | undefined;
  /** Reaches other servers. */
  readonly fetch?: typeof fetch | undefined;
  /** What no operator sets. */
  readonly tuning?: Tuning | undefined;
}

/** A service with keys of its own, and what it said. */
export interface AssembledTest extends Assembled {
  readonly service: Service;
  /** Errors that nobody expected. */
  readonly internalErrors: unknown[];
  /** The lines that were logged of the requests so far. */
  readonly answers: AccessLine[];
  /** The other lines that were logged so far. */
  readonly said: Record<string, unknown>[];
  /** Ends live views, as a process does that is told to stop. */
  readonly stopping: AbortController;
}

/** Uses and MAC keys that a service of a test remembers; more than any test has. */
const REMEMBERED = 1_000;

const ENVIRONMENT: Record<string, string> = {
  DIT_KV: ":memory:",
  DIT_SEAL_KEYS: new Uint8Array(32).toBase64(),
  DIT_LOG: "requests",
  // What computes the curve, where somebody runs the tests on something else than the default.
  DIT_SUITE_KERNEL: Deno.env.get("DIT_SUITE_KERNEL") ?? "wasm",
};

/** The settings of a service with a store in memory, and changes to them. */
export function testSettings(changes: Partial<Settings> = {}): Settings {
  return { ...readSettings((name) => ENVIRONMENT[name]), ...changes };
}

/** Puts it together. Keys are not made yet: maintenance does that. */
export async function assembleTest(options: AssembledTestOptions): Promise<AssembledTest> {
  const { deployment, now, operators, random = systemRandom } = options;
  const internalErrors: unknown[] = [];
  const answers: AccessLine[] = [];
  const said: Record<string, unknown>[] = [];
  const stopping = new AbortController();
  const assembled = await assemble({
    settings: testSettings(options.settings),
    deployment,
    secrets: {
      sealKeys: [options.sealKey ?? new Uint8Array(32)],
      named: () => SESSION_SECRET,
      operators: {
        // A token that nobody has, where only others may sign in.
        adminTokenSha256: operators && new Uint8Array(32),
        readerTokenSha256: undefined,
        analystTokenSha256: undefined,
        oidc: undefined,
        ...operators,
      },
    },
    openStore: options.openStore ?? (() => openStore(":memory:")),
    ports: {
      now,
      steady: options.steady ?? now,
      random,
      fetch: options.fetch ?? fetch,
      log(event, members) {
        if (event === "answer") answers.push(members as unknown as AccessLine);
        else said.push({ event, ...members });
      },
      onInternalError: (error) => internalErrors.push(error),
    },
    stopped: stopping.signal,
    // Tables for a hundred thousand uses cost a service of a few more time than all that it does.
    tuning: {
      macKeys: new MacKeyCache(random, REMEMBERED),
      ...options.tuning,
      committer: { maxInFlight: 1, maxRecent: REMEMBERED, ...options.tuning?.committer },
    },
  });
  const { service } = assembled;
  if (!hasKeys(service)) throw new TypeError("A log server has no keys of its own.");
  return {
    ...assembled,
    service,
    internalErrors,
    answers,
    said,
    stopping,
    async close() {
      stopping.abort();
      await assembled.close();
    },
  };
}
