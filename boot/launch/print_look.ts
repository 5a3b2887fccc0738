// deno-lint-ignore-file no-console -- its output is what it is for.
/**
 * Prints what a store's file says of itself: a program of its own, which boot/launch/look_apart.ts starts. It knows no
 * secret.
 *
 * @module
 */
import { printLook } from "../store_look.ts";

const [path = ""] = Deno.args;
console.log(await printLook(path));
