/**
 * A published history of keys, read from its JSON (docs/protocol.md, section 7).
 *
 * @module
 */
import { fromBase64url } from "../core/base/bytes.ts";
import type { ChainStretch } from "../core/keys/key_chain.ts";
import type { KeyLink } from "../core/keys/key_row.ts";
import { LINK_LENGTH, nextLink } from "../core/token/key_chain.ts";
import { CommandError } from "./admin_api.ts";

/** A history and whose it is. */
export interface PublishedHistory extends ChainStretch {
  /** The application. */
  readonly app: string;
  /** The region. */
  readonly region: string;
}

/**
 * Reads a history.
 * @throws {CommandError} If it is none; `name` says where it is from.
 */
export function readHistory(text: string, name: string): PublishedHistory {
  try {
    const { app, region, first, before, leaves } = JSON.parse(text);
    if (typeof app !== "string" || typeof region !== "string" || !Number.isSafeInteger(first)) {
      throw new TypeError();
    }
    const bytes = fromBase64url(leaves);
    if (bytes.length % LINK_LENGTH !== 0) throw new TypeError("A leaf ends early");
    const count = bytes.length / LINK_LENGTH;
    return {
      app,
      region,
      first,
      before: fromBase64url(before, LINK_LENGTH),
      leaves: Array.from(
        { length: count },
        (_, at) => bytes.slice(at * LINK_LENGTH, (at + 1) * LINK_LENGTH),
      ),
    };
  } catch {
    throw new CommandError(`${name} is no history of keys.`);
  }
}

/** The links of a history, by their numbers in order. */
export function linksOf({ first, before, leaves }: ChainStretch): KeyLink[] {
  let link = before;
  return leaves.map((leaf, at) => ({ number: first + at, link: link = nextLink(link, leaf) }));
}
