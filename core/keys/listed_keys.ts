/**
 * Keys as operators see them.
 *
 * @module
 */
import { toBase64url } from "../base/bytes.ts";
import { SIGNING_KEYS } from "./families.ts";
import { tokenKeyId } from "../token/token.ts";
import { type KeyState, stateAt } from "./epoch.ts";
import { isZeroed, type KeyName, type KeyRow } from "./key_row.ts";
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

/**
 * Lists all keys of a store in order of application, region, epoch and generation, those of applications that are no
 * longer configured included.
 */
export async function listKeys(
  { store, sealer }: Pick<RotationContext, "store" | "sealer">,
  nowSeconds: number,
): Promise<ListedKey[]> {
  const rows = await Array.fromAsync(store.list<KeyRow>(SIGNING_KEYS.all()), ({ value }) => value);
  return rows.map((row) => {
    const { app, region, epoch, generation, notBefore, issueUntil, redeemUntil } = row;
    return {
      app,
      region,
      epoch,
      generation,
      state: stateOf(row, rows, nowSeconds),
      keyId: toBase64url(tokenKeyId(row.publicKey)),
      notBefore,
      issueUntil,
      redeemUntil,
      ...(isZeroed(row) ? {} : { sealedByNewest: sealer.isNewest(row.sealed) }),
    };
  });
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
