import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { toHex } from "../../../core/base/bytes.ts";
import { challengeDigest, encodeChallenge, REDEMPTION_CONTEXT } from "../../../core/token/challenge.ts";
import { appIds } from "../../support/base/arbitraries.ts";

// Worked out with Python's hashlib and struct from docs/protocol.md, section 3.
const CONTEXT = "14d1282400128d1f2ced43875d21111f1014d2f4f0440f01974911455851a799";
const ISSUER_AND_APP = `001174656c656d657472792e6578616d706c6520${CONTEXT}000464656d6f`;
const KNOWN = [
  { tokenType: 5, digest: "e7bf3f38fd9b7451fcd86d39e8b7e453b4da169468e15f955eea2e45dc1dc5a5" },
  { tokenType: 1, digest: "08b8a75766e2c8eab2d26618d4f9f8283cc2b74a164f3cbfc5c2ed4527df57eb" },
];

Deno.test("encodeChallenge() and challengeDigest() give the protocol's bytes", () => {
  assertEquals(toHex(REDEMPTION_CONTEXT), CONTEXT);
  for (const { tokenType, digest } of KNOWN) {
    const challenge = { tokenType, issuerName: "telemetry.example", app: "demo" };
    assertEquals(toHex(encodeChallenge(challenge)), `000${tokenType}${ISSUER_AND_APP}`);
    assertEquals(toHex(challengeDigest(challenge)), digest);
  }
});

Deno.test("encodeChallenge() never gives two challenges the same bytes", () => {
  const challenges = fc.record({ tokenType: fc.constantFrom(1, 5), issuerName: fc.string(), app: appIds() });
  fc.assert(fc.property(challenges, challenges, (one, other) => {
    if (one.tokenType === other.tokenType && one.issuerName === other.issuerName && one.app === other.app) {
      return;
    }
    assertNotEquals(encodeChallenge(one), encodeChallenge(other));
  }));
  // The length prefixes keep the border between issuer and application.
  assertNotEquals(
    challengeDigest({ tokenType: 5, issuerName: "a", app: "bc" }),
    challengeDigest({ tokenType: 5, issuerName: "ab", app: "c" }),
  );
});
