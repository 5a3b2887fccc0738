import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { parseSchema } from "../../../client/base/collection.ts";
import { localDpReport } from "../../../client/local_dp.ts";
import { wireEvent } from "../../../client/queue/encoding.ts";
import { Reports } from "../../../client/queue/reports.ts";
import { DEVICE, type EventRecord, REPORTS } from "../../../client/storage/records.ts";
import { isReport, localDp } from "../../../core/privacy/dp/local_dp.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";
import { seededRandom } from "../../core/voprf/suites.ts";
import { present } from "../../support/base/present.ts";

type Fields = Record<string, Record<string, unknown>>;

function schemaOf(
  fields: Fields,
  event: Record<string, unknown> = {},
  document: Record<string, unknown> = {},
) {
  const events = [{ name: "note_saved", fields, ...event }];
  return parseSchema(
    JSON.stringify({ app: "notes", "pseudonym-seconds": 604_800, events, ...document }),
    "notes",
  );
}

async function encode(
  collection: ReturnType<typeof schemaOf>,
  fields: Record<string, unknown>,
  test = surroundings(),
) {
  return await encodeRecord(collection, {
    name: "note_saved",
    at: 1_800_003_599,
    fields,
    encoded: false,
  }, test);
}

/** The event as it goes out, or the code of its fault. What is drawn counts. */
async function encodeRecord(
  collection: ReturnType<typeof schemaOf>,
  event: EventRecord,
  { commit, device, encoder } = surroundings(),
) {
  const encoded = await commit((entries) => {
    const waiting = encoder.encode(collection, event);
    if (!waiting.ok) return waiting;
    const reports = new Reports(entries, device, collection);
    const drawn = encoder.draw(collection, waiting.event, reports);
    reports.store(entries);
    return drawn;
  });
  return encoded.ok ? encoded.event : encoded.fault;
}

/** An event that has to be encodable. */
function encodable<T>(encoded: T | string): Exclude<T, string> {
  assert(typeof encoded !== "string", `it is refused: ${encoded}`);
  return encoded as Exclude<T, string>;
}

Deno.test("Encoder buckets a measurement, so that it never leaves the device as it is", async () => {
  const collection = schemaOf({ ms: { type: "bucket", edges: [10, 100] } });
  for (const [value, bucket] of [[-5, 0], [9.99, 0], [10, 1], [99, 1], [100, 2], [1e9, 2]] as const) {
    const encoded = encodable(await encode(collection, { ms: value }));
    assertEquals(encoded.fields, { ms: bucket });
  }
  for (const value of [NaN, "12", true]) {
    assertEquals(await encode(collection, { ms: value }), "field_invalid");
  }
});

Deno.test("Encoder does not bucket twice", async () => {
  const collection = schemaOf({ ms: { type: "bucket", edges: [10, 100] } });
  const once = encodable(await encode(collection, { ms: 50 }));
  const twice = await encodeRecord(collection, once);
  assertEquals(twice, once);
});

Deno.test("Encoder floors the time to the schema's granularity, to the hour by default", async () => {
  const at = async (document: Record<string, unknown>) => {
    return encodable(await encode(schemaOf({}, {}, document), {})).at;
  };
  assertEquals(await at({}), 1_800_000_000);
  assertEquals(await at({ "granularity-seconds": 60 }), 1_800_003_540);
});

Deno.test("Encoder gives each fault its code", async () => {
  const fields: Fields = {
    ok: { type: "boolean" },
    platform: { type: "enum", values: ["web"], optional: true },
    count: { type: "integer", min: 0, max: 3, optional: true },
    version: { type: "version", optional: true },
  };
  const collection = schemaOf(fields);
  assertEquals(await encode(collection, {}), "field_missing");
  assertEquals(await encode(collection, { ok: undefined }), "field_missing");
  assertEquals(await encode(collection, { ok: 1 }), "field_invalid");
  assertEquals(await encode(collection, { ok: true, platform: "tv" }), "field_invalid");
  assertEquals(await encode(collection, { ok: true, count: 4 }), "field_invalid");
  assertEquals(await encode(collection, { ok: true, count: 1.5 }), "field_invalid");
  assertEquals(await encode(collection, { ok: true, version: "1" }), "field_invalid");
  assertEquals(await encode(collection, { ok: true, toString: true }), "field_unknown");
  assertEquals(await encode(schemaOf(fields, { state: "stopped" }), { ok: true }), "collection_stopped");
  assertEquals(await encode(schemaOf(fields, { name: "other" }), { ok: true }), "event_unknown");
});

Deno.test("Encoder leaves a suppressed field out, required or not, whatever its value", async () => {
  const collection = schemaOf({
    ok: { type: "boolean", suppressed: true },
    count: { type: "integer", min: 0, max: 1 },
  });
  for (const fields of [{ ok: true, count: 1 }, { ok: "no", count: 1 }, { count: 1 }]) {
    const encoded = encodable(await encode(collection, fields));
    assertEquals(encoded.fields, { count: 1 });
  }
});

