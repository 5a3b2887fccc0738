/** node:crypto, for its SHA-512 only. */
import { createHash } from "node:crypto";
import { SHA512_MESSAGE } from "./of_suite.ts";
import { serve } from "./serve.ts";

await serve({
  check: () => "",
  operations: { sha512: () => () => createHash("sha512").update(SHA512_MESSAGE).digest() },
});
