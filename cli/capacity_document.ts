/**
 * docs/capacity.md with its tables made anew.
 *
 * @module
 */
import { readLoad } from "./capacity_load.ts";
import { costsPage, leversPage, loadPage } from "./capacity_page.ts";

/** The parts of the document that are computed, by the names of the comments around them. */
const PARTS: Readonly<Record<string, () => string>> = {
  million: () => loadPage(readLoad(["--clients", "1e6"])),
  billion: () => loadPage(readLoad(["--clients", "1e9"])),
  levers: () => leversPage(readLoad(["--clients", "1e9"])),
  costs: costsPage,
};

/**
 * Puts every computed part between `<!-- NAME -->` and `<!-- /NAME -->`.
 * @throws {RangeError} If there is no such place for one.
 */
export function capacityDocument(text: string): string {
  return Object.entries(PARTS).reduce((document, [name, make]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [before, rest] = document.split(begin, 2);
    const after = rest?.split(end, 2)[1];
    if (after === undefined) {
      throw new RangeError(`docs/capacity.md needs a place for its tables: ${begin} ${end}.`);
    }
    return `${before}${begin}\n\n${make()}\n\n${end}${after}`;
  }, text);
}
