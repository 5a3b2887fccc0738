/**
 * What an operator does to keys, the same through the running service and on a store that no service uses.
 *
 * @module
 */
import type { Application, Deployment } from "../config/types.ts";
import { toBase64url } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { SIGNING_KEYS } from "./families.ts";
import { tokenKeyId } from "../token/token.ts";
import { type KeyState, stateAt } from "./epoch.ts";
import { isZeroed, type KeyName, type KeyRow } from "./key_row.ts";
import { replaceIssuingKey, type Revocation, revokeKeys } from "./replacement.ts";
import { type Resealing, resealKeys } from "./resealing.ts";
import type { RotationContext } from "./rotation.ts";

/** A key as an operator sees it: nothing secret. */
export interface ListedKey extends KeyName {
  /** Where it stands in its life. */
  readonly state: KeyState | "revoked";
  /** Base64url of its id. */
  readonly keyId: string;
  /** Unix seconds of the first second of its life. */
  readonly notBefore: number;
  /** Unix seconds of the end of issuance. */
  readonly issueUntil: number;
  /** Unix seconds of the end of redemption. */
  readonly redeemUntil: number;
  /** Whether its secret is sealed under the newest sealing key; absent when it is destroyed. */
  readonly sealedByNewest?: boolean;
}

/** The operator's commands on one store. Each may be repeated when its answer was lost. */
export class KeyOperations {
  /** Works on the keys of `deployment`; `now` gives Unix seconds. */
  constructor(
    private readonly context: RotationContext,
    private readonly deployment: Deployment,
    private readonly now: () => number,
  ) {}

  /** All keys of the store, those of applications that are no longer configured included. */
  async list(): Promise<{ keys: ListedKey[] }> {
    const entries = this.context.store.list<KeyRow>(SIGNING_KEYS.all());
    const rows = await Array.fromAsync(entries, ({ value }) => value);
    return { keys: rows.map((row) => this.#describe(row, rows)) };
  }

  /**
   * Starts the next generation of the current epoch.
   * @throws {Refusal} `app_unknown`, `replacement_refused`.
   */
  async rotate(app: string): Promise<{ made: KeyName }> {
    return { made: await replaceIssuingKey(this.context, this.#app(app), this.now()) };
  }

  /**
   * Revokes an epoch's keys up to a generation.
   * @throws {Refusal} `app_unknown`, `epoch_unknown`.
   */
  async revoke(app: string, epoch: number, throughGeneration: number): Promise<Revocation> {
    return await revokeKeys(this.context, this.#app(app), epoch, throughGeneration, this.now());
  }

  /** Seals everything under the newest sealing key. */
  async reseal(): Promise<Resealing> {
    return await resealKeys(this.context.store, this.context.sealer);
  }

  #app(id: string): Application {
    const app = this.deployment.applications.get(id);
    if (app === undefined) throw new Refusal("app_unknown", "There is no such application.");
    return app;
  }

  #describe(row: KeyRow, rows: readonly KeyRow[]): ListedKey {
    const { app, region, epoch, generation, notBefore, issueUntil, redeemUntil } = row;
    return {
      app,
      region,
      epoch,
      generation,
      state: stateOf(row, rows, this.now()),
      keyId: toBase64url(tokenKeyId(row.publicKey)),
      notBefore,
      issueUntil,
      redeemUntil,
      ...(isZeroed(row) ? {} : { sealedByNewest: this.context.sealer.isNewest(row.sealed) }),
    };
  }
}

/** Of an epoch's generations the last one issues, the others only redeem. */
function stateOf(row: KeyRow, rows: readonly KeyRow[], nowSeconds: number): ListedKey["state"] {
  if (row.revokedAt !== undefined) return "revoked";
  const state = stateAt(row, nowSeconds);
  const isReplaced = rows.some((other) =>
    other.app === row.app && other.region === row.region && other.epoch === row.epoch &&
    other.generation > row.generation && other.revokedAt === undefined
  );
  return state === "issuing" && isReplaced ? "redeeming" : state;
}
