/**
 * P384-SHA384 on `@noble/curves`, apart from the default suite so that a client without it does not carry the curve.
 *
 * @module
 */
import { p384, p384_oprf } from "@noble/curves/nist.js";
import { nobleSuite } from "./noble.ts";
import type { Suite } from "./suite.ts";

/** P384-SHA384 (RFC 9497, section 4.4): for those who must stay with NIST curves. */
export const nobleP384: Suite = nobleSuite({
  name: "P384-SHA384",
  oprf: p384_oprf,
  Point: p384.Point,
});
