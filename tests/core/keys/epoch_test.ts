import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Calendar, epochAt, lifetimeOf, stateAt } from "../../../core/keys/epoch.ts";

const calendars = fc.record({
  epochSeconds: fc.oneof(
    fc.constantFrom(10, 60, 3_600, 86_400, 604_800, 2_592_000),
    fc.integer({ min: 10, max: 2_592_000 }),
  ),
  overlapEpochs: fc.integer({ min: 0, max: 8 }),
  horizonEpochs: fc.integer({ min: 1, max: 8 }),
});
/** 1970 to 2500. */
const moments = fc.integer({ min: 0, max: 16_725_225_600 });
const DAILY: Calendar = { epochSeconds: 86_400, overlapEpochs: 1, horizonEpochs: 3 };

Deno.test("every moment lies in exactly one epoch, whose key alone issues", () => {
  fc.assert(fc.property(calendars, moments, (calendar, now) => {
    const epoch = epochAt(calendar, now);
    const near = Array.from({ length: 19 }, (_, index) => epoch - 9 + index);
    assertEquals(
      near.filter((other) => stateAt(lifetimeOf(calendar, other), now) === "issuing"),
      [epoch],
    );
  }));
});

Deno.test("a key goes through its states in order and changes at its dates, to the second", () => {
  fc.assert(fc.property(calendars, moments, (calendar, now) => {
    const life = lifetimeOf(calendar, epochAt(calendar, now));
    assertEquals(life.issueUntil - life.notBefore, calendar.epochSeconds);
    assertEquals(life.redeemUntil - life.issueUntil, calendar.overlapEpochs * calendar.epochSeconds);
    assertEquals(stateAt(life, life.notBefore - 1), "scheduled");
    assertEquals(stateAt(life, life.notBefore), "issuing");
    assertEquals(stateAt(life, life.issueUntil - 1), "issuing");
    assertEquals(stateAt(life, life.issueUntil), calendar.overlapEpochs === 0 ? "over" : "redeeming");
    assertEquals(stateAt(life, life.redeemUntil), "over");
    if (calendar.overlapEpochs > 0) assertEquals(stateAt(life, life.redeemUntil - 1), "redeeming");
  }));
});

Deno.test("epochs follow one another without a gap", () => {
  fc.assert(fc.property(calendars, moments, (calendar, now) => {
    const epoch = epochAt(calendar, now);
    assertEquals(lifetimeOf(calendar, epoch).issueUntil, lifetimeOf(calendar, epoch + 1).notBefore);
  }));
});

Deno.test("a daily epoch starts at 00:00 UTC on every day from 1970 to 2100, leap days included", () => {
  let days = 0;
  for (let year = 1970; year < 2100; year++) {
    for (let month = 0; month < 12; month++) {
      const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
      for (let day = 1; day <= length; day++, days++) {
        const midnight = Date.UTC(year, month, day) / 1000;
        assertEquals(epochAt(DAILY, midnight), days);
        assertEquals(epochAt(DAILY, midnight - 1), days - 1);
        assertEquals(lifetimeOf(DAILY, days).notBefore, midnight);
      }
    }
  }
  assertEquals(days, 47_482);
});

/** The calendar as a process in that zone computes it, around that zone's changes of the clock and a leap day. */
function calendarIn(zone: string): Promise<string> {
  const source = `
    import { epochAt, lifetimeOf, stateAt } from ${
    JSON.stringify(import.meta.resolve("../../../core/keys/epoch.ts"))
  };
    const calendar = { epochSeconds: 86400, overlapEpochs: 1, horizonEpochs: 3 };
    const lines = [new Date(2028, 1, 29, 12).getTimezoneOffset()];
    for (const date of ["2027-03-14", "2027-03-28", "2027-10-31", "2027-11-07", "2028-02-29", "2028-03-01"]) {
      const start = Date.parse(date + "T00:00:00Z") / 1000;
      for (let hour = -26; hour <= 50; hour++) {
        const now = start + hour * 3600;
        const epoch = epochAt(calendar, now);
        const life = lifetimeOf(calendar, epoch);
        lines.push([now, epoch, life.notBefore, life.redeemUntil, stateAt(life, now)].join(" "));
      }
    }
    console.log(lines.join("\\n"));`;
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", source], env: { TZ: zone } });
  return command.output().then(({ code, stdout, stderr }) => {
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  });
}

Deno.test("processes in different time zones have the same calendar", async () => {
  const zones = ["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"];
  const outputs = await Promise.all(zones.map(calendarIn));
  const offsets = outputs.map((output) => output.slice(0, output.indexOf("\n")));
  assertEquals(offsets, ["0", "300", "-345", "-840"], "the processes were in their zones");
  const [first, ...others] = outputs.map((output) => output.slice(output.indexOf("\n")));
  assert(first!.includes(" issuing"));
  for (const other of others) assertEquals(other, first);
});
