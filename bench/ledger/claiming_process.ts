// deno-lint-ignore-file no-console -- it prints for the bench that has started it.
/**
 * Claims in a store that other processes claim in as well: `claiming_process.ts LOCATION COUNT`. Prints when it began and
 * ended, in Unix milliseconds, once everything was loaded and warm.
 *
 * @module
 */
import { measureGrouped, openClaimStore } from "./claims.ts";

const [location = "", count = ""] = Deno.args;
const claims = await openClaimStore(location);
await measureGrouped(claims, 2_000, 256, 4);
const startedAt = Date.now();
await measureGrouped(claims, Number(count), 512, 4);
console.log(startedAt, Date.now());
claims.store.close();
Deno.exit();
