/**
 * Days of clients as requests: what the SDK would send, with tokens that were made with the service's own key.
 *
 * @module
 */
import { buildBody } from "../../client/queue/body.ts";
import type { SigningKey } from "../../core/keys/key_ring.ts";
import { BATCH_REQUEST_TYPE, encodeBatchRequest } from "../../core/token/batch.ts";
import { formatCredential } from "../../core/token/credential.ts";
import { computeMac, deriveMacKey, digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { encodeTokenInput } from "../../core/token/token.ts";
import { present } from "../../tests/support/base/present.ts";
import { boundNonce } from "../../tests/support/client/bound_nonce.ts";
import { signIn } from "../../tests/support/client/load_client.ts";
import { APP, now } from "../http/mint.ts";
import { postRequest } from "../http/wire_connection.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** How clients get and spend tokens. */
export interface Habit {
  readonly usesPerToken: number;
  /** Tokens of a request. */
  readonly batch: number;
  /** Whether a log says whose it is. */
  readonly pseudonym: boolean;
}

/** A token, and what a log that it signs says. */
interface Token {
  readonly keyId: Uint8Array;
  readonly nonce: Uint8Array;
  readonly macKey: Uint8Array;
  /** Base64url; empty: none is collected. */
  readonly pseudonym: string;
  readonly binding: string | undefined;
}

/** A day of one client. */
export interface Day {
  readonly tokens: Uint8Array[];
  readonly logs: Uint8Array[];
}

/** Makes days of clients of one application's key. */
export class Days {
  readonly #key: SigningKey;
  readonly #pool: readonly Uint8Array[];

  /** A server cannot tell that another client has sent a blinded element before: a few hundred serve all. */
  constructor(key: SigningKey) {
    this.#key = key;
    this.#pool = key.voprf.blind(Array.from({ length: 512 }, () => random(98)), random).blindedElements;
  }

  /** A day on which a client sends so many logs. */
  async make({ usesPerToken, batch, pseudonym }: Habit, logs: number): Promise<Day> {
    const spent = Math.ceil(logs / usesPerToken);
    const client = crypto.randomUUID();
    const asked = Array.from({ length: Math.ceil(spent / batch) }, () => this.#ask(client, batch));
    const tokens = Array.from({ length: spent }, () => this.#token(pseudonym));
    const signed = Array.from(
      { length: logs },
      (_, at) => this.#log(present(tokens[Math.floor(at / usesPerToken)]), at % usesPerToken),
    );
    return { tokens: await Promise.all(asked), logs: await Promise.all(signed) };
  }

  async #ask(client: string, count: number): Promise<Uint8Array> {
    const blindedElements = Array.from(
      { length: count },
      () => present(this.#pool[Math.floor(Math.random() * this.#pool.length)]),
    );
    const { voprf, truncatedId } = this.#key;
    const body = encodeBatchRequest(voprf, { truncatedKeyId: truncatedId, blindedElements });
    const authorization = `Bearer ${await signIn(client, now())}`;
    return postRequest(`/v1/apps/${APP}/tokens`, { "content-type": BATCH_REQUEST_TYPE, authorization }, body);
  }

  #token(isBound: boolean): Token {
    const { keyId, challengeDigest, secretKey, voprf } = this.#key;
    const bound = isBound ? boundNonce() : { nonce: random(32), pseudonym: "", binding: undefined };
    const input = { tokenType: voprf.tokenType, nonce: bound.nonce, challengeDigest, tokenKeyId: keyId };
    const [authenticator] = voprf.evaluate(secretKey, [encodeTokenInput(input)]);
    return { ...bound, keyId, macKey: deriveMacKey(present(authenticator)) };
  }

  async #log(
    { keyId, nonce, macKey, pseudonym, binding }: Token,
    use: number,
  ): Promise<Uint8Array> {
    const fields = { ok: true, latency_ms: 1 };
    const events = [{ name: "ping", at: now(), fields, logged: fields, encoded: true }];
    const { bytes, contentEncoding } = present(
      await buildBody({ events, pseudonym, binding, random, gzip: false }),
    );
    const transcript = { app: APP, contentEncoding, keyId, nonce, use, bodyDigest: digestBody(bytes) };
    const mac = computeMac(macKey, encodeTranscript(transcript));
    const authorization = formatCredential({ keyId, nonce, use, mac });
    return postRequest(`/v1/apps/${APP}/logs`, { authorization, "content-type": "application/json" }, bytes);
  }
}
