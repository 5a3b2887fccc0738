/** The audit beside commits in flight, whose stamps were drawn before its fence and which come through while it reads. */
import { assertEquals } from "@std/assert";
import { concat, u16, u32, utf8 } from "../../core/base/bytes.ts";
import { auditStore } from "../../core/jobs/reconciliation.ts";
import { ALIVE_KEYS } from "../../core/keys/families.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import { CLAIMS, LOG_ROWS } from "../../core/ledger/families.ts";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import type { Range } from "../../core/store/port.ts";
import { Store } from "../../core/store/store.ts";
import { withPostgres } from "../support/postgres/databases.ts";
import { hold } from "../support/postgres/held.ts";
import { plantCommits, PLANTED } from "../support/store/planted_commits.ts";

const { app, day, ordinal } = PLANTED;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const familyOf = (range: Range) => ("prefix" in range ? range.prefix : range.start)[0];

/** `engine`, which does something once before it first reads rows of a family. */
function before(
  engine: ClaimingEngine,
  letter: string,
  happens: () => Promise<void>,
): ClaimingEngine {
  let happened = false;
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    async list(range, options) {
      if (familyOf(range) === letter && !happened) {
        happened = true;
        await happens();
      }
      return await engine.list(range, options);
    },
    commit: (checks, writes) => engine.commit(checks, writes),
    claims: (calls) => engine.claims(calls),
    close: () => {},
  };
}

for (
  const [moment, letter] of [["claims and records are read", LOG_ROWS.letter], ["anything", CLAIMS.letter]]
) {
  Deno.test(`a group that comes through between the fence and when ${moment} is no finding, and one that lacks claims is`, () =>
    withPostgres(async (open, url) => {
      const engine = await open();
      const store = new Store(engine);
      await plantCommits(store, { commits: 20, rows: 1, records: 3 });
      const alive = await engine.commit([], [{ type: "set", key: ALIVE_KEYS.key(ordinal), value: true }]);
      if (!alive.ok) throw new Error("The key did not come alive.");
      const guard = { key: ALIVE_KEYS.key(ordinal), stamp: alive.stamp };
      const group = Array.from({ length: 5 }, (_, use) => ({
        key: CLAIMS.key(concat(u32(ordinal), random(16), u16(use))),
        value: encodeClaim({ tag: random(16), day, recorded: true }),
        guard,
      }));
      const record = {
        type: "set",
        key: LOG_ROWS.key(app, day, concat(Uint8Array.of(3), random(15))),
        value: utf8("{}\n".repeat(5)),
      } as const;
      const calls = {
        read: <T>(call: () => Promise<T>) => call(),
        write: <T>(call: () => Promise<T>) => call(),
      };
      const held = await hold(
        url,
        "read committed",
        (other) => other.claims(calls).claimGroup(group, () => [record]),
      );
      assertEquals(new Set(held.result.map(({ is }) => is)), new Set(["accepted"]));
      const report = await auditStore(new Store(before(engine, letter!, () => held.commit())), [app]);
      assertEquals(report.findings, []);
      assertEquals([report.claims, report.records], [65, 65]);
      // What is wrong in truth is found, however often it is looked at.
      await engine.commit([], [{ type: "delete", key: group[0]!.key }]);
      const wrong = await auditStore(store, [app]);
      assertEquals(wrong.findings.map(({ kind, count }) => [kind, count]), [["claim_missing", 1]]);
    }));
}
