import { assert, assertEquals } from "@std/assert";
import { Clock, MAX_OFFSET } from "../../../client/base/clock.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** A clock whose device a test moves. `hear` hears that the service's is so many milliseconds ahead. */
function clockOf() {
  const time = { now: Date.UTC(2027, 0, 15, 10) };
  const clock = new Clock(() => time.now);
  const hear = (ahead: number, age?: string, isLogging = true) => {
    const date = new Date(time.now + ahead).toUTCString();
    return clock.hear(new Headers({ date, ...age !== undefined && { age } }), isLogging);
  };
  return { time, clock, hear };
}

Deno.test("Clock takes over Date plus Age, and ignores rounding and what is no date", () => {
  const { time, clock, hear } = clockOf();
  assertEquals(hear(30 * MINUTE, "60"), false);
  assertEquals(clock.seconds(), time.now / 1000 + 1860);
  for (const date of ["yesterday", "", "Invalid Date"]) {
    assertEquals(clock.hear(new Headers({ date }), true), false);
  }
  assertEquals(clock.hear(new Headers(), true), false);
  assertEquals(clock.seconds(), time.now / 1000 + 1860);
  hear(-1000);
  assertEquals(clock.seconds(), time.now / 1000);
});

Deno.test("Clock believes an offset of an hour, and refuses a farther one, which changes nothing", () => {
  for (const sign of [-1, 1]) {
    const { time, clock, hear } = clockOf();
    assertEquals(hear(sign * HOUR), false);
    assertEquals(clock.seconds(), (time.now + sign * HOUR) / 1000);
    for (const far of [HOUR + 1000, 6 * HOUR, 365 * 24 * HOUR, 900 * 365 * 24 * HOUR]) {
      assertEquals(hear(far), true);
      assertEquals(hear(-far), true);
      assertEquals(clock.seconds(), (time.now + sign * HOUR) / 1000);
    }
    assertEquals(hear(sign * HOUR, "9999999"), true);
  }
});

Deno.test("Clock takes over what any date says that is one, the farthest of all too", () => {
  const { time, clock } = clockOf();
  for (const date of ["+275760-09-13T00:00:00Z", "-271821-04-20T00:00:00Z", "0000-01-01T00:00:00Z", "0"]) {
    assertEquals(clock.hear(new Headers({ date }), true), true, date);
    assertEquals(clock.seconds(), time.now / 1000);
    assertEquals(clock.agrees(3600), false);
  }
});

Deno.test("Clock goes back to the device's time at once, and away from it by an hour and an hour a day", () => {
  const { time, clock, hear } = clockOf();
  const offset = () => clock.belief.offset;
  hear(HOUR);
  for (let lies = 0; lies < 100; lies++) {
    hear(0);
    assertEquals(offset(), 0);
    hear(HOUR);
    hear(-HOUR);
    assertEquals(offset(), 0);
  }
  time.now += 12 * HOUR;
  hear(-HOUR);
  assertEquals(offset(), -HOUR / 2);
  hear(10 * MINUTE);
  assertEquals(offset(), 0);
  time.now += HOUR;
  hear(10 * MINUTE);
  assertEquals(offset(), HOUR / 24);
  time.now += 100 * 24 * HOUR;
  hear(-HOUR);
  assertEquals(offset(), -HOUR);
});

Deno.test("Clock moves by no more than an hour and an hour a day in all, whatever it is told and however often", () => {
  const { time, clock, hear } = clockOf();
  let moved = 0;
  const days = 10;
  for (let step = 0; step < days * 240; step++) {
    for (const claim of [0, HOUR, -HOUR, 0]) {
      const before = clock.belief.offset;
      hear(claim);
      const { offset } = clock.belief;
      assert(Math.abs(offset) <= MAX_OFFSET);
      if (Math.abs(offset) > Math.abs(before)) moved += Math.abs(offset) - Math.abs(before);
    }
    time.now += 6 * MINUTE;
  }
  assert(moved <= (days + 1) * HOUR, `moved by ${moved / HOUR} hours`);
});

Deno.test("Clock is not held by a device's clock that was far ahead and is set back", () => {
  const { time, clock, hear } = clockOf();
  hear(HOUR);
  time.now -= 50 * 365 * 24 * HOUR;
  hear(0);
  assertEquals(clock.belief.offset, 0);
  time.now += 24 * HOUR;
  hear(30 * MINUTE);
  assertEquals(clock.belief.offset, 30 * MINUTE);
});

Deno.test("Clock agrees with the service below half an hour and half of the granularity, and otherwise not", () => {
  const agrees = (ahead: number, granularity: number) => {
    const { clock, hear } = clockOf();
    hear(ahead);
    return clock.agrees(granularity);
  };
  for (const sign of [-1, 1]) {
    assertEquals([agrees(sign * 29_000, 60), agrees(sign * 30_000, 60)], [true, false]);
    assertEquals([agrees(sign * 149_000, 300), agrees(sign * 150_000, 300)], [true, false]);
    for (const granularity of [3_600, 86_400]) {
      const limit = 30 * MINUTE;
      assertEquals([agrees(sign * (limit - 1000), granularity), agrees(sign * limit, granularity)], [
        true,
        false,
      ]);
    }
  }
  const { clock, hear } = clockOf();
  assertEquals(clock.agrees(60), true);
  hear(2 * HOUR);
  assertEquals(clock.agrees(86_400), false);
  clock.hear(new Headers(), true);
  assertEquals(clock.agrees(86_400), false);
  hear(0);
  assertEquals(clock.agrees(60), true);
});

Deno.test("Clock takes over what it believed before, and nothing of what a client of before believed", () => {
  const { time, clock, hear } = clockOf();
  hear(HOUR);
  const other = new Clock(() => time.now);
  other.load(JSON.parse(JSON.stringify(clock.belief)));
  assertEquals(other.belief, clock.belief);
  const fresh = new Clock(() => time.now);
  for (const stored of [undefined, 5, 8.64e15, "years", { offset: 8.64e15, claimed: 0, until: 0 }, {}]) {
    fresh.load(stored as never);
    assertEquals(fresh.seconds(), time.now / 1000);
  }
});

Deno.test("Clock agrees by what is said where logs go alone: who issues tokens does not mark their logs", () => {
  const { clock, hear } = clockOf();
  for (const ahead of [0, HOUR, -HOUR, 365 * 24 * HOUR]) {
    hear(ahead, undefined, false);
    assertEquals(clock.agrees(60), true);
  }
  hear(2 * HOUR);
  hear(0, undefined, false);
  assertEquals(clock.agrees(60), false);
});
