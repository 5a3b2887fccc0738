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

Deno.test("Device.isSampled() answers always the same, for the share that is asked for", () => {
  let sampled = 0;
  for (let index = 0; index < 2000; index++) {
    const { device, entries } = deviceOf(`device ${index}`);
    const isSampled = device.isSampled(entries, "note_saved", 0.25);
    assertEquals(device.isSampled(entries, "note_saved", 0.25), isSampled);
    if (isSampled) sampled++;
    assert(device.isSampled(entries, "note_saved", 1));
    assert(!device.isSampled(entries, "note_saved", 0));
  }
  // Five standard deviations of 2000 draws of a quarter are 97.
  assert(Math.abs(sampled - 500) < 97, String(sampled));
});
