/**
 * An ACS elsewhere, over HTTP (docs/protocol.md, section 8): every call has a deadline, every answer a bound, and nothing
 * that comes back is believed before it was checked.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { RedeemedUse } from "../../core/acs/redeem.ts";
import type { Redemption } from "../../core/acs/redeemer.ts";
import type { RemoteAcs } from "../../core/acs/remote/port.ts";
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import type { KeyHistory } from "../../core/keys/key_chain.ts";
import {
  BATCH_REQUEST_TYPE,
  BATCH_RESPONSE_TYPE,
  MAX_BATCH,
  maxResponseLength,
} from "../../core/token/batch.ts";
import { computeMac, encodeTranscript } from "../../core/token/mac.ts";
import { CLIENT_HEADER, STORE_HEADER } from "../http/headers.ts";
import { parseJson } from "../http/parse_json.ts";
import { AcsDirectory, type AcsDirectoryOptions } from "./acs_directory.ts";
import {
  type AcsAnswer,
  AcsError,
  type AcsExchange,
  acsExchange,
  type AcsExchangeOptions,
  refusalOf,
} from "./acs_exchange.ts";
import { AcsHistories } from "./acs_histories.ts";

const redeemed = z.strictObject({
  status: z.enum(["accepted", "replayed"]),
  mac_key: z.string(),
  /** Both are absent at an ACS of 0.1.0. */
  not_before: z.int().min(0).optional(),
  redeem_until: z.int().min(0).optional(),
});

const foundRedeemed = z.union([
  z.strictObject({ redeemed: z.literal(true), mac_key: z.string() }),
  z.strictObject({ redeemed: z.literal(false), mac_key: z.undefined().optional() }),
]);
const JSON_REQUEST = { "content-type": "application/json" };

/** What an ACS client is made of. */
export interface AcsClientOptions extends AcsExchangeOptions, Omit<AcsDirectoryOptions, "exchange"> {
  /** The service token of an application. */
  readonly tokenOf: (app: string) => string;
  /** The id of the store that logs go to. Throws the refusal `store_unavailable`. */
  readonly storeId: () => Promise<string>;
}

/** An ACS at a URL. */
export class AcsClient implements RemoteAcs {
  readonly #tokenOf: (app: string) => string;
  readonly #storeId: () => Promise<string>;
  readonly #exchange: AcsExchange;
  readonly #directory: AcsDirectory;
  readonly #histories: AcsHistories;

  /** Asks nothing yet. */
  constructor(options: AcsClientOptions) {
    this.#tokenOf = options.tokenOf;
    this.#storeId = options.storeId;
    this.#exchange = acsExchange(options);
    this.#directory = new AcsDirectory({ ...options, exchange: this.#exchange });
    this.#histories = new AcsHistories(this.#exchange);
  }

  /** See {@linkcode RemoteAcs.evaluate}. */
  async evaluate(
    app: string,
    client: string,
    request: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const headers = { "content-type": BATCH_REQUEST_TYPE, [CLIENT_HEADER]: client };
    const answer = await this.#post(app, "evaluate", headers, request);
    if (answer.headers.get("content-type") !== BATCH_RESPONSE_TYPE) {
      throw new AcsError("The ACS answered a batch with something else.");
    }
    return answer.body;
  }

  /** See {@linkcode RemoteAcs.redeem}. */
  async redeem(redemption: Redemption): Promise<RedeemedUse> {
    const { app } = redemption;
    const { request, transcript } = encodeRedemption(redemption);
    const answer = await this.#post(app, "redeem", JSON_REQUEST, request);
    const parsed = redeemed.safeParse(parseJson(answer.body)?.value);
    if (!parsed.success) throw new AcsError("The ACS answered a redemption with something else.");
    const { status, mac_key, not_before: notBefore, redeem_until: redeemUntil } = parsed.data;
    const macKey = requireMacKey(mac_key, transcript, redemption);
    return { outcome: status, macKey, notBefore, redeemUntil };
  }

  /** See {@linkcode RemoteAcs.findRedeemed}. */
  async findRedeemed(redemption: Redemption): Promise<Uint8Array | undefined> {
    const { app } = redemption;
    const { request, transcript } = encodeRedemption(redemption);
    const answer = await this.#send(app, "redeemed", JSON_REQUEST, request);
    // An ACS older than this question: it cannot say, and the log is refused as it was then.
    if (answer.status === 404) return undefined;
    this.#requireOk(app, answer);
    const parsed = foundRedeemed.safeParse(parseJson(answer.body)?.value);
    if (!parsed.success) throw new AcsError("The ACS answered a question about a use with something else.");
    const { mac_key } = parsed.data;
    return mac_key === undefined ? undefined : requireMacKey(mac_key, transcript, redemption);
  }

  /** See {@linkcode RemoteAcs.keys}. */
  keys(app: string, nowSeconds: number, renew = false): Promise<readonly PublishedKey[]> {
    return this.#directory.keys(app, nowSeconds, renew);
  }

  /** See {@linkcode RemoteAcs.keyHistory}. */
  keyHistory(app: string, nowSeconds: number): Promise<KeyHistory> {
    return this.#histories.of(app, nowSeconds);
  }

  async #post(
    app: string,
    call: "evaluate" | "redeem",
    headers: Record<string, string>,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<AcsAnswer> {
    const answer = await this.#send(app, call, headers, body);
    this.#requireOk(app, answer);
    return answer;
  }

  async #send(
    app: string,
    call: "evaluate" | "redeem" | "redeemed",
    headers: Record<string, string>,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<AcsAnswer> {
    const authorization = `Bearer ${this.#tokenOf(app)}`;
    const store = { [STORE_HEADER]: await this.#storeId() };
    const init = { method: "POST", headers: { ...headers, ...store, authorization }, body };
    return await this.#exchange(`/acs/v1/apps/${app}/${call}`, init, maxResponseLength(MAX_BATCH));
  }

  /** Throws what an answer refuses with. */
  #requireOk(app: string, answer: AcsAnswer): void {
    if (answer.status === 200) return;
    const refusal = refusalOf(answer);
    if (refusal instanceof Refusal && /^key_/.test(refusal.code)) this.#directory.expire(app);
    throw refusal;
  }
}

/** The body that presents a use, and the transcript in it. */
function encodeRedemption({ app, credential, body }: Redemption) {
  const { keyId, nonce, use, mac } = credential;
  const transcript = encodeTranscript({ app, ...body, keyId, nonce, use });
  const request = utf8(JSON.stringify({
    key: toBase64url(keyId),
    nonce: toBase64url(nonce),
    use,
    mac: toBase64url(mac),
    transcript: toBase64url(transcript),
  }));
  return { request, transcript };
}

/** The MAC key that the ACS gave, if it is this token's. */
function requireMacKey(
  text: string,
  transcript: Uint8Array,
  { credential: { mac } }: Redemption,
): Uint8Array {
  const macKey = fromBase64url(text, 32);
  if (timingSafeEqual(computeMac(macKey, transcript), mac)) return macKey;
  throw new AcsError("The ACS gave the MAC key of another token.");
}
