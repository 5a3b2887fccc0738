/**
 * Reaches the identity provider: each answer is read whole, within bounds of size and time, before anything looks at it.
 *
 * @module
 */
import { readBoundedBytes } from "../http/read_body.ts";

/** Most bytes of an answer, as they are when nothing compresses them any more. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** Milliseconds in which an answer has to arrive. */
const ANSWER_MS = 10_000;

/** The identity provider does not do its part: it is out of reach, too slow, too large, or makes no sense. */
export class ProviderFault extends Error {
  override readonly name = "ProviderFault";
}

/**
 * Makes the function that asks the provider. An answer that it gives has no stream behind it.
 * @throws {ProviderFault} When there is no answer, none in time, or one that is too large or broken.
 */
export function providerFetch(fetch: typeof globalThis.fetch, deadlineMs = ANSWER_MS) {
  return async function askProvider(url: string, options: RequestInit = {}): Promise<Response> {
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      const response = await fetch(url, { ...options, signal, redirect: "manual" });
      const body = await readBoundedBytes(response.body, MAX_ANSWER_BYTES);
      const headers = new Headers();
      for (const name of ["content-type", "www-authenticate"]) {
        const value = response.headers.get(name);
        if (value !== null) headers.set(name, value);
      }
      return new Response(body.length === 0 ? null : body, { status: response.status, headers });
    } catch {
      // Why may hold the code of the sign-in, which stands in what was asked.
      throw new ProviderFault("The identity provider gave no answer that can be used.");
    }
  };
}
