/**
 * Issuance on a log server: it has signed the client in, and asks the ACS elsewhere for the tokens under a name that says
 * nothing (docs/protocol.md, section 8).
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, toBase64url, utf8 } from "../../base/bytes.ts";
import { Refusal } from "../../base/errors.ts";
import type { RandomSource } from "../../base/random.ts";
import type { Application } from "../../config/types.ts";
import { stateAt } from "../../keys/epoch.ts";
import { CLIENT_SECRET, openSealedSecret } from "../../keys/sealed_secret.ts";
import type { Sealer } from "../../keys/sealing.ts";
import { StoreUnavailable } from "../../store/breaker.ts";
import type { Store } from "../../store/store.ts";
import { truncatedKeyId } from "../../token/token.ts";
import type { ClientIdentity } from "../client_tag.ts";
import type { AskedBatch, Issuer, SignedBatch } from "../issuer.ts";
import type { RemoteAcs } from "./port.ts";

const CLIENT_LABEL = concat(utf8("DIT/1 client"), Uint8Array.of(0));

/**
 * b64url(HMAC-SHA-256(secret, "DIT/1 client" 0x00 | lp(app) | key id | lp(iss) | lp(sub))): with the key's id in it, so
 * that the ACS cannot link what a client got under two keys.
 */
function clientName(
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

/** What issuance at an ACS elsewhere works with. */
export interface RemoteIssuerOptions {
  /** Signs and counts. */
  readonly acs: RemoteAcs;
  /** Keeps the secret of its clients' names, for every log server on it. */
  readonly store: Store;
  /** Seals that secret. */
  readonly sealer: Sealer;
  /** Makes that secret. */
  readonly random: RandomSource;
}

/** Issuance with the ACS elsewhere. */
export class RemoteIssuer implements Issuer {
  readonly #options: RemoteIssuerOptions;
  #secret: Uint8Array | undefined;

  /** Reads and writes nothing yet. */
  constructor(options: RemoteIssuerOptions) {
    this.#options = options;
  }

  /** See {@linkcode Issuer.issue}. */
  async issue({ app, client, request, nowSeconds }: AskedBatch): Promise<SignedBatch> {
    const { acs, store, sealer, random } = this.#options;
    const keyId = await this.#keyOf(app, request, nowSeconds);
    this.#secret ??= await openSealedSecret(store, sealer, random, CLIENT_SECRET);
    const name = clientName(this.#secret, app.id, keyId, client);
    return { response: await acs.evaluate(app.id, name, request), granted: 0 };
  }

  /** See {@linkcode Issuer.ready}. */
  async ready(app: Application, nowSeconds: number): Promise<void> {
    const keys = await this.#options.acs.keys(app.id, nowSeconds);
    if (keys.every((key) => stateAt(key, nowSeconds) !== "issuing")) throw new StoreUnavailable("failed");
  }

  /** The id of the key that a request's truncated id names; whether it issues now is for the ACS to say. */
  async #keyOf(app: Application, request: Uint8Array, nowSeconds: number): Promise<Uint8Array> {
    if (request.length < 3) throw new Refusal("batch_invalid", "The batch ends inside its header.");
    for (const renew of [false, true]) {
      const keys = await this.#options.acs.keys(app.id, nowSeconds, renew);
      const named = keys.find((key) => truncatedKeyId(key.keyId) === request[2]);
      if (named !== undefined) return named.keyId;
    }
    throw new Refusal("key_not_issuing", "The batch is blinded for a key that does not issue now.");
  }
}
