/**
 * Requests for the load generator, signed before they are sent.
 *
 * @module
 */
import { type LoadToken, type SignedLog, signLog } from "../../tests/support/client/load_client.ts";
import { parseCredential } from "../../core/token/credential.ts";
import { encodeLogBatch, LOG_BATCH_TYPE } from "../../core/token/log_batch.ts";
import { APP } from "./mint.ts";
import { postRequest } from "./wire_connection.ts";

/** Uses of a token in tests/faults/config.ts. */
export const USES = 64;
const LOGS_PATH = `/v1/apps/${APP}/logs`;

/** A log as it goes over the wire. */
export function wireOf({ headers, body }: SignedLog): Uint8Array {
  return postRequest(LOGS_PATH, headers, body);
}

/** The first use of each token: a server that has seen it knows its MAC key. */
export function firstUses(tokens: readonly LoadToken[]): Uint8Array[] {
  return tokens.map((token) => wireOf(signLog(token, 0)));
}

/** The second use of each, for a second process. */
export function secondUses(tokens: readonly LoadToken[]): Uint8Array[] {
  return tokens.map((token) => wireOf(signLog(token, 1)));
}

/** The uses after the first `skipped` of all tokens, in turn: between two of a token many others come. */
export function laterUses(tokens: readonly LoadToken[], count: number, skipped = 1): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => {
    const token = tokens[at % tokens.length];
    if (token === undefined) throw new RangeError("There are no tokens");
    return wireOf(signLog(token, skipped + Math.floor(at / tokens.length)));
  });
}

/** Batches of logs, each of one token alone: its uses from the second on. */
export function logBatches(tokens: readonly LoadToken[], size: number): Uint8Array[] {
  return tokens.map((token) => {
    const logs = Array.from({ length: size }, (_, at) => {
      const { headers, body } = signLog(token, 1 + at);
      const credential = parseCredential(headers.authorization ?? "");
      return { credential, contentEncoding: "" as const, body };
    });
    return postRequest(LOGS_PATH, { "content-type": LOG_BATCH_TYPE }, encodeLogBatch(logs));
  });
}

/** How many tokens so many later uses take, where up to two are for other things. */
export function tokensFor(laterUses: number): number {
  return Math.ceil(laterUses / (USES - 2));
}
