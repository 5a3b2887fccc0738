/** noble, ristretto255: the reference, and what a client runs. */
import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { ristretto255 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { nobleRistretto255 } from "../../core/voprf/noble.ts";
import { ofSuite, SHA512_MESSAGE } from "./of_suite.ts";
import { inputsOf, serve } from "./serve.ts";

await serve(ofSuite(nobleRistretto255, {
  /** A weighted sum by multi-scalar multiplication: decode, sum, encode. */
  composite: (batch) => {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const { blinds, blindedElements } = nobleRistretto255.blind(inputsOf(batch), random);
    const { Point } = ristretto255;
    return () => {
      const points = blindedElements.map((element) => Point.fromBytes(element));
      return mulAddUnsafe(Point, points, blinds.map((scalar) => Point.Fn.fromBytes(scalar))).toBytes();
    };
  },
  sha512: () => () => sha512(SHA512_MESSAGE),
}));
