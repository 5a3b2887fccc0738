import { assertEquals } from "@std/assert";
import { KeyRing } from "../../../core/keys/key_ring.ts";
import { revokeKeys } from "../../../core/keys/replacement.ts";
import { applicationOf, contextOn, EPOCH, NOW } from "../../support/service/keys.ts";

for (const forgotten of [false, true]) {
  Deno.test(`KeyRing tells of a key that has ended${forgotten ? ", although its view was forgotten" : ""}`, async () => {
    using kv = await Deno.openKv(":memory:");
    const context = await contextOn(kv);
    const app = applicationOf();
    const gone: number[] = [];
    const ring = new KeyRing(context, app, "telemetry.example", (ordinal) => gone.push(ordinal));
    const { ordinal } = await ring.issuing(NOW);
    await revokeKeys(context, app, EPOCH, 0, NOW);
    if (forgotten) ring.forget();
    await ring.current(NOW + 31);
    assertEquals(gone, [ordinal]);
    await ring.current(NOW + 62);
    assertEquals(gone, [ordinal]);
  });
}
