/**
 * The module as a source file, so that nothing is fetched where it runs.
 *
 * @module
 */
import type { BuiltSha2 } from "./build.ts";

/** The text of binary.ts. */
export function sourceOfBinary({ bytes, layout }: BuiltSha2): string {
  const places = Object.entries(layout).map(([name, value]) => `  ${name}: ${value},\n`).join("");
  return `// deno-fmt-ignore-file
// Written by \`deno task kernel\`; a test compares.
/**
 * The WebAssembly module of the hashes in base64, and where in its memory its arguments go.
 *
 * @module
 */

/** Addresses, and the most bytes that a message has. */
export const LAYOUT = {
${places}} as const;

/** The binary. */
export const BASE64 = "${bytes.toBase64()}";
`;
}
