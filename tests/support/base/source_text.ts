/**
 * Reads TypeScript just well enough to tell code from comments and texts, and to find every import: so that a rule
 * about imports cannot be fooled by a comment, nor broken by a text that only quotes one.
 *
 * @module
 */

/** Before these characters a `/` divides; after anything else it begins a regular expression. */
const ENDS_A_VALUE = /[\w$)\]}"'`]$/;
const KEYWORD_BEFORE_VALUE =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;

/** The source with comments and the insides of texts and regular expressions as spaces; every offset stays. */
export function codeOf(source: string): string {
  let code = "";
  let at = 0;
  /** For each open `${` of a template: the number of braces that are open inside of it. */
  const templates: number[] = [];
  const keep = (length: number) => {
    code += source.slice(at, at + length);
    at += length;
  };
  const blankTo = (end: number) => {
    code += source.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  };
  const template = () => {
    let end = at;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    blankTo(Math.min(end, source.length));
    if (source[at] === "`") keep(1);
    else if (at < source.length) {
      keep(2);
      templates.push(0);
    }
  };
  while (at < source.length) {
    const character = source[at]!;
    if (source.startsWith("//", at)) blankTo(endOf(source, "\n", at));
    else if (source.startsWith("/*", at)) blankTo(Math.min(endOf(source, "*/", at + 2) + 2, source.length));
    else if (character === '"' || character === "'") {
      keep(1);
      blankTo(endOfText(source, at, character));
      if (source[at] === character) keep(1);
    } else if (character === "`") {
      keep(1);
      template();
    } else if (character === "/" && beginsRegExp(code)) {
      keep(1);
      blankTo(endOfText(source, at, "/"));
      if (source[at] === "/") keep(1);
    } else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      keep(1);
      template();
    } else {
      if (templates.length > 0 && character === "{") templates[templates.length - 1]!++;
      if (templates.length > 0 && character === "}") templates[templates.length - 1]!--;
      keep(1);
    }
  }
  return code;
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found < 0 ? source.length : found;
}

/** Where a text or a regular expression ends that began before `from`; both end with their line at the latest. */
function endOfText(source: string, from: number, quote: string): number {
  let inClass = false;
  let at = from;
  while (at < source.length && source[at] !== "\n" && (source[at] !== quote || inClass)) {
    if (quote === "/" && source[at] === "[") inClass = true;
    if (source[at] === "]") inClass = false;
    at += source[at] === "\\" ? 2 : 1;
  }
  return Math.min(at, source.length);
}

function beginsRegExp(codeBefore: string): boolean {
  const before = codeBefore.slice(-200).trimEnd();
  return !ENDS_A_VALUE.test(before) || KEYWORD_BEFORE_VALUE.test(before);
}

const IMPORTS = [
  /\b(?:import|export)\b[^;"'`()=]*?\bfrom\s*["']([^"']*)["']/dg,
  /\bimport\s*["']([^"']*)["']/dg,
  /\bimport\s*\(\s*["']([^"']*)["']/dg,
];

/** Every specifier that a source imports or exports from, statically, dynamically or in a type. */
export function importsOf(source: string): string[] {
  const code = codeOf(source);
  return IMPORTS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => {
      const [start, end] = match.indices![1]!;
      return source.slice(start, end);
    })
  );
}
