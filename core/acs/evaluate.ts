/**
 * The verb of issuance for log servers elsewhere, which have verified their clients themselves and name them by a keyed
 * hash (docs/protocol.md, section 8).
 *
 * @module
 */
import type { AskedBatch } from "./issuer.ts";
import { issueTokens, type IssueTokensContext } from "./issue_tokens.ts";

/** A batch that another server wants signed for one of its clients. */
export interface EvaluateInput extends Omit<AskedBatch, "client"> {
  /** What the server calls its client: 1 to 128 visible ASCII characters. */
  readonly client: string;
}

/**
 * Signs a batch for a client of another server; gives the encoded batch response.
 * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_unavailable`.
 */
export function evaluate(
  context: IssueTokensContext,
  { client, ...asked }: EvaluateInput,
): Promise<Uint8Array<ArrayBuffer>> {
  // No session has an empty issuer: a server's client is never counted with one of this service's own.
  return issueTokens(context, { ...asked, client: { issuer: "", subject: client } });
}
