import { assert, assertEquals } from "@std/assert";
import { concat, utf8 } from "../../../core/base/bytes.ts";
import { LOG_ROWS, SEGMENTS, TALLIES } from "../../../core/ledger/families.ts";
import { logRowId } from "../../../core/ledger/row_ids.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { roomInValue } from "../../../core/store/limits.ts";
import type { Store } from "../../../core/store/store.ts";
import { packRecords } from "../../../core/ledger/pack_records.ts";
import { countOfSegment, moveIntoSegments, readSegment } from "../../../core/ledger/segments.ts";
import type { TallyRow } from "../../../core/ledger/tally.ts";
import { setRow } from "../../support/store/rows.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const APP = "demo";
const DAY = 20_000;
const DURING = DAY * 86_400 + 3_600;
const LONG_AFTER = (DAY + 2) * 86_400;

async function withStore(body: (store: Store, kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  try {
    await body(store, kv);
  } finally {
    store.close();
  }
}

/** Stores records as commits would: `perRow` in a row. Gives their texts. */
async function addRecords(
  store: Store,
  count: number,
  perRow: number,
  makeRecord = plainRecord,
): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => makeRecord(index));
  for (let at = 0; at < count; at += perRow) {
    const requests = texts.slice(at, at + perRow).map((text) => ({ app: APP, day: DAY, record: utf8(text) }));
    for (const row of packRecords(requests, roomInValue(store.limits), random)) {
      await setRow(store, LOG_ROWS.key(APP, DAY, logRowId(row.hour, random)), row.bytes);
    }
  }
  return texts;
}

function plainRecord(index: number): string {
  return JSON.stringify({
    pseudonym: random(16).toBase64(),
    events: [{ name: "e", at: "x", fields: { index } }],
  });
}

async function readAll(store: Store): Promise<{ texts: string[]; sizes: number[]; rows: number }> {
  const texts: string[] = [];
  const sizes: number[] = [];
  for await (const { value } of store.list<Uint8Array>(SEGMENTS.prefix(APP, DAY))) {
    const records = readSegment(value);
    assertEquals(countOfSegment(value), records.length);
    texts.push(...records.map((record) => new TextDecoder().decode(record)));
    sizes.push(value.length);
  }
  const rows = (await Array.fromAsync(store.list(LOG_ROWS.prefix(APP, DAY)))).length;
  return { texts, sizes, rows };
}

Deno.test("moveIntoSegments() moves every record exactly once, shuffled, and counts it", () =>
  withStore(async (store) => {
    const texts = await addRecords(store, 3_000, 7);
    const moved = await moveIntoSegments(store, random, APP, LONG_AFTER);
    const after = await readAll(store);
    assertEquals(moved.records, 3_000);
    assertEquals(after.rows, 0);
    assertEquals(after.texts.toSorted(), texts.toSorted());
    assert(after.texts.join() !== texts.join(), "the order of arrival is gone");
    assert(after.sizes.every((size) => size <= 61_444));
    const tally = await store.get<TallyRow>(TALLIES.key(APP, DAY));
    assertEquals(tally.value?.recordsMoved, 3_000);
  }));

Deno.test("moveIntoSegments() lets few records wait until a day after their day", () =>
  withStore(async (store) => {
    await addRecords(store, 50, 5);
    assertEquals((await moveIntoSegments(store, random, APP, DURING)).records, 0);
    assertEquals((await moveIntoSegments(store, random, APP, (DAY + 2) * 86_400 - 1)).records, 0);
    assertEquals((await moveIntoSegments(store, random, APP, (DAY + 2) * 86_400)).records, 50);
  }));

Deno.test("moveIntoSegments() moves the hours that are over, and nothing of the current one", () =>
  withStore(async (store) => {
    for (const hour of [0, 1, 2, 23]) {
      const requests = Array.from({ length: 30 }, () => ({
        app: APP,
        day: DAY,
        hour,
        record: utf8(JSON.stringify({ hour, salt: random(8).toHex() })),
      }));
      for (const request of requests) {
        for (const row of packRecords([request], roomInValue(store.limits), random)) {
          await setRow(store, LOG_ROWS.key(APP, DAY, logRowId(row.hour, random)), row.bytes);
        }
      }
    }
    const hoursMoved = async (nowSeconds: number) => {
      await moveIntoSegments(store, random, APP, nowSeconds, { minShuffled: 1 });
      const { texts } = await readAll(store);
      return [...new Set(texts.map((text) => JSON.parse(text).hour))].toSorted((a, b) => a - b);
    };
    assertEquals(await hoursMoved(DAY * 86_400 + 3_599), []);
    assertEquals(await hoursMoved(DAY * 86_400 + 3_600), [0]);
    assertEquals(await hoursMoved(DAY * 86_400 + 3 * 3_600 - 1), [0, 1]);
    assertEquals(await hoursMoved(DAY * 86_400 + 86_399), [0, 1, 2]);
    assertEquals(await hoursMoved(DAY * 86_400 + 86_400), [0, 1, 2, 23]);
  }));

