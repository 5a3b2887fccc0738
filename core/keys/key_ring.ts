/**
 * A process's view of an application's keys: read from the store, opened, and kept for a while. The view may be stale;
 * what makes that harmless is the alive row, which every commit that rests on a key checks.
 *
 * @module
 */
import { equalPublic } from "../base/bytes.ts";
import type { Application } from "../config/types.ts";
import { Refusal } from "../base/errors.ts";
import { ALIVE_KEYS } from "./families.ts";
import type { Guard } from "../store/claims.ts";
import { challengeDigest } from "../token/challenge.ts";
import { tokenKeyId, truncatedKeyId } from "../token/token.ts";
import type { Suite } from "../voprf/suite.ts";
import { epochAt, lifetimeOf, stateAt } from "./epoch.ts";
import { type KeyRow, openSecret } from "./key_row.ts";
import { createMissingKeys, destroyOverKeys, readKeyRows, type RotationContext } from "./rotation.ts";
import { SealError } from "./sealing.ts";

/** A key that is alive, as everyone may know it. */
export interface AliveKey extends Omit<KeyRow, "sealed" | "revokedAt"> {
  /** SHA-256 of the public key. */
  readonly keyId: Uint8Array;
  /** Its last byte. */
  readonly truncatedId: number;
  /** Digest of the token challenge under this key's suite. */
  readonly challengeDigest: Uint8Array;
  /** The arithmetic. */
  readonly voprf: Suite;
  /** Its alive row as it was read: what every commit that rests on the key depends on. */
  readonly alive: Guard;
}

/** A key that is alive, with its secrets opened. */
export interface SigningKey extends AliveKey {
  /** Ns bytes. */
  readonly secretKey: Uint8Array;
  /** 32 bytes. */
  readonly pepper: Uint8Array;
}

interface View {
  /** In order of epoch and generation. Those whose secrets do not open here are only published. */
  readonly keys: readonly (SigningKey | AliveKey)[];
  readonly readAtSeconds: number;
  /** When it could not be read again. */
  readonly failedAtSeconds?: number;
}

/** A view is read again after this many seconds. */
const REFRESH_SECONDS = 30;
/** A view that could not be read again is tried again after this many seconds. */
const RETRY_SECONDS = 5;
/** A key redeems this long before it issues here: another instance's clock may be ahead and have issued already. */
const EARLY_SECONDS = 60;
/** A key id that the view does not know makes it read again at most this often: anybody can make ids up. */
const UNKNOWN_REFRESH_SECONDS = 1;

/** The keys of one application. */
export class KeyRing {
  readonly #context: RotationContext;
  readonly #app: Application;
  readonly #issuer: string;
  readonly #onGone: (ordinal: number) => void;
  #view: View | undefined;
  #reading: Promise<View> | undefined;
  /** Ordinals of the keys of the last view, which outlive it when it is forgotten. */
  #ordinals: ReadonlySet<number> = new Set();

  /**
   * `issuer` is the deployment's issuer host name, to which tokens are bound; `onGone` hears the ordinals of keys that
   * have left the view, whose traces in memory are to go as well.
   */
  constructor(
    context: RotationContext,
    app: Application,
    issuer: string,
    onGone: (ordinal: number) => void = () => {},
  ) {
    this.#context = context;
    this.#app = app;
    this.#issuer = issuer;
    this.#onGone = onGone;
  }

