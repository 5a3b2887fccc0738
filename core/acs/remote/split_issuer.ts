/**
 * Issuance on a log server: it has signed the client in, and asks the ACS elsewhere for the tokens under a name that says
 * nothing (docs/protocol.md, section 8).
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, toBase64url, utf8 } from "../../base/bytes.ts";
import type { ClientIdentity } from "../client_tag.ts";
import type { Application } from "../../config/types.ts";
import { Refusal } from "../../base/errors.ts";
import type { Issuer } from "../issuance.ts";
import { stateAt } from "../../keys/epoch.ts";
import { CLIENT_SECRET, openSealedSecret } from "../../keys/sealed_secret.ts";
import type { Sealer } from "../../keys/sealing.ts";
import { type Store, storeUnavailable } from "../../store/kv.ts";
import { truncatedKeyId } from "../../token/token.ts";
import type { RandomSource } from "../../base/random.ts";
import type { RemoteAcs } from "./remote_acs.ts";

const CLIENT_LABEL = concat(utf8("DIT/1 client"), Uint8Array.of(0));

/**
 * b64url(HMAC-SHA-256(secret, "DIT/1 client" 0x00 | lp(app) | key id | lp(iss) | lp(sub))): with the key's id in it, so
 * that the ACS cannot join what a client got under two keys.
 */
export function clientName(
  secret: Uint8Array,
  app: string,
  keyId: Uint8Array,
  client: ClientIdentity,
): string {
  const who = [client.issuer, client.subject].map((part) => lengthPrefixed(utf8(part)));
  return toBase64url(
    hmac(sha256, secret, concat(CLIENT_LABEL, lengthPrefixed(utf8(app)), keyId, ...who)),
  );
}

/** Issuance with the ACS elsewhere. */
export class SplitIssuer implements Issuer {
  #secret: Uint8Array | undefined;

  /** Issues at `acs`; keeps the key to its clients' names in `store`, for every log server on it. */
  constructor(
    private readonly acs: RemoteAcs,
    private readonly store: Store,
    private readonly sealer: Sealer,
    private readonly random: RandomSource,
  ) {}

  /** See {@linkcode Issuer.issue}. */
  async issue(
    app: Application,
    client: ClientIdentity,
    request: Uint8Array<ArrayBuffer>,
    nowSeconds: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const keyId = await this.#keyOf(app, request, nowSeconds);
    this.#secret ??= await openSealedSecret(this.store, this.sealer, this.random, CLIENT_SECRET);
    return await this.acs.evaluate(app.id, clientName(this.#secret, app.id, keyId, client), request);
  }

  /** See {@linkcode Issuer.ready}. */
  async ready(app: Application, nowSeconds: number): Promise<void> {
    const keys = await this.acs.keys(app.id, nowSeconds);
    if (keys.every((key) => stateAt(key, nowSeconds) !== "issuing")) throw storeUnavailable();
  }

  /** The id of the key that a request's truncated id names; whether it issues now is for the ACS to say. */
  async #keyOf(app: Application, request: Uint8Array, nowSeconds: number): Promise<Uint8Array> {
    if (request.length < 3) throw new Refusal("batch_invalid", "The batch ends inside its header.");
    for (const renew of [false, true]) {
      const keys = await this.acs.keys(app.id, nowSeconds, renew);
      const named = keys.find((key) => truncatedKeyId(key.keyId) === request[2]);
      if (named !== undefined) return named.keyId;
    }
    throw new Refusal("key_not_issuing", "The batch is blinded for a key that does not issue now.");
  }
}
