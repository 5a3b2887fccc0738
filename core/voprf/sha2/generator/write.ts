/**
 * Writes binary.ts: `deno task kernel`.
 *
 * @module
 */
import { buildSha2 } from "./build.ts";
import { sourceOfBinary } from "../../kernel/generator/source.ts";

Deno.writeTextFileSync(new URL("../binary.ts", import.meta.url), sourceOfBinary(buildSha2()));
