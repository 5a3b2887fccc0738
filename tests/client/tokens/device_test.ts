import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Clock } from "../../../client/base/clock.ts";
import { DEVICE, PERIOD, read } from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";
import { Device } from "../../../client/tokens/device.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

const WEEK = 604_800;

function deviceOf(seed: string) {
  const time = { now: 100 * WEEK * 1000 };
  const clock = new Clock(() => time.now);
  const device = new Device({ app: "notes", clock, random: seededRandom(seed) });
  const collection = { pseudonymSeconds: WEEK, granularitySeconds: 3600, events: new Map() };
  return { clock, device, time, collection, entries: new Entries(new Map()) };
}

Deno.test("Device has one pseudonym a period, another one in the next, and another one without its secret", () => {
  const { device, time, collection, entries } = deviceOf("pseudonyms");
  const first = device.pseudonym(entries, collection);
  assertEquals(first.length, 22);
  time.now += (WEEK - 1) * 1000;
  assertEquals(device.pseudonym(entries, collection), first);
  time.now += 1000;
  const second = device.pseudonym(entries, collection);
  assertNotEquals(second, first);
  time.now -= 1000;
  assertEquals(device.pseudonym(entries, collection), first);
  entries.delete(DEVICE);
  assertNotEquals(device.pseudonym(entries, collection), first);
});

Deno.test("Device has no pseudonym where none is collected, and draws no secret for it", () => {
  const { device, collection, entries } = deviceOf("none");
  assertEquals(device.pseudonym(entries, { ...collection, pseudonymSeconds: undefined }), "");
  assertEquals(entries.get(DEVICE), undefined);
});

Deno.test("Device draws a secret in place of one that is none", () => {
  const { device, collection, entries } = deviceOf("garbage");
  entries.set(DEVICE, "no secret");
  const pseudonym = device.pseudonym(entries, collection);
  assertNotEquals(entries.get(DEVICE), "no secret");
  assertEquals(device.pseudonym(entries, collection), pseudonym);
});

Deno.test("Device.random() is a stream that one purpose always gets, and no other purpose", () => {
  const { device, entries } = deviceOf("streams");
  const read = (purpose: string, ...lengths: number[]) => lengths.map(device.random(entries, purpose));
  const [first, second] = read("a", 100, 100);
  assertEquals([first, second], read("a", 100, 100));
  assertEquals(first?.length, 100);
  assertNotEquals(first, second);
  assertNotEquals(read("b", 100), [first]);
});

Deno.test("Device.isSampled() answers the same while the pseudonym lasts, for the share that is asked for", () => {
  let sampled = 0;
  for (let index = 0; index < 2000; index++) {
    const { device, entries, collection, time } = deviceOf(`device ${index}`);
    const ask = (sample: number) => device.isSampled(entries, collection, { event: "note_saved", sample });
    const isSampled = ask(0.25);
    time.now += (WEEK - 1) * 1000;
    assertEquals(ask(0.25), isSampled);
    if (isSampled) sampled++;
    assert(ask(1));
    assert(!ask(0));
  }
  // Five standard deviations of 2000 draws of a quarter are 97.
  assert(Math.abs(sampled - 500) < 97, String(sampled));
});

for (
  const [whose, pseudonymSeconds] of [["pseudonym", WEEK], [
    "period, where no pseudonym is collected",
    undefined,
  ]] as const
) {
  Deno.test(`Device.isSampled() is drawn anew for each ${whose}, and for each event`, () => {
    const { device, entries, collection, time } = deviceOf("periods");
    const events = Array.from({ length: 256 }, (_, index) => `event_${index}`);
    const draw = () =>
      events.map((event) =>
        device.isSampled(entries, { ...collection, pseudonymSeconds }, { event, sample: 0.5 })
      );
    const first = draw();
    time.now += WEEK * 1000;
    const second = draw();
    // Draws that are independent agree in 128 of 256; five standard deviations are 40.
    const agreed = first.filter((isSampled, index) => isSampled === second[index]).length;
    assert(Math.abs(agreed - 128) < 40, String(agreed));
    time.now -= WEEK * 1000;
    assertEquals(draw(), first);
  });
}

Deno.test("Device goes back to no period before one in which a log was bound, however long that one is", () => {
  const { device, time, collection, entries } = deviceOf("bound");
  const first = device.pseudonym(entries, collection);
  device.enter(entries, collection);
  time.now += WEEK * 1000;
  const second = device.pseudonym(entries, collection);
  // Nothing was bound in it yet.
  time.now -= 1000;
  assertEquals(device.pseudonym(entries, collection), first);
  time.now += 1000;
  device.enter(entries, collection);
  for (const back of [1, 60, 3_600]) {
    time.now -= back * 1000;
    assertEquals(device.pseudonym(entries, collection), second);
    // Longer and shorter periods lead back as little.
    const days = { ...collection, pseudonymSeconds: 86_400 };
    assertEquals(device.period(entries, days).from, 101 * WEEK);
    device.enter(entries, { ...collection, pseudonymSeconds: 10 * WEEK });
    assertEquals(device.period(entries, days).from, 101 * WEEK);
    time.now += back * 1000;
  }
  time.now += WEEK * 1000;
  assertNotEquals(device.pseudonym(entries, collection), second);
});

Deno.test("Device is not held by a period that only a wrong clock of its own can have led to", () => {
  const { device, time, collection, entries } = deviceOf("set back");
  const first = device.period(entries, collection);
  time.now += 50 * WEEK * 1000;
  device.enter(entries, collection);
  time.now -= 50 * WEEK * 1000;
  assertEquals(device.period(entries, collection), first);
  device.enter(entries, collection);
  assertEquals(read<number>(entries, PERIOD), first.from);
  time.now = (first.until - 3_600) * 1000;
  assertEquals(device.period(entries, collection), first);
});

Deno.test("Device is led to the period before or after its own clock's, for an hour beside the turn, and no farther", () => {
  const { clock, device, time, collection, entries } = deviceOf("led");
  const number = () => device.period(entries, collection).from / WEEK;
  const hear = (ahead: number) =>
    clock.hear(new Headers({ date: new Date(time.now + ahead).toUTCString() }), false);
  for (
    const [seconds, ahead, period] of [
      [-3_601, 3_600, 99],
      [-3_600, 3_600, 100],
      [3_599, -3_600, 99],
      [3_600, -3_600, 100],
      [-86_400, 86_400, 99],
      [86_400, -7 * 86_400, 100],
    ] as const
  ) {
    clock.load({ offset: 0, claimed: 0, until: 0 });
    time.now = (100 * WEEK + seconds) * 1000;
    hear(ahead * 1000);
    assertEquals(number(), period, `${seconds} s beside the turn, ${ahead} s ahead`);
  }
});
