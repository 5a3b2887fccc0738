// deno-lint-ignore-file no-console -- a bench speaks to a person.
/**
 * `deno task bench:all`: every bench of docs/performance.md, one after the other, each of which writes its part of
 * docs/measurements.md and its figures. It takes about three quarters of an hour, on a machine that does nothing else.
 * Names as arguments leave out the others: `deno task bench:all http ladder`.
 *
 * @module
 */
const ALL = ["ladder", "http", "ledger", "scale", "unlinkable", "cold", "crypto", "spread"];

const chosen = Deno.args.length === 0 ? ALL : Deno.args;
const unknown = chosen.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}; there are ${ALL.join(", ")}.`);
  Deno.exit(2);
}
const failed: string[] = [];
for (const name of chosen) {
  console.log(`\n# bench:${name}\n`);
  const args = ["task", `bench:${name}`, "--write"];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (!success) failed.push(name);
}
if (failed.length > 0) {
  console.error(`Not measured: ${failed.map((name) => `bench:${name}`).join(", ")}.`);
  Deno.exit(1);
}
