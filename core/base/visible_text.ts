/**
 * Text in which nothing is hidden: what an identity provider or an operator wrote stands in the audit log and in the
 * console beside what others wrote, and must not look like it.
 *
 * @module
 */

/** What is not seen, or turns the text around it: control and format characters, separators, unassigned ones, lone surrogates. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]|\p{Default_Ignorable_Code_Point}/gu;
/**
 * In a name, whatever is neither printable ASCII nor a Latin letter of ISO 8859-1: letters of other alphabets look like
 * those of ours. Spaces at its ends and in a row are not seen either.
 */
const NO_PLAIN_LETTER = /[^\x20-\x7e\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]|^ | $| (?= )/gu;

/** The text with what is hidden in it as `\u{202e}`. What was made visible before stays as it is. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, escapeOf);
}

/** The same of a name, with look-alike letters of other alphabets besides. */
export function visibleName(name: string): string {
  return name.replace(NO_PLAIN_LETTER, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
