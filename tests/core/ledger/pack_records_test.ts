import { assertEquals, assertLessOrEqual } from "@std/assert";
import { utf8 } from "../../../core/base/bytes.ts";
import { packRecords, splitLines } from "../../../core/ledger/pack_records.ts";
import { platformRandom } from "../../support/service/keys.ts";

const ROW_BYTES = 60 * 1024;
const textsOf = (bytes: Uint8Array) => splitLines(bytes).map((line) => new TextDecoder().decode(line));

Deno.test("packRecords() makes one row for each application, day and hour", () => {
  const places = [["a", 1, 0], ["a", 1, 5], ["b", 1, 5], ["a", 2, 5]] as const;
  const requests = [...places, ...places].map(([app, day, hour], index) => ({
    app,
    day,
    hour,
    record: utf8(`${app} ${day} ${hour} ${Math.floor(index / places.length)}`),
  }));
  const rows = packRecords(requests, ROW_BYTES, platformRandom);
  assertEquals(rows.map(({ app, day, hour }) => [app, day, hour]), places.map((place) => [...place]));
  for (const { app, day, hour, bytes } of rows) {
    assertEquals(textsOf(bytes).sort(), [`${app} ${day} ${hour} 0`, `${app} ${day} ${hour} 1`]);
  }
});

Deno.test("packRecords() passes over requests without a record", () => {
  const rows = packRecords(
    [{ app: "a", day: 1 }, { app: "a", day: 1, record: utf8("x") }],
    ROW_BYTES,
    platformRandom,
  );
  assertEquals(rows.map(({ hour, bytes }) => [hour, textsOf(bytes)]), [[0, ["x"]]]);
  assertEquals(packRecords([{ app: "a", day: 1 }], ROW_BYTES, platformRandom), []);
});

Deno.test("packRecords() begins a new row when the next record would be too much for it", () => {
  const lengths = [0, 1, 20_000, 30_000, 30_719, 30_720, 61_438, 61_439];
  const requests = lengths.map((length) => ({ app: "a", day: 1, record: new Uint8Array(length).fill(0x61) }));
  const rows = packRecords(requests, ROW_BYTES, platformRandom);
  for (const { bytes } of rows) assertLessOrEqual(bytes.length, ROW_BYTES);
  const packed = rows.flatMap(({ bytes }) => splitLines(bytes).map(({ length }) => length));
  assertEquals(packed.toSorted((a, b) => a - b), lengths);
  // Two of 30,719 and their line feeds are exactly a row.
  const halves = requests.slice(4, 5).flatMap((half) => [half, half]);
  assertEquals(packRecords(halves, ROW_BYTES, platformRandom).map(({ bytes }) => bytes.length), [ROW_BYTES]);
});

Deno.test("a record that is too large for any row has one for itself", () => {
  const record = new Uint8Array(70 * 1024);
  const small = { app: "a", day: 1, record: utf8("x") };
  const rows = packRecords([small, { ...small, record }, small], ROW_BYTES, platformRandom);
  assertEquals(
    rows.flatMap(({ bytes }) => bytes.length > ROW_BYTES ? [bytes.length] : []),
    [70 * 1024 + 1],
  );
});
