/**
 * Commits of claims and records, as a service leaves them, without one.
 *
 * @module
 */
import { concat, u16, u32, utf8 } from "../../../core/base/bytes.ts";
import { ENDED_KEYS } from "../../../core/keys/families.ts";
import { encodeClaim } from "../../../core/ledger/claim_row.ts";
import { CLAIMS, LOG_ROWS } from "../../../core/ledger/families.ts";
import type { Store } from "../../../core/store/store.ts";

/** The application whose uses are claimed, and the day. */
export const PLANTED = { app: "notes", day: 20_000, ordinal: 7 };

/** How commits are planted. */
export interface PlantedCommits {
  readonly commits: number;
  /** Rows of records of each. */
  readonly rows: number;
  /** Records of a row. */
  readonly records: number;
  /** Bytes of a record. */
  readonly bytes?: number;
}

/** Writes commits, each with a claim for every record. */
export async function plantCommits(
  store: Store,
  { commits, rows, records, bytes = 10 }: PlantedCommits,
): Promise<void> {
  const { app, day, ordinal } = PLANTED;
  await store.commit((commit) => commit.set(ENDED_KEYS.key(ordinal), { app, claimsAfter: 2 ** 40 }));
  const lines = utf8(`${"x".repeat(bytes - 1)}\n`.repeat(records));
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  for (let planted = 0; planted < commits; planted++) {
    await store.commit((commit) => {
      for (let row = 0; row < rows; row++) {
        commit.set(LOG_ROWS.key(app, day, concat(Uint8Array.of(3), random(15))), lines);
        for (let record = 0; record < records; record++) {
          const claim = encodeClaim({ tag: random(16), day, recorded: true });
          commit.set(CLAIMS.key(concat(u32(ordinal), random(16), u16(record))), claim);
        }
      }
    });
  }
}