  /**
   * Keys of the present calendar that are not over at `nowSeconds`, in order of epoch and generation: what the directory
   * lists. Keys from before a change of the epoch's length still redeem, but clients could not place them.
   */
  async current(nowSeconds: number): Promise<readonly AliveKey[]> {
    const { keys } = await this.#fresh(nowSeconds);
    // What a clock that was ahead has made beyond the horizon waits until the horizon comes to it.
    const last = epochAt(this.#app, nowSeconds) + this.#app.horizonEpochs;
    return keys.filter((key) =>
      stateAt(key, nowSeconds) !== "over" && key.epoch <= last &&
      key.notBefore === lifetimeOf(this.#app, key.epoch).notBefore
    );
  }

  /**
   * The one key that issues at `nowSeconds`: the latest generation of the epoch. `truncatedId` is what a request names:
   * when this view knows no such key, it may come from one that has just replaced this view's.
   * @throws {Refusal} `store_unavailable` when there is none yet.
   */
  async issuing(nowSeconds: number, truncatedId?: number): Promise<SigningKey> {
    const epoch = epochAt(this.#app, nowSeconds);
    const find = ({ keys }: View) => keys.findLast((key) => key.epoch === epoch);
    let view = await this.#fresh(nowSeconds);
    const unknown = truncatedId !== undefined && view.keys.every((key) => key.truncatedId !== truncatedId);
    if (find(view) === undefined || (unknown && this.#mayReadAgain(view, nowSeconds))) {
      view = await this.#read(nowSeconds);
    }
    const key = find(view);
    if (key === undefined) {
      throw new Refusal("store_unavailable", "There is no key to issue with yet; try again.", {
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    return opened(key);
  }

  /**
   * The key that a credential names.
   * @throws {Refusal} `key_unknown` or `key_expired`.
   */
  async redeeming(keyId: Uint8Array, nowSeconds: number): Promise<SigningKey> {
    let view = await this.#fresh(nowSeconds);
    let key = keyIn(view, keyId);
    if (key === undefined && this.#mayReadAgain(view, nowSeconds)) {
      view = await this.#read(nowSeconds);
      key = keyIn(view, keyId);
    }
    if (key === undefined || nowSeconds < key.notBefore - EARLY_SECONDS) {
      throw new Refusal("key_unknown", "No key with this id redeems here; fetch the directory.");
    }
    if (stateAt(key, nowSeconds) === "over") throw keyExpired();
    return opened(key);
  }

  /** Forgets the view: a commit has found that a key of it is over, or an operator has changed the keys. */
  forget(): void {
    this.#view = undefined;
    this.#reading = undefined;
  }

  #mayReadAgain(view: View, nowSeconds: number): boolean {
    return Math.abs(nowSeconds - view.readAtSeconds) >= UNKNOWN_REFRESH_SECONDS;
  }

  async #fresh(nowSeconds: number): Promise<View> {
    const view = this.#view;
    if (view === undefined) return await this.#read(nowSeconds);
    const age = nowSeconds - view.readAtSeconds;
    // At the turn of an epoch every instance looks at once, so that all serve the same directory.
    const horizon = epochAt(this.#app, nowSeconds) + this.#app.horizonEpochs;
    const isDue = age < 0 || age >= REFRESH_SECONDS || !view.keys.some((key) => key.epoch === horizon);
    const failedAgo = nowSeconds - (view.failedAtSeconds ?? -Infinity);
    if (!isDue || (failedAgo >= 0 && failedAgo < RETRY_SECONDS)) return view;
    try {
      return await this.#read(nowSeconds);
    } catch (error) {
      if (!view.keys.some((key) => stateAt(key, nowSeconds) === "issuing")) throw error;
      // A store that does not answer ends no key: the old view serves a little longer.
      const failed = { ...view, failedAtSeconds: nowSeconds };
      if (this.#view === view) this.#view = failed;
      return failed;
    }
  }

  /** Reads once however many ask at the same time. */
  #read(nowSeconds: number): Promise<View> {
    this.#reading ??= this.#readAndKeep(nowSeconds);
    return this.#reading;
  }

  #readAndKeep(nowSeconds: number): Promise<View> {
    const reading = this.#readNow(nowSeconds).then((view) => {
      // What was forgotten meanwhile is not brought back.
      if (this.#reading === reading) this.#keep(view);
      return view;
    }).finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    return reading;
  }

  #keep(view: View): void {
    const kept = new Set(view.keys.map((key) => key.ordinal));
    for (const ordinal of this.#ordinals) if (!kept.has(ordinal)) this.#onGone(ordinal);
    this.#ordinals = kept;
    this.#view = view;
  }

  async #readNow(nowSeconds: number): Promise<View> {
    const { store, region } = this.#context;
    const known = new Map(this.#view?.keys.map((key) => [key.ordinal, key]));
    // With short epochs cron would come too late: reading makes what is missing and ends what is over.
    await createMissingKeys(this.#context, this.#app, nowSeconds);
    let rows = await readKeyRows(store, this.#app.id, region);
    if (rows.some((row) => stateAt(row, nowSeconds) === "over")) {
      await destroyOverKeys(this.#context, nowSeconds, this.#app.id);
      rows = rows.filter((row) => stateAt(row, nowSeconds) !== "over");
    }
    const alive = await store.getMany<boolean>(rows.map((row) => ALIVE_KEYS.key(row.ordinal)));
    // After them: whoever moves the store writes them anew once it has said so.
    await store.requirePlace();
    const keys: (SigningKey | AliveKey)[] = [];
    for (const [index, row] of rows.entries()) {
      const stamp = alive[index]?.stamp ?? null;
      if (stamp === null) continue;
      const before = known.get(row.ordinal);
      const isOpen = before !== undefined && "secretKey" in before;
      keys.push(isOpen ? withLink(before, row) : await this.#open(row, stamp));
    }
    return { keys, readAtSeconds: nowSeconds };
  }

  async #open(row: KeyRow, stamp: string): Promise<SigningKey | AliveKey> {
    const { sealed: _sealed, revokedAt: _revokedAt, ...rest } = row;
    const voprf = this.#context.suites(row.suite);
    const keyId = tokenKeyId(row.publicKey);
    const { tokenType } = voprf;
    const key: AliveKey = {
      ...rest,
      voprf,
      keyId,
      truncatedId: truncatedKeyId(keyId),
      challengeDigest: challengeDigest({ tokenType, issuerName: this.#issuer, app: this.#app.id }),
      alive: { key: ALIVE_KEYS.key(row.ordinal), stamp },
    };
    try {
      return { ...key, ...await openSecret(this.#context.sealer, row) };
    } catch (error) {
      // One key that was sealed by a process with other sealing keys must not end the others.
      if (error instanceof SealError) return key;
      throw error;
    }
  }
}

/** The key of an id. There are a few, and their last bytes tell nearly all of them apart. */
function keyIn({ keys }: View, keyId: Uint8Array): SigningKey | AliveKey | undefined {
  const truncatedId = truncatedKeyId(keyId);
  return keys.find((key) => key.truncatedId === truncatedId && equalPublic(key.keyId, keyId));
}

/** A key that was opened before: it may have been linked meanwhile. */
function withLink(key: SigningKey, { chain }: KeyRow): SigningKey {
  return key.chain === undefined && chain !== undefined ? { ...key, chain } : key;
}

function opened(key: SigningKey | AliveKey): SigningKey {
  if ("secretKey" in key) return key;
  throw new SealError("A signing key does not open: other processes have sealing keys that this one lacks.");
}

/** The refusal of a key that has ended. */
export function keyExpired(): Refusal {
  return new Refusal("key_expired", "The key of this token has ended.");
}
