/**
 * Fills an engine that takes rows of another store with those that the service leaves, as `deno task store copy` does.
 *
 * @module
 */
import { deserialize } from "node:v8";
import { concat, u32 } from "../../core/base/bytes.ts";
import { QUOTAS } from "../../core/acs/families.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import { CLAIMS } from "../../core/ledger/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import type { Entry } from "../../core/store/port.ts";
import type { Store } from "../../core/store/store.ts";
import type { Filling } from "./fill.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const ROWS = 500;
const AT_ONCE = 4;
/** Lower than every stamp that the engine gives from then on. */
const STAMP = "0".repeat(19) + "1";

/** Adds the rows. */
export async function loadStore(store: Store, filling: Filling): Promise<void> {
  const { ordinals, claims, day, quotas, quotaValue } = filling;
  const quota = deserialize(quotaValue);
  const claimOf = (ordinal: number, at: number) => ({
    key: CLAIMS.key(claimId(ordinal, random(16), 1 + at % 63)),
    value: encodeClaim({ tag: random(16), day, recorded: true }),
  });
  const quotaOf = (ordinal: number) => ({ key: QUOTAS.key(concat(u32(ordinal), random(16))), value: quota });
  for (const ordinal of ordinals) {
    await loadRows(store, Math.floor(claims / ordinals.length), (at) => claimOf(ordinal, at));
    await loadRows(store, Math.floor(quotas / ordinals.length), () => quotaOf(ordinal));
  }
}

async function loadRows(
  store: Store,
  count: number,
  rowOf: (at: number) => Omit<Entry<unknown>, "stamp">,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + ROWS);
      const entries = Array.from({ length: next - from }, (_, at) => ({ ...rowOf(from + at), stamp: STAMP }));
      await store.load(entries);
    }
  }));
}
