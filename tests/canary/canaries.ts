/**
 * Canaries: values that stand nowhere but in one part of one request, and a search that finds them in raw bytes however
 * they were written down.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { utf8 } from "../../core/base/bytes.ts";

/** A part of a request, filled with a value of its own. */
export interface Canary {
  /** Which request, and which part of it. */
  readonly name: string;
  /** The value: letters and digits that pass everywhere, or a whole header field with such in it. */
  readonly text: string;
  /** The part of the URL that it stands in, if it does. */
  readonly inUrl: UrlPart | undefined;
}

/** A part of a request's URL. */
export type UrlPart = "host" | "path" | "query";

/**
 * What the platform exports of a URL before any code of the service runs (docs/threat_model.md): there, a canary that
 * stands in a URL is not looked for. No client of ours has a choice of what stands in it.
 */
const EXPORTED_BY_PLATFORM: Readonly<Record<string, readonly UrlPart[]>> = {
  spans: ["host", "path", "query"],
  "exported metrics": ["host"],
};

/** Bytes that were left somewhere. */
export interface Source {
  /** Where: `stdout`, `store file`, `spans` ... */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A canary that was found. */
export interface Hit {
  readonly canary: Canary;
  readonly form: string;
  readonly source: string;
  /** What stands around it, for a person. */
  readonly context: string;
}

/** Makes canaries and keeps them. */
export class Canaries {
  readonly all: Canary[] = [];

  /** A new value for a part of a request. */
  make(name: string, inUrl?: UrlPart): string {
    return this.add(name, crypto.getRandomValues(new Uint8Array(12)).toHex(), inUrl);
  }

  /** Takes a given value (an address, a trace id, a whole header field) as a canary. */
  add(name: string, text: string, inUrl?: UrlPart): string {
    this.all.push({ name, text, inUrl });
    return text;
  }
}

/** Fewest bytes that a form is searched by; shorter ones would be found by chance. */
const LEAST_BYTES = 8;

/** How a value may have been written down: the name and the bytes of each form. */
export function formsOf(text: string): [form: string, bytes: Uint8Array][] {
  const raw = utf8(text);
  const digest = createHash("sha256").update(raw).digest();
  // A part of a hash that is kept is its beginning.
  const short = digest.subarray(0, LEAST_BYTES);
  const texts: [string, string][] = [
    ["raw", text],
    ["upper case", text.toUpperCase()],
    ["reversed", [...text].toReversed().join("")],
    ["hex", raw.toHex()],
    ["hex, upper case", raw.toHex().toUpperCase()],
    ["SHA-256 in hex", short.toHex()],
    ["SHA-256 in hex, upper case", short.toHex().toUpperCase()],
    ...base64Forms("base64", raw),
    ...base64Forms("base64 of the reversed", raw.toReversed()),
    ["SHA-256 in base64", digest.toBase64().slice(0, 10)],
    ["SHA-256 in b64url", digest.toBase64({ alphabet: "base64url" }).slice(0, 10)],
  ];
  const forms: [string, Uint8Array][] = texts.map(([form, written]) => [form, utf8(written)]);
  forms.push(["SHA-256", short], ["UTF-16", utf16(text)]);
  if (/^(?:[0-9a-f]{2}){8,}$/.test(text)) forms.push(["bytes of the hex", Uint8Array.fromHex(text)]);
  const distinct = new Map<string, [string, Uint8Array]>();
  for (const [form, bytes] of forms) {
    const name = bytes.toHex();
    if (bytes.length >= LEAST_BYTES && !distinct.has(name)) distinct.set(name, [form, bytes]);
  }
  return [...distinct.values()];
}

/** The characters of base64 that a value decides, wherever it begins within three bytes. */
function base64Forms(name: string, raw: Uint8Array): [string, string][] {
  return [0, 1, 2].flatMap((shift): [string, string][] => {
    const padded = new Uint8Array([...new Uint8Array(shift), ...raw]);
    const from = Math.ceil(shift * 8 / 6);
    const to = Math.floor(padded.length * 8 / 6);
    const plain = padded.toBase64().slice(from, to);
    return [
      [`${name}, shifted by ${shift}`, plain],
      [`${name} (b64url), shifted by ${shift}`, plain.replaceAll("+", "-").replaceAll("/", "_")],
    ];
  });
}

function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) bytes[index * 2] = text.charCodeAt(index);
  return bytes;
}

/** Finds every canary in every form in every source, but what the platform itself exports of URLs. */
export function findCanaries(canaries: readonly Canary[], sources: readonly Source[]): Hit[] {
  // One pass over each source: four bytes say which forms may begin there.
  const index = new Map<number, { canary: Canary; form: string; bytes: Uint8Array }[]>();
  for (const canary of canaries) {
    for (const [form, bytes] of formsOf(canary.text)) {
      const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      const sharing = index.get(start);
      if (sharing === undefined) index.set(start, [{ canary, form, bytes }]);
      else sharing.push({ canary, form, bytes });
    }
  }
  const hits: Hit[] = [];
  for (const source of sources) {
    const { bytes } = source;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + LEAST_BYTES <= bytes.length; at++) {
      for (const { canary, form, bytes: wanted } of index.get(view.getUint32(at)) ?? []) {
        if (canary.inUrl !== undefined && EXPORTED_BY_PLATFORM[source.name]?.includes(canary.inUrl)) continue;
        if (!wanted.every((byte, offset) => bytes[at + offset] === byte)) continue;
        hits.push({ canary, form, source: source.name, context: contextOf(bytes, at, wanted.length) });
      }
    }
  }
  return hits;
}

function contextOf(bytes: Uint8Array, at: number, length: number): string {
  const around = bytes.subarray(Math.max(0, at - 60), at + length + 60);
  return new TextDecoder("latin1").decode(around).replace(/[^\x20-\x7e]/g, ".");
}

/** Unpacks what is gzip; the other bytes as they are. */
export function unpacked(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}
