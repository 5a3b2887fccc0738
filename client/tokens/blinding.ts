/**
 * The client's half of issuance on bytes: what is asked for, and whether the answer is that (docs/protocol.md, section
 * 4). Everything that is stored is base64url.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { decodeBatchResponse, encodeBatchRequest } from "../../core/token/batch.ts";
import { challengeDigest } from "../../core/token/challenge.ts";
import { deriveNonce, NONCE_LENGTH } from "../../core/token/nonce.ts";
import { encodeTokenInput, truncatedKeyId } from "../../core/token/token.ts";
import type { ClientSuite } from "../../core/voprf/noble_client.ts";
import { NO_RETRY } from "../http/backoff.ts";
import type { Directory, DirectoryKey } from "../http/directory.ts";
import type { PendingRecord, Retry } from "../storage/records.ts";
import { MAX_USES } from "./wallet.ts";

/** Uses of a token from which on one lasts: what is fetched is counted by need. */
const FEW_USES = 8;

/** What blinding takes of its client. */
export interface BlindingParts {
  readonly app: string;
  readonly suite: ClientSuite;
  readonly random: RandomSource;
}

/** Tokens to ask for. */
export interface Wish {
  readonly directory: Directory;
  readonly key: DirectoryKey;
  /** How many logs have no token; undefined: one token, since more were refused. */
  readonly logs: number | undefined;
  /** The pseudonym that the tokens will serve, base64url; empty where none is collected. */
  readonly pseudonym: string;
}

/**
 * How many tokens are asked for at once: as many as the logs need and the directory allows. Of tokens with few uses it is
 * always as many as it allows, or the number would tell, under a session, how much a client has to log.
 */
function batchFor(logs: number, { maxBatch, tokensPerClient, usesPerToken }: Directory): number {
  const most = Math.min(maxBatch, tokensPerClient);
  return usesPerToken < FEW_USES ? most : Math.min(Math.ceil(logs / Math.min(usesPerToken, MAX_USES)), most);
}

/** How many logs one request for tokens may bring, whatever a client has to log. */
export function usesOfBatch(directory: Directory): number {
  return batchFor(1, directory) * Math.min(directory.usesPerToken, MAX_USES);
}

/** Draws and blinds new tokens: the request to store before it is sent. */
export function blindTokens({ app, suite, random }: BlindingParts, wish: Wish): PendingRecord {
  const { directory, key, logs, pseudonym } = wish;
  const { keyId, publicKey, notBefore, redeemUntil } = key;
  const uses = Math.min(directory.usesPerToken, MAX_USES);
  const count = logs === undefined ? 1 : batchFor(logs, directory);
  const digest = challengeDigest({ tokenType: suite.tokenType, issuerName: directory.issuer, app });
  const life = { keyId, publicKey, notBefore, redeemUntil };
  return blindAnew({ suite, random }, {
    ...life,
    challengeDigest: toBase64url(digest),
    pseudonym,
    uses,
    nonces: new Array(count).fill(""),
    account: "",
  });
}

/** Draws and blinds everything of a request anew: nothing of the one before can be seen in it. */
export function blindAnew(
  { suite, random }: Pick<BlindingParts, "suite" | "random">,
  before: Omit<PendingRecord, "blinds" | "blindedElements" | keyof Retry>,
): PendingRecord {
  const { pseudonym = "" } = before;
  const drawn = before.nonces.map(() => random(NONCE_LENGTH));
  const isBound = pseudonym !== "";
  const served = fromBase64url(pseudonym);
  const nonces = isBound ? drawn.map((binding) => deriveNonce(binding, served)) : drawn;
  const request = { ...before, nonces: nonces.map(toBase64url) };
  const { blinds, blindedElements } = suite.blind(tokenInputs(suite, request), random);
  return {
    ...request,
    bindings: isBound ? drawn.map(toBase64url) : undefined,
    blinds: blinds.map(toBase64url),
    blindedElements: blindedElements.map(toBase64url),
    ...NO_RETRY,
  };
}

/** The body of a request: the same bytes each time. */
export function batchRequest(suite: ClientSuite, pending: PendingRecord): Uint8Array<ArrayBuffer> {
  return encodeBatchRequest(suite, {
    truncatedKeyId: truncatedKeyId(fromBase64url(pending.keyId)),
    blindedElements: decodeAll(pending.blindedElements),
  });
}

/**
 * The authenticators of an answer's body, one a token.
 * @throws {Error} If it is malformed, has another number of elements, or its proof does not verify under the key that
 * was asked for.
 */
export function openBatch(suite: ClientSuite, pending: PendingRecord, body: Uint8Array): Uint8Array[] {
  return suite.finalize({
    ...decodeBatchResponse(suite, body, pending.nonces.length),
    inputs: tokenInputs(suite, pending),
    blinds: decodeAll(pending.blinds),
    blindedElements: decodeAll(pending.blindedElements),
    publicKey: fromBase64url(pending.publicKey),
  });
}

function tokenInputs(
  { tokenType }: ClientSuite,
  { keyId, nonces, challengeDigest }: Pick<PendingRecord, "keyId" | "nonces" | "challengeDigest">,
): Uint8Array[] {
  const tokenKeyId = fromBase64url(keyId);
  const digest = fromBase64url(challengeDigest);
  return decodeAll(nonces).map((nonce) =>
    encodeTokenInput({ tokenType, nonce, challengeDigest: digest, tokenKeyId })
  );
}

function decodeAll(texts: readonly string[]): Uint8Array<ArrayBuffer>[] {
  return texts.map((text) => fromBase64url(text));
}
