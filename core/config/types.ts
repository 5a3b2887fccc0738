/**
 * What an operator writes into `dit.config.ts`.
 *
 * @module
 */
import type { ApplicationRisk, EventSchemas } from "../schema/event.ts";
import type { ReleasesConfig } from "./release_types.ts";
import type { SuiteName } from "../voprf/suites.ts";

/** How the sessions of an application's clients are verified. */
export interface SessionConfig {
  /** The `iss` that a JWT must carry. */
  readonly issuer: string;
  /** The `aud` that a JWT must contain; the application's id by default. */
  readonly audience?: string;
  /** Where the verification key comes from. */
  readonly key: SessionKey;
  /** Most seconds since `iat`, which a JWT then has to have; no bound by default. */
  readonly maxAgeSeconds?: number;
}

/** A shared secret, a public key, or a JWKS. */
export type SessionKey =
  /** HS256 with the secret in an environment variable (at least 32 bytes). */
  | { readonly kind: "hs256"; readonly secretEnv: string }
  /** A static public key in PEM (SPKI) for one asymmetric algorithm. */
  | { readonly kind: "public-key"; readonly algorithm: AsymmetricAlgorithm; readonly pem: string }
  /** A JSON Web Key Set over HTTPS, cached and refreshed by `kid`. */
  | { readonly kind: "jwks"; readonly url: string; readonly algorithms: readonly AsymmetricAlgorithm[] };

/** The asymmetric JWS algorithms that may be allowed. */
export type AsymmetricAlgorithm = "RS256" | "PS256" | "ES256" | "ES384" | "EdDSA";

/** One application: its clients, its keys and what it collects. */
export interface ApplicationConfig {
  /** The VOPRF cipher suite; `ristretto255-SHA512` by default. */
  readonly suite?: SuiteName;
  /** Seconds that one key issues; 86400 by default, 1 h .. 30 d (from 10 s in development). */
  readonly epochSeconds?: number;
  /** Epochs that a key still redeems after it stopped issuing, 0..8; 1 by default. */
  readonly overlapEpochs?: number;
  /** Epochs whose keys are published ahead, 1..8; 3 by default. */
  readonly horizonEpochs?: number;
  /** Logs that one token signs, 1..1024; 64 by default. Fixed for the life of a key. */
  readonly usesPerToken?: number;
  /**
   * A preset in which no two logs can be linked by their token or by a pseudonym; false by default. `usesPerToken` is 1
   * and no pseudonym is collected, so that `risk` and `releases`, which count people, cannot be asked for; then
   * `tokensPerClient` is 256 by default, which is also the most logs of a client and key, and `maxBatch` 128.
   */
  readonly unlinkable?: boolean;
  /** Tokens that one client gets per key, 1..1024; 2 by default. An account is at most as many people a key. */
  readonly tokensPerClient?: number;
  /** Most tokens of one request, 1..256; 32 by default. */
  readonly maxBatch?: number;
  /** The clients' sign-in. */
  readonly session: SessionConfig;
  /**
   * Rotation of the pseudonym in seconds, a multiple of 86400 and of `epochSeconds`; 7 days by default; false: none is
   * collected.
   */
  readonly pseudonymSeconds?: number | false;
  /** Seconds to which a record's times are floored, one of `GRANULARITIES`: 60, 300, 900, 3600, 21600 or 86400; 3600 by default. */
  readonly granularitySeconds?: number;
  /** Days that raw records are kept, 1..400; 30 by default. */
  readonly retentionDays?: number;
  /** Clients that are expected to send, for the schema's budget; 10,000 by default. */
  readonly expectedClients?: number;
  /** Fewest clients that should share a record at worst, for the schema's budget; 20 by default. */
  readonly minCrowd?: number;
  /** SHA-256 (hex) of the token with which another service uses this application's keys; none: nobody may. */
  readonly serviceTokenSha256?: string;
  /** When the risk monitor warns and stops, for all events that do not say otherwise; not without a pseudonym. */
  readonly risk?: ApplicationRisk;
  /** Which questions are answered every night with differential privacy; none by default, nor without a pseudonym. */
  readonly releases?: ReleasesConfig;
  /** The events by name. */
  readonly events: EventSchemas;
}

/** An application as somebody wrote it, before it is checked. */
export type Written = { readonly [name in keyof ApplicationConfig]?: unknown };

/** Where alerts of the risk monitor go, besides the log and the console. */
export interface AlertsConfig {
  /** Takes each alert as JSON, `{"text": "..."}` and its members, as Slack and its like do. */
  readonly webhook: {
    /** An https URL. */
    readonly url: string;
    /** The environment variable with the secret that signs each call (at least 32 characters). */
    readonly secretEnv: string;
  };
}

/** A whole deployment. */
export interface Config {
  /** The issuer host name that every token is bound to. */
  readonly issuer: string;
  /** Where alerts go; to the log and the console alone by default. */
  readonly alerts?: AlertsConfig;
  /** The applications by id. */
  readonly applications: Readonly<Record<string, ApplicationConfig>>;
}

/** An application with its defaults filled in. */
export interface Application {
  /** The application's id. */
  readonly id: string;
  /** The VOPRF cipher suite. */
  readonly suite: SuiteName;
  /** Seconds that one key issues. */
  readonly epochSeconds: number;
  /** Epochs that a key redeems beyond its own. */
  readonly overlapEpochs: number;
  /** Epochs published ahead. */
  readonly horizonEpochs: number;
  /** Logs that one token signs. */
  readonly usesPerToken: number;
  /** Tokens that one client gets per key. */
  readonly tokensPerClient: number;
  /** Most tokens of one request. */
  readonly maxBatch: number;
  /** The clients' sign-in. */
  readonly session: SessionConfig;
  /** Rotation of the pseudonym in seconds; undefined: none is collected. */
  readonly pseudonymSeconds: number | undefined;
  /** Seconds to which a record's times are floored. */
  readonly granularitySeconds: number;
  /** Days that raw records are kept. */
  readonly retentionDays: number;
  /** Clients that are expected to send. */
  readonly expectedClients: number;
  /** Fewest clients that should share a record at worst. */
  readonly minCrowd: number;
  /** SHA-256 (hex) of the service token, if any. */
  readonly serviceTokenSha256: string | undefined;
  /** When the risk monitor warns and stops, for all events that do not say otherwise. */
  readonly risk: ApplicationRisk;
  /** Which questions are answered every night with differential privacy. */
  readonly releases: ReleasesConfig | undefined;
  /** The events by name. */
  readonly events: EventSchemas;
}

/** A checked deployment. */
export interface Deployment {
  /** The issuer host name. */
  readonly issuer: string;
  /** Where alerts go besides the log and the console. */
  readonly alerts: AlertsConfig | undefined;
  /** The applications by id. */
  readonly applications: ReadonlyMap<string, Application>;
}
