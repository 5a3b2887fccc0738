/** By how many bits a schema of its own marks a client's records: the figures of docs/threat_model.md. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Clock } from "../../../client/base/clock.ts";
import { type Collection, readSchema } from "../../../client/base/collection.ts";
import { withinDeclared } from "../../../client/http/schema_check.ts";
import { Encoder } from "../../../client/queue/encoding.ts";

type Members = Record<string, unknown>;

const EDGES = [10, 100, 1_000];
const AT = 1_800_003_599;
const encoder = new Encoder({ clock: new Clock(() => AT * 1000), localDp: undefined });

function document(members: Members = {}, field: Members = {}): Members {
  const latency = { type: "bucket", edges: EDGES, optional: true, ...field };
  const events = [{ name: "saved", fields: { latency_ms: latency } }];
  return { app: "notes", "pseudonym-seconds": 604_800, "granularity-seconds": 3_600, events, ...members };
}

/** How many of the schemas can be told apart by what a client does of each; nothing sent is no mark of one. */
function bits(
  schemas: readonly Members[],
  seen: (collection: Collection) => unknown,
  declared?: Members,
): number {
  const outcomes = new Set<string>();
  for (const schema of schemas) {
    try {
      const served = readSchema(schema, "notes");
      const used = declared === undefined ? served : withinDeclared(served, readSchema(declared, "notes"));
      if (used.events.get("saved")?.fault === undefined) outcomes.add(JSON.stringify(seen(used) ?? null));
    } catch {
      // Not used.
    }
  }
  return Math.log2(outcomes.size);
}

/** What goes out for a measurement. */
function sent(collection: Collection, measurement: number): unknown {
  const event = { name: "saved", at: AT, fields: { latency_ms: measurement }, encoded: false };
  const encoded = encoder.encode(collection, event);
  return encoded.ok ? encoded.event.fields : encoded.fault;
}

Deno.test("times mark a client by 2.6 bits, and by 1.6 where an hour is declared", () => {
  const all = Array.from({ length: 90_000 }, (_, seconds) => document({ "granularity-seconds": seconds }));
  const seen = ({ granularitySeconds }: Collection) => granularitySeconds;
  assertAlmostEquals(bits(all, seen), 2.58, 0.01);
  assertAlmostEquals(bits(all, seen, document()), 1.58, 0.01);
  assertEquals(bits(all, seen, document({ "granularity-seconds": 86_400 })), 0);
});

Deno.test("the turn of pseudonyms marks a client by 8.6 bits, and by 3 where a week is declared", () => {
  const all = Array.from({ length: 86_400 }, (_, number) => document({ "pseudonym-seconds": number * 600 }));
  all.push(document({ "pseudonym-seconds": undefined }));
  const seen = ({ pseudonymSeconds }: Collection) => pseudonymSeconds;
  assertAlmostEquals(bits(all, seen), 8.65, 0.01);
  assertEquals(bits(all, seen, document()), 3);
  assertEquals(bits(all, seen, document({ "pseudonym-seconds": undefined })), 0);
});

Deno.test("edges mark one measurement by 6 bits, and by log2 of the edges where they are declared", () => {
  // So many edges below what is measured, or above it: the service knows about what a client measures.
  const some = Array.from(
    { length: 70 },
    (_, below) =>
      document({}, { edges: Array.from({ length: Math.max(below, 1) }, (_, index) => index - below) }),
  );
  some.push(document({}, { edges: [9_999] }));
  for (let subset = 1; subset < 8; subset++) {
    some.push(document({}, { edges: EDGES.filter((_, index) => subset >> index & 1) }));
  }
  assertAlmostEquals(bits(some, (used) => sent(used, 5_000)), 6.02, 0.01);
  assertAlmostEquals(bits(some, (used) => sent(used, 5_000), document()), 1.58, 0.01);
  assertEquals(bits(some, (used) => sent(used, 50), document()), 1);
});

Deno.test("a field that is suppressed marks a client by a bit, declared or not", () => {
  const both = [document(), document({}, { suppressed: true })];
  assertEquals(bits(both, (used) => sent(used, 5_000)), 1);
  assertEquals(bits(both, (used) => sent(used, 5_000), document()), 1);
});

Deno.test("an event that is stopped marks a client by a bit, declared or not, and a sample rate by no more", () => {
  const saved = (members: Members) => document({ events: [{ name: "saved", fields: {}, ...members }] });
  const open = ({ events }: Collection) => events.get("saved")?.open;
  const both = [saved({}), saved({ state: "stopped" })];
  assertEquals([bits(both, open), bits(both, open, saved({}))], [1, 1]);
});

Deno.test("a measurement leaves the device as it was only where nothing is declared", () => {
  const plain = document({}, { type: "integer", min: 0, max: 65_535 });
  assertEquals(sent(readSchema(plain, "notes"), 4_711), { latency_ms: 4_711 });
  const used = withinDeclared(readSchema(plain, "notes"), readSchema(document(), "notes"));
  assertEquals(sent(used, 4_711), "held");
});
