/**
 * The DIT credential: the `Authorization` header of a log (docs/protocol.md, section 5).
 *
 * @module
 */
import { takeBase64url } from "../base/byte_slab.ts";
import { DecodeError, fromBase64url, toBase64url } from "../base/bytes.ts";

/** A decoded credential. */
export interface Credential {
  /** token_key_id, 32 bytes. */
  readonly keyId: Uint8Array;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** 0..9999 on the wire; the application's limit is checked later. */
  readonly use: number;
  /** 32 bytes. */
  readonly mac: Uint8Array;
}

const SCHEME = /^DIT(?: +|$)/i;
// One parameter, white space around it: a name, "=", and a bare or a quoted value without backslashes.
const PARAMETER = /^[ \t]*([A-Za-z]+)=(?:"([^"\\]*)"|([^\s",=\\]+))[ \t]*$/;
const USE = /^(?:0|[1-9][0-9]{0,3})$/;
const NAMES = ["key", "nonce", "use", "mac"];

/** The greatest use that a credential can name. */
export const MAX_USE_ON_WIRE = 9_999;
/** The longest header that can be a credential: generous to white space, cheap to refuse. */
export const MAX_CREDENTIAL_LENGTH = 512;

/** Formats `DIT key=..., nonce=..., use=..., mac=...`. */
export function formatCredential({ keyId, nonce, use, mac }: Credential): string {
  return formatEncoded({ keyId: toBase64url(keyId), nonce: toBase64url(nonce), use, mac: toBase64url(mac) });
}

/** Formats a credential whose bytes are base64url already, as clients store them. */
export function formatEncoded(
  { keyId, nonce, use, mac }: Record<"keyId" | "nonce" | "mac", string> & Pick<Credential, "use">,
): string {
  return `DIT key=${keyId}, nonce=${nonce}, use=${use}, mac=${mac}`;
}

/** Whether an `Authorization` header is of the DIT scheme at all. */
export function isDitScheme(header: string): boolean {
  return SCHEME.test(header);
}

/**
 * Parses a credential: every parameter exactly once, in any order, none besides.
 * @throws {DecodeError} With a message of its own for each fault; it repeats nothing of the header.
 */
export function parseCredential(header: string): Credential {
  return parseUsual(header) ?? parseAny(header);
}

/** As {@linkcode formatEncoded} writes it, and so nearly every client: 32 bytes are 43 characters. */
const USUAL =
  /^DIT key=([A-Za-z0-9_-]{43}), nonce=([A-Za-z0-9_-]{43}), use=(0|[1-9][0-9]{0,3}), mac=([A-Za-z0-9_-]{43})$/;

function parseUsual(header: string): Credential | undefined {
  const [, keyId, nonce, use, mac] = USUAL.exec(header) ?? [];
  if (keyId === undefined || nonce === undefined || mac === undefined) return undefined;
  return {
    keyId: takeBase64url(keyId, 32),
    nonce: takeBase64url(nonce, 32),
    use: Number(use),
    mac: takeBase64url(mac, 32),
  };
}

function parseAny(header: string): Credential {
  if (header.length > MAX_CREDENTIAL_LENGTH) throw new DecodeError("Cannot parse credential: it is too long");
  const scheme = SCHEME.exec(header);
  if (scheme === null) throw new DecodeError("Cannot parse credential: the scheme is not DIT");
  const values: (string | undefined)[] = [];
  for (const part of header.slice(scheme[0].length).split(",")) {
    const match = PARAMETER.exec(part);
    if (match === null) throw new DecodeError("Cannot parse credential: a parameter is malformed");
    const [, name = "", quoted, bare] = match;
    const at = NAMES.indexOf(name.toLowerCase());
    if (at === -1) throw new DecodeError("Cannot parse credential: a parameter is unknown");
    if (values[at] !== undefined) throw new DecodeError(`Cannot parse credential: ${NAMES[at]} stands twice`);
    values[at] = quoted ?? bare;
  }
  const [keyId, nonce, use, mac] = NAMES.map((name, at) => {
    const value = values[at];
    if (value === undefined) throw new DecodeError(`Cannot parse credential: ${name} is missing`);
    return value;
  }) as [string, string, string, string];
  if (!USE.test(use)) {
    throw new DecodeError("Cannot parse credential: use is not a plain decimal of at most 4 digits");
  }
  return {
    keyId: fromBase64url(keyId, 32),
    nonce: fromBase64url(nonce, 32),
    use: Number(use),
    mac: fromBase64url(mac, 32),
  };
}
