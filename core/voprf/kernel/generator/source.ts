/**
 * The module as a source file, so that nothing is fetched where it runs.
 *
 * @module
 */

/** A module as its generator builds it. */
export interface BuiltModule {
  /** The binary. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Addresses and lengths, which binary.ts repeats for who runs the module. */
  readonly layout: Readonly<Record<string, number>>;
  /** What binary.ts says of them: whose module it is, and what the layout has. */
  readonly words: { readonly of: string; readonly layout: string };
}

/** The text of binary.ts. */
export function sourceOfBinary({ bytes, layout, words }: BuiltModule): string {
  const places = Object.entries(layout).map(([name, value]) => `  ${name}: ${value},\n`).join("");
  return `// deno-fmt-ignore-file
// Written by \`deno task kernel\`; a test compares.
/**
 * The WebAssembly module of ${words.of} in base64, and where in its memory its arguments go.
 *
 * @module
 */

/** ${words.layout}. */
export const LAYOUT = {
${places}} as const;

/** The binary. */
export const BASE64 = "${bytes.toBase64()}";
`;
}
