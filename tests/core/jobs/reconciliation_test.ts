import { assert, assertEquals, assertGreater } from "@std/assert";
import { concat, u32, utf8 } from "../../../core/base/bytes.ts";
import { type AuditReport, auditStore } from "../../../core/jobs/reconciliation.ts";
import { encodeClaim } from "../../../core/ledger/claim_row.ts";
import { sweepEndedKeys } from "../../../core/jobs/ended_keys.ts";
import { CLAIMS, claimsOf, LOG_ROWS, SEGMENTS, TALLIES } from "../../../core/ledger/families.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import { moveIntoSegments } from "../../../core/ledger/segments.ts";
import type { TallyRow } from "../../../core/ledger/tally.ts";
import { DAY, endKeys, type Ledger, random, withLedger } from "../../support/store/ledger.ts";
import { deleteRow, setRow } from "../../support/store/rows.ts";
import type { Entry, Range } from "../../../core/store/port.ts";
import type { ListOptions } from "../../../core/store/store.ts";

const pace = { rowsPerCommit: 7, pause: () => Promise.resolve() };
const APPS = ["demo", "other"];

function kinds(report: AuditReport): string[] {
  return report.findings.map(({ kind, count }) => `${kind} ${count}`).sort();
}

async function audit({ store }: Ledger): Promise<AuditReport> {
  const report = await auditStore(store, APPS);
  assertEquals(report.ok, report.findings.length === 0);
  // The same in many small slices: memory is bounded, and nothing is judged differently.
  const sliced = await auditStore(store, APPS, { maxCommits: 20 });
  assertEquals(kinds(sliced), kinds(report));
  assertEquals(
    sliced.days.map(({ claims, records }) => [claims, records]),
    report.days.map((day) => [day.claims, day.records]),
  );
  return report;
}

async function firstRow({ store }: Ledger, range: Range): Promise<Entry<Uint8Array>> {
  const rows = await Array.fromAsync(store.list<Uint8Array>(range));
  return rows.toSorted((a, b) => b.value.length - a.value.length)[0]!;
}

/** Claims of 30 commits on two days by three keys, 270 of them. */
async function fill(ledger: Ledger): Promise<void> {
  await ledger.add({ uses: 9, commits: 10 });
  await ledger.add({ ordinal: 2, uses: 9, commits: 10, day: DAY + 1 });
  await ledger.add({ ordinal: 3, uses: 9, commits: 10 });
}

const afterKeys = (DAY + 3) * 86_400;

async function sweepKeys({ store }: Ledger): Promise<void> {
  await endKeys({ store }, afterKeys);
  await sweepEndedKeys(store, afterKeys + 3_600, pace);
}

async function moveRecords({ store }: Ledger): Promise<void> {
  for (const app of APPS) await moveIntoSegments(store, random, app, afterKeys + 86_400, { minShuffled: 20 });
}

Deno.test("auditStore() finds nothing in a sound store", () =>
  withLedger(async (ledger) => {
    assertEquals((await audit(ledger)).ok, true);
    await fill(ledger);
    const report = await audit(ledger);
    assertEquals([report.findings, report.unknown, report.claims, report.records], [[], [], 270, 270]);
  }));

Deno.test("auditStore() finds nothing wrong after sweeping and moving, and says what it cannot know", () =>
  withLedger(async (ledger) => {
    await fill(ledger);
    await sweepKeys(ledger);
    const swept = await audit(ledger);
    assertEquals([swept.findings, swept.claims, swept.records], [[], 90, 270]);
    assertEquals(swept.unknown.length, 2);
    await moveRecords(ledger);
    const moved = await audit(ledger);
    assertEquals([moved.findings, moved.records], [[], 270]);
    assertEquals(moved.days.map(({ recordsInSegments }) => recordsInSegments), [90, 90, 90]);
    assertGreater(moved.unknown.length, swept.unknown.length);
    await moveRecords(ledger);
    assertEquals((await audit(ledger)).findings, []);
  }));

