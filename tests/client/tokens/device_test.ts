import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Clock } from "../../../client/base/clock.ts";
import { DEVICE } from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";
import { Device } from "../../../client/tokens/device.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

const WEEK = 604_800;

function deviceOf(seed: string) {
  const time = { now: 100 * WEEK * 1000 };
  const clock = new Clock(() => time.now);
  const device = new Device({ app: "notes", clock, random: seededRandom(seed) });
  const collection = { pseudonymSeconds: WEEK, granularitySeconds: 3600, events: new Map() };
  return { device, time, collection, entries: new Entries(new Map()) };
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
