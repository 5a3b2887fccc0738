/**
 * Claims in a store that other processes claim in as well: `claiming_process.ts LOCATION`. A line `MILLISECONDS AT_ONCE` on
 * standard input is answered with what came of it (bench/ledger/claims.ts) as a line of JSON.
 *
 * @module
 */
import { answerLines } from "../contenders/serve.ts";
import { claimFor, openClaimStore } from "./claims.ts";

const [location = ""] = Deno.args;
const claims = await openClaimStore(location);
await answerLines(async (line) => {
  const [milliseconds = 0, atOnce = 1] = line.split(" ").map(Number);
  return line === "check" ? "" : JSON.stringify(await claimFor(claims, milliseconds, atOnce));
});
claims.store.close();
Deno.exit();
