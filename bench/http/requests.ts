/**
 * Requests for the load generator, signed before they are sent.
 *
 * @module
 */
import { type LoadToken, type SignedLog, signLog } from "../../tests/support/client/load_client.ts";
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

/** The other uses of all tokens, in turn: between two of a token many others come. */
export function laterUses(tokens: readonly LoadToken[], count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => {
    const token = tokens[at % tokens.length];
    if (token === undefined) throw new RangeError("There are no tokens");
    return wireOf(signLog(token, 1 + Math.floor(at / tokens.length)));
  });
}

/** How many tokens so many later uses take. */
export function tokensFor(laterUses: number): number {
  return Math.ceil(laterUses / (USES - 1));
}
