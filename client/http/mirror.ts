/**
 * A mirror: a second place, of another host or another party, that shows the documents that everybody is shown
 * (docs/protocol.md, section 7).
 *
 * @module
 */
import type { DocumentFault } from "../base/codes.ts";
import { MAX_DOCUMENT_BYTES } from "./document.ts";
import { plainEndpoint } from "./endpoint.ts";
import { exchange, type Network } from "./network.ts";

/** Where a mirror shows its two documents. */
export interface Mirror {
  /** The directory. */
  readonly keys: string;
  /** The schema. */
  readonly schema: string;
}

/**
 * The mirror whose directory is at a URL; its schema is at the same URL with `schema` in place of `keys`.
 * @throws {TypeError} If it is no https URL (http only on this machine), carries more than a place, or its last segment
 * does not say `keys`.
 */
export function mirrorAt(url: string): Mirror {
  const keys = plainEndpoint(url);
  // A host may have that word in its name: without a path there is no segment.
  if (!/keys[^/]*$/.test(new URL(keys).pathname)) {
    throw new TypeError("Cannot make a client: the last segment of its mirror has to say keys");
  }
  return { keys, schema: keys.replace(/keys(?=[^/]*$)/, "schema") };
}

/**
 * Asks a mirror for one of its documents; why the one at hand may not be used beside it, as `faultOf` says of its text.
 * One that does not answer, or with what `faultOf` cannot read, vouches for nothing.
 */
export async function askMirror(
  network: Network,
  url: string,
  faultOf: (text: string) => DocumentFault | undefined,
): Promise<DocumentFault | undefined> {
  const { status, body } = await exchange(network, { step: "mirror", url, maxBytes: MAX_DOCUMENT_BYTES });
  try {
    if (status === 200) return faultOf(new TextDecoder().decode(body));
  } catch {
    // It cannot be read.
  }
  return "mirror_unavailable";
}
