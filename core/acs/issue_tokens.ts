/**
 * The verb of issuance: a client whose session has been verified gets a batch of tokens (docs/protocol.md, section 4).
 *
 * @module
 */
import type { Counters } from "../operations/counters.ts";
import type { AskedBatch, Issuer } from "./issuer.ts";

/** What issuing tokens needs of a server. */
export interface IssueTokensContext {
  /** Signs. */
  readonly issuer: Issuer;
  /** Counts the tokens that were granted. */
  readonly counters: Pick<Counters, "issued">;
}

/**
 * Issues a batch of tokens; gives the encoded batch response.
 *
 * @example
 * ```ts ignore
 * const response = await issueTokens(service, { app, client, request, nowSeconds: service.now() });
 * ```
 *
 * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_unavailable`.
 */
export async function issueTokens(
  { issuer, counters }: IssueTokensContext,
  asked: AskedBatch,
): Promise<Uint8Array<ArrayBuffer>> {
  const { response, granted } = await issuer.issue(asked);
  if (granted > 0) counters.issued(asked.app.id, granted);
  return response;
}
