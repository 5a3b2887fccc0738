/**
 * How much a request's header may be.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";

/** Most header fields of a request. */
const MAX_HEADERS = 100;
/** Most bytes of all header fields together. */
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Holds a request to 100 header fields and 16 KiB of them, in HTTP/1.1 and HTTP/2 alike.
 * @throws {Refusal} `headers_too_large`.
 */
export function checkHeaders(headers: Headers): void {
  const bounds = new HeaderBounds();
  for (const [name, value] of headers) bounds.count(name, value);
  bounds.require();
}

/**
 * The same for whoever passes over the fields themselves. The runtime shows fields of one name joined, by `", "` as a list
 * (RFC 9110, section 5.3) and by `"; "` for cookies (RFC 9113, section 8.2.3), so that each part of such a value counts as
 * the field that it may have been.
 */
export class HeaderBounds {
  #count = 0;
  #bytes = 0;

  /** Counts what the runtime shows as one field. */
  count(name: string, value: string): void {
    const fields = 1 + countOf(value, name === "cookie" ? "; " : ", ");
    this.#count += fields;
    this.#bytes += fields * name.length + value.length;
  }

  /** Looks at what was counted. @throws {Refusal} `headers_too_large`. */
  require(): void {
    if (this.#count <= MAX_HEADERS && this.#bytes <= MAX_HEADER_BYTES) return;
    throw new Refusal(
      "headers_too_large",
      `More than ${MAX_HEADERS} headers or ${MAX_HEADER_BYTES} bytes of them.`,
    );
  }
}

function countOf(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) count++;
  return count;
}
