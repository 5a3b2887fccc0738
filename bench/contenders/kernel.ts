/** This project's own WebAssembly, ristretto255: what the server runs where it can. */
import { loadKernel } from "../../core/voprf/kernel/load.ts";
import { loadKernelSuite } from "../../core/voprf/kernel_suite.ts";
import { loadSha2 } from "../../core/voprf/sha2/sha2.ts";
import { ofSuite, SHA512_MESSAGE } from "./of_suite.ts";
import { inputsOf, serve } from "./serve.ts";

const suite = await loadKernelSuite();
const { kernel } = await loadKernel();
if (kernel === undefined) throw new Error("the kernel does not run here");
const { sha512 } = loadSha2();
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

await serve(ofSuite(suite, {
  /** A weighted sum of all elements at once, which are decoded each time: two batches take turns. */
  composite: (batch) => {
    const batches = [0, 1].map(() => suite.blind(inputsOf(batch), random));
    let turn = 0;
    return () => {
      const { blinds, blindedElements } = batches[turn ^= 1]!;
      return kernel.combine(blinds, blindedElements);
    };
  },
  sha512: () => () => sha512(SHA512_MESSAGE),
}));
