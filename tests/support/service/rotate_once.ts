/**
 * One process of many that rotate at once: `rotate_once.ts <KV Connect URL> <Unix seconds>`.
 *
 * @module
 */
import { maintainKeys } from "../../../core/keys/maintenance.ts";
import { applicationOf, contextOn } from "./keys.ts";

const [url, nowSeconds] = Deno.args;
using kv = await Deno.openKv(url);
await maintainKeys(await contextOn(kv), [applicationOf()], Number(nowSeconds));