Deno.test("auditStore() counts claims for other servers apart", () =>
  withLedger(async (ledger) => {
    await ledger.add({ uses: 5, records: false });
    await ledger.add({ uses: 4 });
    const report = await audit(ledger);
    assertEquals([report.findings, report.claims, report.records], [[], 4, 4]);
    assertEquals(report.days[0]!.claimsElsewhere, 5);
    assertEquals(report.unknown.length, 1);
  }));

Deno.test("auditStore() leaves out what is committed while it reads", () =>
  withLedger(async (ledger) => {
    await fill(ledger);
    let running = true;
    const load = (async () => {
      while (running) {
        await ledger.add({ uses: 5 });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (let run = 0; run < 8; run++) assertEquals((await auditStore(ledger.store, APPS)).findings, []);
    running = false;
    await load;
  }));

Deno.test("auditStore() says so when rows are swept while it reads", () =>
  withLedger(async (ledger) => {
    await fill(ledger);
    await endKeys(ledger, afterKeys);
    // Each read of the claims is followed by a commit of the sweep.
    const slow = storeOver(ledger.kv);
    let sweeping: Promise<unknown> = Promise.resolve();
    const list = slow.list.bind(slow);
    slow.list = async function* <T>(range: Range, options?: ListOptions) {
      if (JSON.stringify(range) === JSON.stringify(CLAIMS.all())) {
        sweeping = sweepEndedKeys(ledger.store, afterKeys + 3_600, pace);
      }
      yield* list<T>(range, options);
      await sweeping;
    };
    const report = await auditStore(slow, APPS);
    // The third run finds a store in which nothing changes any more, or says which days did.
    assertEquals(report.findings, []);
    assertEquals((await audit(ledger)).findings, []);
  }));

interface Damage {
  readonly name: string;
  readonly expected: string[];
  readonly plant: (ledger: Ledger) => Promise<void>;
}

const soundStore: Damage[] = [
  {
    name: "a row of records that is lost",
    expected: ["record_missing 9"],
    plant: async (ledger) => {
      await deleteRow(ledger.store, (await firstRow(ledger, LOG_ROWS.prefix("demo", DAY))).key);
    },
  },
  {
    name: "a record that is lost from its row",
    expected: ["claim_missing 8", "record_missing 9"],
    plant: async (ledger) => {
      const { key, value } = await firstRow(ledger, LOG_ROWS.prefix("demo", DAY));
      const lines = splitLines(value).slice(1);
      await setRow(ledger.store, key, concat(...lines.flatMap((line) => [line, utf8("\n")])));
    },
  },
  {
    name: "a row of records that is doubled",
    expected: ["claim_missing 9"],
    plant: async (ledger) => {
      const { value } = await firstRow(ledger, LOG_ROWS.prefix("demo", DAY));
      await setRow(ledger.store, LOG_ROWS.key("demo", DAY, random(12)), value);
    },
  },
  {
    name: "records that are moved by hand to another day",
    expected: ["claim_missing 9", "record_missing 9"],
    plant: async (ledger) => {
      const { key, value } = await firstRow(ledger, LOG_ROWS.prefix("demo", DAY));
      await ledger.store.commit((commit) =>
        commit.delete(key).set(LOG_ROWS.key("demo", DAY + 1, random(12)), value)
      );
    },
  },
  {
    name: "a claim that is lost",
    expected: ["claim_missing 1"],
    plant: async (ledger) => {
      await deleteRow(ledger.store, (await firstRow(ledger, claimsOf(3))).key);
    },
  },
  {
    name: "a claim that is added",
    expected: ["record_missing 1"],
    plant: async (ledger) => {
      const claim = encodeClaim({ tag: random(16), day: DAY, recorded: true });
      await setRow(ledger.store, CLAIMS.key(claimId(1, random(16), 3)), claim);
    },
  },
  {
    name: "a claim under a key that does not exist",
    expected: ["claim_of_unknown_key 1"],
    plant: async (ledger) => {
      const claim = encodeClaim({ tag: random(16), day: DAY, recorded: true });
      await setRow(ledger.store, CLAIMS.key(claimId(77, random(16), 3)), claim);
    },
  },
  {
    name: "a claim of a use beyond the limit",
    expected: ["record_missing 1", "use_out_of_range 1"],
    plant: async (ledger) => {
      const claim = encodeClaim({ tag: random(16), day: DAY, recorded: true });
      await setRow(ledger.store, CLAIMS.key(claimId(1, random(16), 64)), claim);
    },
  },
  {
    name: "a claim that is no claim",
    expected: ["claim_malformed 1"],
    plant: async (ledger) => {
      await setRow(ledger.store, CLAIMS.key(claimId(1, random(16), 3)), u32(1));
    },
  },
  {
    name: "a row of records that breaks off",
    expected: ["record_missing 9", "row_malformed 1"],
    plant: async (ledger) => {
      const { key, value } = await firstRow(ledger, LOG_ROWS.prefix("demo", DAY));
      await setRow(ledger.store, key, value.slice(0, -5));
    },
  },
  ...(["claimsSwept", "recordsRetired", "recordsMoved"] as const).map((name): Damage => ({
    name: `a tally whose ${name} counts too much`,
    expected: [name === "recordsMoved" ? "tally_wrong 5" : "day_unbalanced 5"],
    plant: (ledger) => changeTally(ledger, name, 5),
  })),
];

const sweptStore: Damage[] = [
  ...(["claimsSwept", "recordsMoved"] as const).flatMap((name) =>
    [5, -5].map((change): Damage => ({
      name: `a tally whose ${name} is wrong by ${change}`,
      expected: [name === "recordsMoved" ? "tally_wrong 5" : "day_unbalanced 5"],
      plant: (ledger) => changeTally(ledger, name, change),
    }))
  ),
  {
    name: "a tally that is lost",
    expected: ["tally_wrong 90"],
    plant: (ledger) => deleteRow(ledger.store, TALLIES.key("other", DAY)),
  },
  {
    name: "a segment that is lost",
    expected: ["record_missing 90", "tally_wrong 90"],
    plant: async (ledger) => {
      await deleteRow(ledger.store, (await firstRow(ledger, SEGMENTS.prefix("other", DAY))).key);
    },
  },
  {
    name: "a segment that is doubled",
    expected: ["tally_wrong 90"],
    plant: async (ledger) => {
      const { value } = await firstRow(ledger, SEGMENTS.prefix("demo", DAY));
      await setRow(ledger.store, SEGMENTS.key("demo", DAY, random(12)), value);
    },
  },
  {
    name: "a segment that does not unpack",
    expected: ["record_missing 90", "row_malformed 1", "tally_wrong 90"],
    plant: async (ledger) => {
      const { key, value } = await firstRow(ledger, SEGMENTS.prefix("other", DAY));
      await setRow(ledger.store, key, value.map((byte, index) => index > 20 ? byte ^ 0x55 : byte));
    },
  },
  {
    name: "a claim that is lost after its record was moved",
    expected: ["day_unbalanced 1"],
    plant: async (ledger) => {
      await deleteRow(ledger.store, (await firstRow(ledger, claimsOf(3))).key);
    },
  },
];

async function changeTally({ store }: Ledger, name: keyof TallyRow, change: number): Promise<void> {
  const entry = await store.get<TallyRow>(TALLIES.key("demo", DAY));
  const row = entry.value ?? { claimsSwept: 0, recordsMoved: 0, recordsRetired: 0 };
  await setRow(store, entry.key, { ...row, [name]: row[name] + change });
}

for (const { name, expected, plant } of soundStore) {
  Deno.test(`auditStore() finds ${name}`, () =>
    withLedger(async (ledger) => {
      await fill(ledger);
      await plant(ledger);
      const report = await audit(ledger);
      assertEquals(kinds(report), expected);
      for (const { explanation } of report.findings) assert(explanation.length > 20);
    }));
}

for (const { name, expected, plant } of sweptStore) {
  Deno.test(`auditStore() finds, where much was swept and moved, ${name}`, () =>
    withLedger(async (ledger) => {
      await fill(ledger);
      await sweepKeys(ledger);
      await moveRecords(ledger);
      await plant(ledger);
      assertEquals(kinds(await audit(ledger)), expected);
    }));
}