Deno.test("moveIntoSegments() moves the rows of a quiet service too, in which every commit had one record", () =>
  withStore(async (store) => {
    const texts = await addRecords(store, 2_100, 1);
    const moved = await moveIntoSegments(store, random, APP, DURING);
    const after = await readAll(store);
    // As many as one commit takes at a time; the rest waits for more.
    assertEquals([moved.records, after.rows], [1_900, 200]);
    assertEquals(after.texts.length, new Set(after.texts).size);
    const left = await moveIntoSegments(store, random, APP, LONG_AFTER);
    assertEquals(left.records, 200);
    assertEquals((await readAll(store)).texts.toSorted(), texts.toSorted());
  }));

Deno.test("moveIntoSegments() shuffles as many full rows together as fit one commit", () =>
  withStore(async (store, kv) => {
    // Rows of a busy service: a hundred records each, some 18 KiB.
    const texts = await addRecords(store, 30_000, 100);
    const commits: number[] = [];
    const counting = storeOver({
      get: kv.get.bind(kv),
      list: kv.list.bind(kv),
      atomic: () => {
        const operation = kv.atomic();
        const remove = operation.delete.bind(operation);
        let rows = 0;
        operation.delete = (key) => (rows++, remove(key));
        const commit = operation.commit.bind(operation);
        operation.commit = () => (commits.push(rows), commit());
        return operation;
      },
    } as unknown as Deno.Kv);
    await moveIntoSegments(counting, random, APP, DURING);
    assert(commits[0]! > 200, `rows of each shuffle: ${commits}`);
    assertEquals((await readAll(store)).texts.toSorted(), texts.toSorted());
  }));

Deno.test("moveIntoSegments() in ten processes at once moves nothing twice", () =>
  withStore(async (store) => {
    const texts = await addRecords(store, 2_000, 3);
    await Promise.all(Array.from({ length: 10 }, () => moveIntoSegments(store, random, APP, LONG_AFTER)));
    const after = await readAll(store);
    assertEquals(after.texts.toSorted(), texts.toSorted());
    assertEquals((await store.get<TallyRow>(TALLIES.key(APP, DAY))).value?.recordsMoved, 2_000);
  }));

Deno.test("moveIntoSegments() fits records that do not compress into KV's limits", () =>
  withStore(async (store) => {
    const texts = await addRecords(store, 40, 1, () => random(40_000).toBase64());
    await moveIntoSegments(store, random, APP, LONG_AFTER);
    const after = await readAll(store);
    assertEquals(after.texts.toSorted(), texts.toSorted());
    assertEquals(after.rows, 0);
  }));

Deno.test("moveIntoSegments() killed at any commit leaves every record in exactly one place", () =>
  withStore(async (store, kv) => {
    const texts = await addRecords(store, 1_200, 2);
    for (let commits = 0;; commits++) {
      let left = commits;
      const dying = storeOver({
        get: kv.get.bind(kv),
        getMany: kv.getMany.bind(kv),
        list: kv.list.bind(kv),
        atomic: () => {
          if (left-- === 0) throw new Error("killed");
          return kv.atomic();
        },
      } as unknown as Deno.Kv);
      const died = await moveIntoSegments(dying, random, APP, LONG_AFTER).then(() => false, () => true);
      const { texts: inSegments } = await readAll(store);
      const inRows: string[] = [];
      for await (const { value } of store.list<Uint8Array>(LOG_ROWS.prefix(APP, DAY))) {
        inRows.push(...new TextDecoder().decode(value).trimEnd().split("\n"));
      }
      assertEquals([...inSegments, ...inRows].toSorted(), texts.toSorted());
      if (!died) break;
    }
  }));

Deno.test("a segment is several times smaller than its records", () =>
  withStore(async (store) => {
    const texts = await addRecords(
      store,
      2_000,
      10,
      (index) =>
        JSON.stringify({
          pseudonym: random(16).toBase64(),
          events: [{
            name: "log_upload",
            at: "2026-11-22T19:00:00Z",
            fields: {
              ok: true,
              platform: "linux",
              runtime: "2.9",
              retries: index % 3,
              latency_ms: index % 9,
            },
          }],
        }),
    );
    await moveIntoSegments(store, random, APP, LONG_AFTER);
    const { sizes } = await readAll(store);
    const raw = concat(...texts.map((text) => utf8(text))).length;
    assert(sizes.reduce((a, b) => a + b, 0) * 3 < raw);
  }));
