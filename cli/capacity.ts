// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task capacity --clients 1e9 --logs 20`: what so many clients a day cost on each kind of store, where the first
 * wall stands and what turning one thing changes. Also `--events`, `--uses`, `--batch`, `--sample`, `--regions`,
 * `--retention`, `--peak`; `--write` renews the tables of docs/capacity.md.
 *
 * @module
 */
import { leversPage, loadPage } from "./capacity_page.ts";
import { readLoad } from "./capacity_load.ts";
import { capacityDocument } from "./capacity_document.ts";

const PAGE = new URL("../docs/capacity.md", import.meta.url);

try {
  if (Deno.args.length === 1 && Deno.args[0] === "--write") {
    await Deno.writeTextFile(PAGE, capacityDocument(await Deno.readTextFile(PAGE)));
  } else {
    const load = readLoad(Deno.args);
    console.log(
      `${loadPage(load)}\n\nWhat turning one thing changes, times what it was:\n\n${leversPage(load)}`,
    );
  }
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
