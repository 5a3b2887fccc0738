import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { Application } from "../../../core/config/types.ts";
import { firstKeptDay, retireRecords } from "../../../core/jobs/retention.ts";
import { auditStore } from "../../../core/jobs/reconciliation.ts";
import { daysWithRecords } from "../../../core/ledger/day_records.ts";
import { sweepEndedKeys } from "../../../core/jobs/ended_keys.ts";
import { TALLIES } from "../../../core/ledger/families.ts";
import { moveIntoSegments } from "../../../core/ledger/segments.ts";
import type { TallyRow } from "../../../core/ledger/tally.ts";
import { DAY, endKeys, type Ledger, random, withLedger } from "../../support/store/ledger.ts";
import type { Key, Range } from "../../../core/store/port.ts";
import type { ListOptions } from "../../../core/store/store.ts";

const pace = { rowsPerCommit: 50, pause: () => Promise.resolve() };
const demo = { id: "demo", retentionDays: 30 } as Application;
const noon = (day: number) => day * 86_400 + 43_200;

async function days({ store }: Ledger, app = "demo"): Promise<number[]> {
  return await Array.fromAsync(daysWithRecords(store, app, Infinity));
}

async function tallyOf({ store }: Ledger, day: number): Promise<TallyRow | null> {
  return (await store.get<TallyRow>(TALLIES.key("demo", day))).value;
}

async function isSound({ store }: Ledger): Promise<boolean> {
  return (await auditStore(store, ["demo", "other"])).ok;
}

/** Records on three days in log rows, and on a fourth in segments. */
async function fill(ledger: Ledger): Promise<void> {
  await ledger.add({ uses: 40, day: DAY - 1 });
  await moveIntoSegments(ledger.store, random, "demo", noon(DAY + 5));
  for (const day of [DAY, DAY + 1, DAY + 2]) await ledger.add({ uses: 20, day, commits: 3 });
  await ledger.add({ ordinal: 3, uses: 5 });
}

Deno.test("firstKeptDay() keeps a record for at least its days", () => {
  assertEquals(firstKeptDay(30, DAY * 86_400 - 1), DAY - 31);
  assertEquals(firstKeptDay(30, DAY * 86_400), DAY - 30);
  assertEquals(firstKeptDay(1, noon(DAY)), DAY - 1);
});

Deno.test("retireRecords() removes whole days, wherever their records lie, and counts them", () =>
  withLedger(async (ledger) => {
    await fill(ledger);
    assertEquals(await days(ledger), [DAY - 1, DAY, DAY + 1, DAY + 2]);
    assertEquals((await retireRecords(ledger.store, demo, noon(DAY + 29), pace)).records, 0);
    assertEquals((await retireRecords(ledger.store, demo, noon(DAY + 31), pace)).records, 40 + 60);
    assertEquals(await days(ledger), [DAY + 1, DAY + 2]);
    assertEquals(await days(ledger, "other"), [DAY]);
    assertEquals(await tallyOf(ledger, DAY), { claimsSwept: 0, recordsMoved: 0, recordsRetired: 60 });
    assertEquals(await tallyOf(ledger, DAY - 1), { claimsSwept: 0, recordsMoved: 40, recordsRetired: 40 });
    assertEquals(await isSound(ledger), true);
  }));

Deno.test("retireRecords() in five processes at once counts nothing twice", () =>
  withLedger(async (ledger) => {
    await ledger.add({ uses: 2, commits: 120 });
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => retireRecords(ledger.store, demo, noon(DAY + 40), pace)),
    );
    assertEquals(runs.reduce((sum, { records }) => sum + records, 0), 240);
    assertEquals((await tallyOf(ledger, DAY))?.recordsRetired, 240);
    assertEquals(await isSound(ledger), true);
  }));

Deno.test("retireRecords() stopped at any commit leaves a sound store", async () => {
  for (let survive = 0; survive < 6; survive++) {
    await withLedger(async (ledger) => {
      await ledger.add({ uses: 2, commits: 60 });
      let pauses = 0;
      const dying = {
        ...pace,
        pause: () => ++pauses > survive ? Promise.reject(new Error("killed")) : Promise.resolve(),
      };
      await retireRecords(ledger.store, demo, noon(DAY + 40), dying).catch(() => {});
      assertEquals(await isSound(ledger), true);
      assertGreater((await tallyOf(ledger, DAY))!.recordsRetired, 0);
      await retireRecords(ledger.store, demo, noon(DAY + 40), pace);
      assertEquals(await days(ledger), []);
      assertEquals(await isSound(ledger), true);
    });
  }
});

Deno.test("retireRecords() forgets a tally only when no claim of its day is left", () =>
  withLedger(async (ledger) => {
    await ledger.add({ uses: 30 });
    assertEquals(await retireRecords(ledger.store, demo, noon(DAY + 40), pace), { records: 30, tallies: 0 });
    await endKeys(ledger, noon(DAY + 40));
    assertEquals(await retireRecords(ledger.store, demo, noon(DAY + 40), pace), { records: 0, tallies: 0 });
    await sweepEndedKeys(ledger.store, noon(DAY + 41), pace);
    assertEquals((await tallyOf(ledger, DAY))?.claimsSwept, 30);
    assertEquals(await isSound(ledger), true);
    assertEquals(await retireRecords(ledger.store, demo, noon(DAY + 40), pace), { records: 0, tallies: 1 });
    assertEquals(await tallyOf(ledger, DAY), null);
    assertEquals(await isSound(ledger), true);
  }));

Deno.test("retireRecords() reads no other application's keys, of which there may be thousands", () =>
  withLedger(async (ledger) => {
    await ledger.add({ uses: 3 });
    const families: Key[] = [];
    const list = ledger.store.list.bind(ledger.store);
    Object.assign(ledger.store, {
      list(range: Range, options: ListOptions) {
        if ("prefix" in range) families.push(range.prefix);
        return list(range, options);
      },
    });
    // Its tally is over its retention, and a key is still there: the one case in which keys are looked at.
    await retireRecords(ledger.store, demo, noon(DAY + 40), pace);
    assertEquals(families.filter((prefix) => prefix[0] === "k"), [["k", "demo"]]);
    assertEquals(families.filter((prefix) => prefix[0] === "b"), [["b", "demo"]]);
  }));

Deno.test("sweepEndedKeys() in five processes at once counts every claim once", () =>
  withLedger(async (ledger) => {
    await ledger.add({ uses: 60, commits: 5 });
    await ledger.add({ uses: 60, day: DAY + 1 });
    await ledger.add({ uses: 10, records: false });
    await endKeys(ledger, noon(DAY + 3));
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => sweepEndedKeys(ledger.store, noon(DAY + 4), pace)),
    );
    assertLessOrEqual(runs.reduce((sum, { claims }) => sum + claims, 0), 370);
    assertEquals((await tallyOf(ledger, DAY))?.claimsSwept, 300);
    assertEquals((await tallyOf(ledger, DAY + 1))?.claimsSwept, 60);
    assertEquals(await isSound(ledger), true);
  }));
