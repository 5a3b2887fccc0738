/**
 * A public document as an answer: with its ETag, and not sent again to a client that has it.
 *
 * @module
 */
import type { Context } from "hono";

/** A document to serve. */
export interface ServedDocument {
  /** Its JSON. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Its ETag, in quotes. */
  readonly etag: string;
  /** The header Cache-Control. */
  readonly caching: string;
}

/** Answers with a document, or with 304 where the client has it. */
export function serveDocument(c: Context, { body, etag, caching }: ServedDocument): Response {
  const headers = { etag, "cache-control": caching };
  const known = c.req.header("if-none-match")?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.some((tag) => tag === etag || tag === "*")) return c.body(null, 304, headers);
  return c.body(body, 200, { ...headers, "content-type": "application/json" });
}
