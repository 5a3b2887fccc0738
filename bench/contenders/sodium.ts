/** libsodium in WebAssembly, ristretto255: what the server runs. */
import { loadRistretto255 } from "../../core/voprf/libsodium.ts";
import { sodiumSuite } from "../../core/voprf/sodium.ts";
import { ofSuite, SHA512_MESSAGE } from "./of_suite.ts";
import { inputsOf, serve } from "./serve.ts";

const group = await loadRistretto255();
const suite = sodiumSuite(group);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const { blinds: [scalar], blindedElements: [first, second] } = suite.blind(inputsOf(2), random);
const uniform = random(64);

await serve(ofSuite(suite, {
  /** A weighted sum by one multiplication and one addition an element, as sodium.ts does it. */
  composite: (batch) => {
    const { blinds, blindedElements } = suite.blind(inputsOf(batch), random);
    return () =>
      blinds
        .map((scalar, index) => group.multiply(scalar, blindedElements[index]!)!)
        .reduce((sum, term) => group.add(sum, term)!);
  },
  multiply: () => () => group.multiply(scalar!, first!),
  map: () => () => group.fromUniform(uniform),
  add: () => () => group.add(first!, second!),
  sha512: () => () => group.sha512(SHA512_MESSAGE),
}));
