/**
 * The curve arithmetic in WebAssembly, apart from the client so that an app without it does not carry it.
 *
 * @module
 */
import { sha512 } from "@noble/hashes/sha2.js";
import { concat } from "../base/bytes.ts";
import { hmacSha256, type SuiteHashes } from "../base/hmac.ts";
import { loadKernel } from "./kernel/load.ts";
import { clientRistretto255, type ClientSuite } from "./noble_client.ts";
import { ristretto255Suite } from "./ristretto255.ts";
import { VoprfError } from "./suite.ts";

export type { ClientSuite };

/**
 * ristretto255 for clients, several times faster where the runtime has relaxed SIMD and multiplies exactly with it: pass
 * it to a client as `suite`. It is what the client has anyway until the module is compiled, which begins at once, and
 * stays so where the module does not run; nobody has to know.
 *
 * In a page whose Content-Security-Policy has a `script-src` (or `default-src`) without `'wasm-unsafe-eval'` the browser
 * compiles no WebAssembly: the client goes on in JavaScript, and the browser reports one violation, `wasm-eval`, to the
 * page and to the policy's `report-to`. Allow `'wasm-unsafe-eval'` there (`'unsafe-eval'` is not needed), or do without
 * this module.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { kernelSuite } from "@dit/service/kernel";
 *
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, suite: kernelSuite() });
 * ```
 */
export function kernelSuite(): ClientSuite {
  let current = clientRistretto255;
  loadKernel().then(({ kernel }) => {
    if (kernel !== undefined) current = ristretto255Suite("wasm", kernel, hashes);
  });
  return {
    ...clientRistretto255,
    blind: (inputs, random) => compute((suite) => suite.blind(inputs, random)),
    finalize: (request) => compute((suite) => suite.finalize(request)),
  };

  function compute<T>(operation: (suite: ClientSuite) => T): T {
    try {
      return operation(current);
    } catch (error) {
      if (current === clientRistretto255) throw error;
      // A fault of the instance, which is never asked again; nor is one that refuses what JavaScript takes.
      if (!(error instanceof VoprfError)) current = clientRistretto255;
      const result = operation(clientRistretto255);
      current = clientRistretto255;
      return result;
    }
  }
}

const hashes: SuiteHashes = { hmacSha256, sha512: (...parts) => sha512(concat(...parts)) };
