/**
 * Sessions of the console: a signed cookie that runs out, and can be ended before. Both ends of a session are written to
 * the audit log before they happen.
 *
 * @module
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import { endSession, isEnded } from "../../core/operations/sessions_ended.ts";
import type { Store } from "../../core/store/store.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { AuditLog } from "../../core/operations/audit_log.ts";
import { type Operator, operatorFor, type SignedIn } from "./operator.ts";
import { nameOf, type OperatorEntry } from "./operator_entries.ts";
import { entriesOf, type OperatorSettings, tokensOf } from "./operator_settings.ts";

/** Seconds that a session lasts. */
export const SESSION_SECONDS = 8 * 3_600;
/** Seconds that a sign-in at the identity provider may take. */
export const SIGN_IN_SECONDS = 600;

/** An operator's session. */
export interface ConsoleSession {
  /** A random name. */
  readonly id: string;
  /** Whose it is. */
  readonly signedIn: SignedIn;
  /** As what they are answered: at most what they may anywhere, and less where a page is about one application. */
  readonly operator: Operator;
  /** What every form has to carry back. */
  readonly formToken: string;
  /** Unix seconds of its end. */
  readonly expiresAtSeconds: number;
}

/** What sessions are made with. */
export interface ConsoleSessionsOptions {
  /** 32 bytes, the same in every process: see {@linkcode consoleKey}. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The entries of the settings. A session names its own by their places, so that its cookie stays short. */
  readonly entries: readonly OperatorEntry[];
  /** Where ended sessions are remembered. */
  readonly store: Store;
  /** Where signing in and out is written down. */
  readonly auditLog: AuditLog;
  /** Makes names. */
  readonly random: RandomSource;
  /** Unix seconds. */
  readonly now: () => number;
}

/**
 * The key of sessions, derived from a secret that every process has. Changing a token or the list of operators
 * ends all sessions.
 */
export function consoleKey(secret: Uint8Array, operators: OperatorSettings): Uint8Array<ArrayBuffer> {
  const { admin, reader, analyst } = tokensOf(operators);
  const { oidc } = operators;
  const who = JSON.stringify([
    [admin, reader, analyst].map((digest) => digest?.toHex()),
    oidc && [oidc.issuer, oidc.clientId],
    entriesOf(operators).map(textOf),
  ]);
  return Uint8Array.from(hkdf(sha256, secret, sha256(utf8(who)), utf8("DIT/1 console session"), 32));
}

/** All that an entry says. */
function textOf({ role, apps, ...who }: OperatorEntry): string {
  return JSON.stringify([role, nameOf(who), apps && [...apps].sort()]);
}

/** Opens, reads and ends sessions. */
export class ConsoleSessions {
  readonly #options: ConsoleSessionsOptions;

  /** Nothing is kept in memory: any process reads any other's sessions. */
  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
  }

  /**
   * Opens a session.
   * @returns The cookie's value.
   * @throws {Refusal} `store_unavailable`: nobody is signed in without an entry in the audit log.
   */
  async open({ name, by, entries }: SignedIn): Promise<string> {
    await this.#options.auditLog.append({ operator: name, by, via: "console", action: "sign in" });
    const places = this.#options.entries.map(textOf);
    const as = entries.map((entry) => places.indexOf(textOf(entry)));
    return await this.#sign("session", { name, by, as }, SESSION_SECONDS);
  }

  /** The session of a cookie; undefined when it is none, has run out or was ended. */
  async read(cookie: string | undefined): Promise<ConsoleSession | undefined> {
    const claims = await this.#verify("session", cookie);
    if (claims === undefined || await isEnded(this.#options.store, claims.jti)) return undefined;
    const { name, by, as } = claims as { name: string; by?: string; as: readonly number[] } & typeof claims;
    const entries = as.map((place) => this.#options.entries[place]).filter((entry) => entry !== undefined);
    if (entries.length === 0) return undefined;
    const signedIn: SignedIn = { name, by, via: "console", entries };
    return {
      id: claims.jti,
      signedIn,
      operator: operatorFor(signedIn, { about: "each", least: "analyst" }),
      formToken: this.#formToken(claims.jti),
      expiresAtSeconds: claims.exp,
    };
  }

  /**
   * Ends a session.
   * @throws {Refusal} `store_unavailable`.
   */
  async end({ id, signedIn: { name, by }, expiresAtSeconds }: ConsoleSession): Promise<void> {
    const { auditLog, store } = this.#options;
    await auditLog.append({ operator: name, by, via: "console", action: "sign out" });
    await endSession(store, id, expiresAtSeconds);
  }

  /** Whether a form carries its session's token. */
  isFormOf(session: ConsoleSession, formToken: unknown): boolean {
    return typeof formToken === "string" &&
      timingSafeEqual(sha256(utf8(formToken)), sha256(utf8(session.formToken)));
  }

  /** Keeps what a sign-in at the identity provider needs when it comes back. Gives the cookie's value. */
  async keep(claims: Record<string, string>): Promise<string> {
    return await this.#sign("sign-in", claims, SIGN_IN_SECONDS);
  }

  /** What {@linkcode keep} kept; undefined when it is none or has run out. */
  async kept(cookie: string | undefined): Promise<Record<string, unknown> | undefined> {
    return await this.#verify("sign-in", cookie);
  }

  #formToken(id: string): string {
    return toBase64url(hmac(sha256, this.#options.key, utf8(`form ${id}`)));
  }

  async #sign(what: string, claims: JWTPayload, seconds: number): Promise<string> {
    const { key, random, now } = this.#options;
    return await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setAudience(`dit console ${what}`)
      .setJti(toBase64url(random(16))).setExpirationTime(now() + seconds).sign(key);
  }

  async #verify(
    what: string,
    cookie: string | undefined,
  ): Promise<Record<string, unknown> & { jti: string; exp: number } | undefined> {
    if (cookie === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(cookie, this.#options.key, {
        algorithms: ["HS256"],
        audience: `dit console ${what}`,
        requiredClaims: ["exp", "jti"],
        currentDate: new Date(this.#options.now() * 1000),
      });
      return payload as Record<string, unknown> & { jti: string; exp: number };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
