import { assert, assertEquals } from "@std/assert";
import { parseSchema } from "../../../client/base/collection.ts";
import { localDpReport } from "../../../client/local_dp.ts";
import { Reports } from "../../../client/queue/reports.ts";
import { DEVICE, REPORTS } from "../../../client/storage/records.ts";
import { present } from "../../support/base/present.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";

const DAY = 86_400_000;

/** So many reports are possible that two that were drawn apart hardly ever are the same one. */
const FIELD = { type: "integer", min: 0, max: 999, "local-dp": { epsilon: 1, mechanism: "pgr" } };

/** A device that has stored nothing yet, and its reports about a value of `asked.value` or of another field. */
function device() {
  const { commit, device, time } = surroundings();
  const report = (
    value: number,
    { field = FIELD, name = "value", seconds = 604_800 }: {
      field?: Record<string, unknown>;
      name?: string;
      seconds?: number;
    } = {},
  ) => {
    const events = [{ name: "asked", fields: { [name]: field } }];
    const text = JSON.stringify({ app: "notes", "pseudonym-seconds": seconds, events });
    const collection = parseSchema(text, "notes");
    const definition = present(collection.events.get("asked")?.fields.get(name));
    return commit((entries) => {
      const reports = new Reports(entries, device, collection);
      const drawn = reports.draw({ event: "asked", name, field: definition, value }, localDpReport);
      reports.store(entries);
      return drawn;
    });
  };
  return { commit, report, time };
}

Deno.test("Reports gives one report for a value, field and period, about four values", async () => {
  const { report, time } = device();
  const first = await Promise.all([1, 2, 3, 4].map((value) => report(value)));
  for (const drawn of first) assert(Number.isInteger(drawn));
  assertEquals(await report(5), undefined);
  assertEquals(await Promise.all([1, 2, 3, 4].map((value) => report(value))), first);
  assert(Number.isInteger(await report(5, { name: "other" })));
  time.now += 7 * DAY;
  assert(Number.isInteger(await report(5)));
  assert(await report(1) !== first[0]);
});

Deno.test("Reports gives none under another definition of the field until the next period", async () => {
  const changes = {
    epsilon: { field: { ...FIELD, "local-dp": { epsilon: 2, mechanism: "pgr" } } },
    mechanism: { field: { ...FIELD, "local-dp": { epsilon: 1 } } },
    domain: { field: { ...FIELD, max: 998 } },
    type: { field: { type: "bucket", edges: [1, 2], "local-dp": { epsilon: 1 } } },
    "a shorter rotation": { seconds: 86_400 },
    "a longer rotation": { seconds: 1_209_600 },
  };
  for (const [what, change] of Object.entries(changes)) {
    const { report, time } = device();
    const before = await report(1);
    for (const value of [1, 2]) assertEquals([what, await report(value, change)], [what, undefined]);
    // It is as it was: the same report.
    assertEquals([what, await report(1)], [what, before]);
    time.now += 14 * DAY;
    assert(Number.isInteger(await report(1, change)), what);
  }
  const { report } = device();
  const before = await report(1);
  const same = { ...FIELD, description: "A number.", optional: true, suppressed: false };
  assertEquals(await report(1, { field: same }), before);
  const more = { ...FIELD, "local-dp": { ...FIELD["local-dp"], "max-values": 16 } };
  assertEquals(await report(1, { field: more }), before);
});

Deno.test("Reports gives none under another device secret until the next period, however the clock moves", async () => {
  const { commit, report, time } = device();
  assert(Number.isInteger(await report(1)));
  await commit((entries) => entries.delete(DEVICE));
  assertEquals(await report(1), undefined);
  // A clock that is ahead for a moment.
  time.now += 7 * DAY;
  assert(Number.isInteger(await report(1)));
  time.now -= 7 * DAY;
  assertEquals(await report(1), undefined);
  time.now += 7 * DAY;
  assert(Number.isInteger(await report(1)));
});

Deno.test("a clock that is set back at the turn of a period forgets nothing of either", async () => {
  const { report, time } = device();
  const before = await Promise.all([1, 2, 3, 4].map((value) => report(value)));
  time.now += 7 * DAY;
  const after = await Promise.all([1, 2, 3, 4].map((value) => report(value)));
  time.now -= 7 * DAY;
  assertEquals([await report(1), await report(5)], [before[0], undefined]);
  time.now += 7 * DAY;
  assertEquals([await report(1), await report(5)], [after[0], undefined]);
});

Deno.test("what Reports stores is bounded, and forgotten after the next period", async () => {
  const { commit, report, time } = device();
  const field = { ...FIELD, "local-dp": { ...FIELD["local-dp"], "max-values": 16 } };
  let drawn = 0;
  // Every field would be heard; the first 256 are.
  for (let index = 0; index < 260; index++) {
    const name = `f${index}_${"x".repeat(57)}`;
    for (const value of [100, 999]) if (await report(value, { field, name }) !== undefined) drawn++;
  }
  assertEquals(drawn, 512);
  const stored = () => commit((entries) => present(entries.get(REPORTS)));
  const perReport = '"999":131070,'.length;
  // No value of a storage has more than about 128 KiB, were each field reported about 16 times.
  assert((await stored()).length + 256 * 14 * perReport < 131_072, `${(await stored()).length}`);
  time.now += 15 * DAY;
  await report(1);
  assert((await stored()).length < 200, await stored());
});

Deno.test("Reports goes on where what was stored is garbled", async () => {
  const { commit, report } = device();
  const before = await report(1);
  for (const garbage of ["", "{", "null", "[]", "{}", "[null, 7, {}]", '"text"', "7"]) {
    await commit((entries) => entries.set(REPORTS, garbage));
    assertEquals(await report(1), before);
  }
});
