/**
 * What a log server asks of an ACS elsewhere (docs/protocol.md, section 8). The side of it that speaks HTTP is
 * edge/remote/acs_client.ts.
 *
 * @module
 */
import type { PublishedKey } from "../../keys/directory.ts";
import type { KeyHistory } from "../../keys/key_chain.ts";
import type { RedeemedUse } from "../redeem.ts";
import type { Redemption } from "../redeemer.ts";

/** An ACS elsewhere, as a log server uses it. */
export interface RemoteAcs {
  /**
   * Has a batch signed for a client that only a keyed hash names (visible ASCII); gives the encoded batch response.
   * @throws {Refusal} As issuance does.
   */
  evaluate(
    app: string,
    client: string,
    request: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Has a use claimed.
   * @throws {Refusal} As redemption does; `store_unavailable` when the outcome is unknown.
   */
  redeem(redemption: Redemption): Promise<RedeemedUse>;
  /**
   * The MAC key, 32 bytes, of a use that this very request had claimed before; undefined where it had not, or where the
   * ACS does not say. Claims nothing.
   * @throws {Refusal} As redemption does.
   */
  findRedeemed(redemption: Redemption): Promise<Uint8Array | undefined>;
  /**
   * The keys that the ACS publishes for its region, not older than half a minute, or (`renew`) than a second.
   * @throws {Refusal} `store_unavailable` when none are known.
   */
  keys(app: string, nowSeconds: number, renew?: boolean): Promise<readonly PublishedKey[]>;
  /**
   * The history of those keys, not older than half a minute.
   * @throws {Refusal} `store_unavailable` when it is not known.
   */
  keyHistory(app: string, nowSeconds: number): Promise<KeyHistory>;
}
