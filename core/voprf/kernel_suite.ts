/**
 * ristretto255-SHA512 on this project's own WebAssembly, group and hashes: what a server runs where it can.
 *
 * @module
 */
import { loadKernel } from "./kernel/load.ts";
import { ristretto255Suite } from "./ristretto255.ts";
import { loadSha2 } from "./sha2/sha2.ts";
import type { Suite } from "./suite.ts";

/**
 * Loads the kernel and gives the ristretto255 suite on it.
 * @throws {Error} With the reason, where the kernel does not run or does not pass its probe.
 */
export async function loadKernelSuite(): Promise<Suite> {
  const loaded = await loadKernel();
  if (loaded.kernel === undefined) throw new Error(loaded.reason);
  return ristretto255Suite("wasm", loaded.kernel, loadSha2());
}
