import { defineConfig } from "../../core/config/mod.ts";
import linkable from "../../tests/faults/config.ts";

// Neither goes with it: who counts people needs a pseudonym, and the preset has limits of its own.
const { risk: _risk, maxBatch: _maxBatch, tokensPerClient: _tokensPerClient, ...load } =
  linkable.applications.load;

/** The application of the load generator, in which no two logs can be linked. */
export default defineConfig({
  issuer: linkable.issuer,
  applications: { load: { ...load, unlinkable: true } },
});
