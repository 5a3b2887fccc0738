import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { createHmac } from "node:crypto";
import { toHex } from "../../../core/base/bytes.ts";
import {
  derivePseudonym,
  DEVICE_SECRET_LENGTH,
  PSEUDONYM_LENGTH,
  pseudonymPeriod,
} from "../../../core/schema/pseudonym.ts";
import { appIds, bytesOf, flipBit } from "../../support/base/arbitraries.ts";

const WEEK = 7 * 86_400;
const SECRET = Uint8Array.from({ length: DEVICE_SECRET_LENGTH }, (_, index) => index);

Deno.test("derivePseudonym() gives the protocol's bytes", () => {
  // Worked out with Python's hmac from docs/protocol.md, section 9.
  assertEquals(toHex(derivePseudonym(SECRET, "demo", WEEK, 2_968)), "bd4ca815bc10760c2a66f7cae7217dbf");
});

Deno.test("derivePseudonym() agrees with the platform's HMAC", () => {
  const numbers = fc.maxSafeNat();
  fc.assert(
    fc.property(
      bytesOf(DEVICE_SECRET_LENGTH),
      appIds(),
      numbers,
      numbers,
      (secret, app, rotation, period) => {
        const counters = new DataView(new ArrayBuffer(16));
        counters.setBigUint64(0, BigInt(rotation));
        counters.setBigUint64(8, BigInt(period));
        const expected = createHmac("sha256", secret).update("DIT/1 pseudonym\0")
          .update(Uint8Array.of(0, app.length)).update(app).update(new Uint8Array(counters.buffer)).digest(
            "hex",
          );
        const pseudonym = derivePseudonym(secret, app, rotation, period);
        assertEquals(toHex(pseudonym), expected.slice(0, 2 * PSEUDONYM_LENGTH));
      },
    ),
  );
});

Deno.test("derivePseudonym() changes with the secret, the application, the rotation and the period", () => {
  fc.assert(
    fc.property(
      bytesOf(DEVICE_SECRET_LENGTH),
      appIds(),
      fc.nat(),
      fc.nat(255),
      (secret, app, period, bit) => {
        const pseudonym = derivePseudonym(secret, app, WEEK, period);
        assertEquals(pseudonym.length, PSEUDONYM_LENGTH);
        assertNotEquals(pseudonym, derivePseudonym(flipBit(secret, bit), app, WEEK, period));
        assertNotEquals(pseudonym, derivePseudonym(secret, `${app}x`, WEEK, period));
        assertNotEquals(pseudonym, derivePseudonym(secret, app, WEEK + 86_400, period));
        assertNotEquals(pseudonym, derivePseudonym(secret, app, WEEK, period + 1));
      },
    ),
  );
});

Deno.test("pseudonymPeriod() changes exactly at a multiple of the rotation", () => {
  const start = 2_968 * WEEK;
  assertEquals(pseudonymPeriod(start - 1, WEEK), 2_967);
  assertEquals(pseudonymPeriod(start, WEEK), 2_968);
  assertEquals(pseudonymPeriod(start + WEEK - 1, WEEK), 2_968);
  assertEquals(pseudonymPeriod(start + WEEK, WEEK), 2_969);
});