Deno.test("Encoder keeps back an event with a field that it does not understand", async () => {
  for (
    const field of [
      { type: "text" },
      { type: "enum" },
      { type: "bucket" },
      { type: "integer" },
    ]
  ) {
    assertEquals(await encode(schemaOf({ new: field }), { new: 1 }), "held", JSON.stringify(field));
  }
});

Deno.test("Encoder sends nothing that an older schema made finer than the one of now", async () => {
  const collection = schemaOf({ ms: { type: "bucket", edges: [10, 100] } });
  const waiting = (ms: number) => ({ name: "note_saved", at: 1_800_003_599, fields: { ms }, encoded: true });
  // It was an integer, or had 64 edges, when the event was logged.
  for (const ms of [4_711, 64, 3]) {
    assertEquals(await encodeRecord(collection, waiting(ms)), "field_invalid");
  }
  assertEquals(encodable(await encodeRecord(collection, waiting(2))).fields, { ms: 2 });
});

const RANDOMISED = {
  platform: { type: "enum", values: ["a", "b", "c"], "local-dp": { epsilon: 1, mechanism: "grr" } },
};

Deno.test("Encoder sends a report instead of a value, the same one for as long as the pseudonym lasts", async () => {
  const test = surroundings({ localDp: localDpReport, random: seededRandom("a device") });
  const collection = schemaOf(RANDOMISED);
  const report = async (value: string) => {
    const encoded = encodable(await encode(collection, { platform: value }, test));
    return encoded.fields.platform as number;
  };
  const first = await report("a");
  for (let again = 0; again < 20; again++) assertEquals(await report("a"), first);
  // Over many periods the reports follow the mechanism, so they are not the value in disguise.
  const counts = [0, 0, 0];
  for (let period = 0; period < 600; period++) {
    test.time.now += 604_800_000;
    const each = await report("a");
    counts[each] = present(counts[each]) + 1;
  }
  // e / (e + 2) = 0.576 of 600 is 346; five standard deviations are 61.
  const [a = 0, b = 0, c = 0] = counts;
  assert(Math.abs(a - 346) < 61, counts.join());
  assert(b > 60 && c > 60, counts.join());
});

Deno.test("Encoder draws other reports once the device secret and what was reported are gone", async () => {
  const test = surroundings({ localDp: localDpReport, random: seededRandom("resets") });
  const collection = schemaOf({ n: { type: "integer", min: 0, max: 999, "local-dp": { epsilon: 0.1 } } });
  const report = async () => {
    const encoded = encodable(await encode(collection, { n: 500 }, test));
    return encoded.fields.n as number;
  };
  const reports = new Set<number>();
  for (let reset = 0; reset < 20; reset++) {
    reports.add(await report());
    await test.commit((entries) => [DEVICE, REPORTS].forEach((key) => entries.delete(key)));
  }
  assertNotEquals(reports.size, 1);
  const mechanism = localDp(0.1, 1000);
  for (const each of reports) assert(isReport(mechanism, each));
});

Deno.test("Encoder never sends a value plainly where a report is asked for", async () => {
  const collection = schemaOf(RANDOMISED);
  assertEquals(await encode(collection, { platform: "a" }), "field_invalid");
  assertEquals(
    await encode(collection, { platform: "x" }, surroundings({ localDp: localDpReport })),
    "field_invalid",
  );
});

Deno.test("Encoder leaves the time out unless the service agrees with the device's clock, by the granularity", async () => {
  const sent = async (ahead: number, granularity: number, logged = 0) => {
    const test = surroundings();
    test.clock.hear(new Headers({ date: new Date(test.time.now + ahead * 1000).toUTCString() }), true);
    const at = Math.floor(test.time.now / 1000) + logged;
    const collection = schemaOf({}, {}, { "granularity-seconds": granularity });
    const event = encodable(
      await encodeRecord(collection, { name: "note_saved", at, fields: {}, encoded: false }, test),
    );
    assertEquals(event.at, Math.floor(at / granularity) * granularity);
    return wireEvent(event).at !== undefined;
  };
  for (const sign of [-1, 1]) {
    assertEquals([await sent(sign * 28, 60), await sent(sign * 32, 60)], [true, false]);
    assertEquals([await sent(sign * 1_798, 3_600), await sent(sign * 1_802, 3_600)], [true, false]);
    assertEquals([await sent(sign * 1_798, 86_400), await sent(sign * 1_802, 86_400)], [true, false]);
    assertEquals(await sent(sign * 86_400, 3_600), false);
  }
  assertEquals([await sent(0, 60, 3_600), await sent(0, 60, 3_720)], [true, false]);
  assertEquals([await sent(0, 60, -86_400), await sent(0, 60, 1e15)], [true, false]);
});
