/**
 * A process's view of an application's keys: read from the store, opened, and kept for a while. The view may be stale;
 * what makes that harmless is the alive row, which every commit that rests on a key checks.
 *
 * @module
 */
import { toBase64url } from "../bytes.ts";
import type { Application } from "../config/types.ts";
import { Refusal } from "../errors.ts";
import { keySpace } from "../store/kv.ts";
import { challengeDigest } from "../token/challenge.ts";
import { tokenKeyId, truncatedKeyId } from "../token/token.ts";
import type { Suite } from "../voprf/suite.ts";
import { stateAt } from "./epoch.ts";
import { type KeyRow, openSecret } from "./key_row.ts";
import { createMissingKeys, destroyOverKeys, readKeyRows, type RotationContext } from "./rotation.ts";

/** A key that is alive, with its secrets opened. */
export interface SigningKey extends Omit<KeyRow, "sealed" | "revokedAt"> {
  /** SHA-256 of the public key. */
  readonly keyId: Uint8Array;
  /** Its last byte. */
  readonly truncatedId: number;
  /** Digest of the token challenge under this key's suite. */
  readonly challengeDigest: Uint8Array;
  /** The arithmetic. */
  readonly voprf: Suite;
  /** Ns bytes. */
  readonly secretKey: Uint8Array;
  /** 32 bytes. */
  readonly pepper: Uint8Array;
  /** The versionstamp of its alive row. */
  readonly aliveVersionstamp: string;
}

interface View {
  readonly keys: readonly SigningKey[];
  readonly byId: ReadonlyMap<string, SigningKey>;
  readonly readAtSeconds: number;
}

/** A view is read again after this many seconds. */
const REFRESH_SECONDS = 30;
/** A view that could not be read again is tried again after this many seconds. */
const RETRY_SECONDS = 5;
/** A key id that the view does not know makes it read again at most this often: anybody can make ids up. */
const UNKNOWN_REFRESH_SECONDS = 1;

/** The keys of one application. */
export class KeyRing {
  #view: View | undefined;
  #reading: Promise<View> | undefined;

  /** `issuer` is the deployment's issuer host name, to which tokens are bound. */
  constructor(
    private readonly context: RotationContext,
    private readonly app: Application,
    private readonly issuer: string,
  ) {}

  /** Keys that are not over at `nowSeconds`, in order of epoch and generation. The directory lists these. */
  async current(nowSeconds: number): Promise<readonly SigningKey[]> {
    const { keys } = await this.#fresh(nowSeconds);
    return keys.filter((key) => stateAt(key, nowSeconds) !== "over");
  }

  /** The one key that issues at `nowSeconds`: the latest generation of the epoch. */
  async issuing(nowSeconds: number): Promise<SigningKey> {
    const find = ({ keys }: View) => keys.findLast((key) => stateAt(key, nowSeconds) === "issuing");
    const key = find(await this.#fresh(nowSeconds)) ?? find(await this.#read(nowSeconds));
    if (key === undefined) {
      throw new Refusal("store_unavailable", "There is no key to issue with yet; try again.");
    }
    return key;
  }

  /**
   * The key that a credential names.
   * @throws {Refusal} `key_unknown` or `key_expired`.
   */
  async redeeming(keyId: Uint8Array, nowSeconds: number): Promise<SigningKey> {
    const name = toBase64url(keyId);
    let view = await this.#fresh(nowSeconds);
    if (!view.byId.has(name) && nowSeconds - view.readAtSeconds >= UNKNOWN_REFRESH_SECONDS) {
      view = await this.#read(nowSeconds);
    }
    const key = view.byId.get(name);
    const state = key === undefined ? undefined : stateAt(key, nowSeconds);
    if (key === undefined || state === "scheduled") {
      throw new Refusal("key_unknown", "No key with this id redeems here; fetch the directory.");
    }
    if (state === "over") throw keyExpired();
    return key;
  }

  /** Whether a key id is one of this region's, over or not. */
  async has(keyId: Uint8Array, nowSeconds: number): Promise<boolean> {
    return (await this.#fresh(nowSeconds)).byId.has(toBase64url(keyId));
  }

  /** Forgets the view: a commit has found that a key of it is over. */
  forget(): void {
    this.#view = undefined;
  }

  async #fresh(nowSeconds: number): Promise<View> {
    const view = this.#view;
    if (view === undefined) return await this.#read(nowSeconds);
    const age = nowSeconds - view.readAtSeconds;
    const complete = view.keys.some((key) => stateAt(key, nowSeconds) === "issuing");
    if (age >= 0 && age < Math.min(REFRESH_SECONDS, this.app.epochSeconds) && complete) return view;
    try {
      return await this.#read(nowSeconds);
    } catch (error) {
      if (!complete) throw error;
      // A store that does not answer ends no key; the old view serves a little longer.
      this.#view = { ...view, readAtSeconds: nowSeconds - REFRESH_SECONDS + RETRY_SECONDS };
      return view;
    }
  }

  /** Reads once however many ask at the same time. */
  #read(nowSeconds: number): Promise<View> {
    this.#reading ??= this.#readNow(nowSeconds).finally(() => this.#reading = undefined);
    return this.#reading;
  }

  async #readNow(nowSeconds: number): Promise<View> {
    // Whoever meets a missing key also ends those that are over: with short epochs cron would come too late.
    if (await createMissingKeys(this.context, this.app, nowSeconds) > 0) {
      await destroyOverKeys(this.context.store, this.app.id, this.context.region, nowSeconds);
    }
    const rows = await readKeyRows(this.context.store, this.app.id, this.context.region);
    const alive = await this.context.store.getMany<boolean>(rows.map((row) => keySpace.alive(row.ordinal)));
    const known = new Map(this.#view?.keys.map((key) => [key.ordinal, key]));
    const keys: SigningKey[] = [];
    for (const [index, row] of rows.entries()) {
      const { versionstamp } = alive[index]!;
      if (versionstamp === null) continue;
      keys.push(known.get(row.ordinal) ?? await this.#open(row, versionstamp));
    }
    this.#view = {
      keys,
      byId: new Map(keys.map((key) => [toBase64url(key.keyId), key])),
      readAtSeconds: nowSeconds,
    };
    return this.#view;
  }

  async #open(row: KeyRow, aliveVersionstamp: string): Promise<SigningKey> {
    const { sealed: _sealed, revokedAt: _revokedAt, ...rest } = row;
    const voprf = this.context.suites(row.suite);
    const keyId = tokenKeyId(row.publicKey);
    return {
      ...rest,
      ...await openSecret(this.context.sealer, row),
      voprf,
      keyId,
      truncatedId: truncatedKeyId(keyId),
      challengeDigest: challengeDigest({
        tokenType: voprf.tokenType,
        issuerName: this.issuer,
        app: this.app.id,
      }),
      aliveVersionstamp,
    };
  }
}

/** The refusal of a key that has ended. */
export function keyExpired(): Refusal {
  return new Refusal("key_expired", "The key of this token has ended.");
}
