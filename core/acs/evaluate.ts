/**
 * The verb of issuance for log servers elsewhere, which have verified their clients themselves and name them by a keyed
 * hash (docs/protocol.md, section 8).
 *
 * @module
 */
import type { AskedBatch } from "./issuer.ts";
import type { StorePins } from "./store_pins.ts";
import { issueTokens, type IssueTokensContext } from "./issue_tokens.ts";

/** What signing for other servers needs of a service. */
export interface EvaluateContext extends IssueTokensContext {
  /** Says which store an application belongs to. */
  readonly storePins: StorePins;
}

/** A batch that another server wants signed for one of its clients. */
export interface EvaluateInput extends Omit<AskedBatch, "client" | "beforeGrant"> {
  /** The id of the server's store, where it names one. */
  readonly storeId: string | undefined;
  /** What the server calls its client: 1 to 128 visible ASCII characters. */
  readonly client: string;
}

/**
 * Signs a batch for a client of another server; gives the encoded batch response.
 * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_pinned`, `store_unavailable`.
 */
export function evaluate(
  context: EvaluateContext,
  { client, storeId, ...asked }: EvaluateInput,
): Promise<Uint8Array<ArrayBuffer>> {
  const beforeGrant = () => context.storePins.pin(asked.app, storeId);
  // No session has an empty issuer: a server's client is never counted with one of this service's own.
  return issueTokens(context, { ...asked, beforeGrant, client: { issuer: "", subject: client } });
}
