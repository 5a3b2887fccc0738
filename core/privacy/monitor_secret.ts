/**
 * The secret from which the risk sketches' hash keys are derived: made once, sealed in the store, the same for every
 * process. Whoever has the store without the sealing keys can test no guess against a sketch.
 *
 * @module
 */
import { utf8 } from "../bytes.ts";
import type { Sealer } from "../keys/sealing.ts";
import { keySpace, type Store } from "../store/kv.ts";
import type { RandomSource } from "../voprf/suite.ts";
import { COMPARISON_SECRET_LENGTH } from "./comparison_domain.ts";

const CONTEXT = utf8("DIT/1 monitor secret");

/**
 * Opens the secret, or makes it. Under a new sealing key it is sealed again.
 * @throws {SealError} If it is sealed under a key that is not configured.
 */
export async function monitorSecret(store: Store, sealer: Sealer, random: RandomSource): Promise<Uint8Array> {
  while (true) {
    const row = await store.get<Uint8Array>(keySpace.monitorSecret());
    const secret = row.value === null
      ? random(COMPARISON_SECRET_LENGTH)
      : await sealer.open(row.value, CONTEXT);
    if (row.value !== null && sealer.isNewest(row.value)) return secret;
    const sealed = await sealer.seal(secret, CONTEXT);
    // Whoever was overtaken reads what the other one wrote.
    await store.commit((operation) => operation.check(row).set(row.key, sealed));
  }
}
