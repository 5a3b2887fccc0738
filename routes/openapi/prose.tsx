/**
 * Sentences of the document. Of Markdown they use only `code`.
 *
 * @module
 */

/** A text in which what stands between backticks is code. */
export function Prose({ text }: { readonly text: string }) {
  return <>{text.split("`").map((part, index) => index % 2 === 1 ? <code>{part}</code> : part)}</>;
}
