import { assertEquals } from "@std/assert";
import { events } from "../../../../core/config/check/events.ts";
import { sentencesOf } from "../../../../core/config/check/json.ts";

type Members = Record<string, unknown>;

const EVENT = { description: "d", purpose: "p", owner: "o", expires: "2027-06-30", fields: {} };
const NAMING = 'name it with a-z, 0-9 and "_", a letter first, at most 63 characters.';

function checkEvents(path: string, written: unknown): string[] {
  return sentencesOf(events, written, [path]);
}

/** The mistakes of an event, without the place that all of them begin with. */
function ofEvent(members: Members): string[] {
  return checkEvents("x", { saved: { ...EVENT, ...members } }).map((mistake) => {
    assertEquals(mistake.startsWith("x.saved"), true, mistake);
    return mistake.slice("x.saved".length);
  });
}

function ofField(field: unknown): string[] {
  return ofEvent({ fields: { f: field } }).map((mistake) => {
    assertEquals(mistake.startsWith(".fields.f"), true, mistake);
    return mistake.slice(".fields.f".length);
  });
}

Deno.test("the check of events finds nothing wrong with events as they should be", () => {
  const fields = {
    ok: { type: "boolean", description: "Whether it worked.", optional: true },
    platform: { type: "enum", values: ["linux", "x86_64", "v1.2+b-3"], optional: false },
    retries: { type: "integer", min: -3, max: 65_532, localDp: { epsilon: 16 } },
    latency_ms: { type: "bucket", edges: [-0.5, 0, 1e3] },
    constructor: { type: "version" },
  };
  const full = { ...EVENT, review: "reviews/7.md", sample: 0.5, state: "stopped", fields };
  assertEquals(checkEvents("x", { saved: full, [`a${"_9".repeat(31)}`]: EVENT }), []);
  assertEquals(checkEvents("x", {}), []);
  for (const members of [{ sample: 0.001 }, { sample: 1 }, { state: "open" }, { expires: "2028-02-29" }]) {
    assertEquals(ofEvent(members), []);
  }
});

Deno.test("the check of events wants events by name", () => {
  for (const events of [undefined, null, [], "saved", 1]) {
    assertEquals(checkEvents("x", events), ["x: list the events by name."]);
  }
  for (const event of [undefined, null, [], "saved", 1]) {
    assertEquals(checkEvents("x", { saved: event }), ["x.saved: describe the event."]);
  }
  for (const name of ["Saved", "9a", "_a", "a-b", "a b", "", "a".repeat(64), "é", "a\n"]) {
    assertEquals(checkEvents("x", { [name]: EVENT }), [`x.${name}: ${NAMING}`]);
    assertEquals(ofEvent({ fields: { [name]: { type: "boolean" } } }), [`.fields.${name}: ${NAMING}`]);
  }
  assertEquals(checkEvents("x", JSON.parse(`{"__proto__": ${JSON.stringify(EVENT)}}`)), [
    `x.__proto__: ${NAMING}`,
  ]);
});

Deno.test("the check of events has one message for each mistake of an event", () => {
  const words = "write 1 to 500 characters for the people whose devices send it.";
  const rates = "choose 1, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025 or 0.001";
  const expires = ".expires: write the last day of its collection as YYYY-MM-DD.";
  const cases: [Members, string][] = [
    ...["description", "purpose", "owner"].flatMap((member) =>
      [undefined, "", "x".repeat(501), 1].map((
        value,
      ): [Members, string] => [{ [member]: value }, `.${member}: ${words}`])
    ),
    ...[
      undefined,
      "",
      "2027-02-29",
      "2027-6-30",
      "30.06.2027",
      "2027-06-30T00:00:00Z",
      20_270_630,
      new Date(0),
    ]
      .map((value): [Members, string] => [{ expires: value }, expires]),
    ...[1, "x".repeat(501)].map((review): [Members, string] => [
      { review },
      ".review: write where its privacy review is.",
    ]),
    ...[[0.3, 0.25], [0.02, 0.01], [0.002, 0.001], [0.501, 0.5], [1.1, 1]].map((
      [sample, next],
    ): [Members, string] => [{ sample }, `.sample: ${rates}; the next rarer than ${sample} is ${next}.`]),
    ...[-0.1, 0, 0.0005].map((sample): [Members, string] => [
      { sample },
      `.sample: ${rates}; none is rarer: to collect nothing, write state: "stopped".`,
    ]),
    ...[NaN, "0.5", null].map((sample): [Members, string] => [{ sample }, `.sample: ${rates}.`]),
    ...["closed", true, null].map((
      state,
    ): [Members, string] => [{ state }, '.state: write "open" or "stopped".']),
    ...[undefined, null, [], "x"].map((fields): [Members, string] => [
      { fields },
      ".fields: list the fields by name ({} when there are none).",
    ]),
    [{ expire: "2027-06-30" }, ': remove "expire", which no setting is called.'],
  ];
  for (const [members, message] of cases) assertEquals(ofEvent(members), [message]);
});

Deno.test("the check of events has one message for each mistake of a field", () => {
  const types = ".type: choose boolean, enum, integer, bucket or version; there is no free text.";
  const values = '.values: list 1 to 256 different words of letters, digits and "._+-", 64 at most each.';
  const range = ": write whole numbers min and max, min not above max.";
  const narrow = ": narrow min..max to at most 65536 values, or use a bucket.";
  const edges = ".edges: list 1 to 64 rising numbers.";
  const localDp = ".localDp: write { epsilon: ... } from 0.001 to 16.";
  const single = ".localDp: remove it: of a single value there is nothing to hide.";
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
  const cases: [unknown, string][] = [
    ...[undefined, null, "boolean", [], {}, { type: "string" }, { type: "constructor" }, { type: ["enum"] }]
      .map((field): [unknown, string] => [field, types]),
    ...[
      undefined,
      "a",
      [],
      ["a", "a"],
      [1],
      [""],
      ["a b"],
      ["é"],
      ["a\n"],
      ["x".repeat(65)],
      numbers(257).map(String),
    ]
      .map((list): [unknown, string] => [{ type: "enum", values: list }, values]),
    ...[[undefined, 1], [0, undefined], [1, 0], [0.5, 1], ["0", 1], [0, Infinity], [NaN, 1], [0, 2 ** 53]]
      .map(([min, max]): [unknown, string] => [{ type: "integer", min, max }, range]),
    [{ type: "integer", min: 0, max: 65_536 }, narrow],
    [{ type: "integer", min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }, narrow],
    ...[undefined, 10, [], [1, 1], [2, 1], ["1"], [NaN], [1, Infinity], numbers(65)]
      .map((list): [unknown, string] => [{ type: "bucket", edges: list }, edges]),
    [{ type: "boolean", values: ["a"] }, ': remove "values", which no setting is called.'],
    [{ type: "version", min: 0 }, ': remove "min", which no setting is called.'],
    [{ type: "boolean", optinal: true }, ': remove "optinal", which no setting is called.'],
    [{ type: "boolean", optional: "yes" }, ".optional: write true or false."],
    [{ type: "boolean", description: 1 }, ".description: write a sentence."],
    ...[null, 1, {}, { epsilon: 0 }, { epsilon: 9e-4 }, { epsilon: -1 }, { epsilon: 17 }, { epsilon: NaN }, {
      epsilon: "1",
    }]
      .map((value): [unknown, string] => [{ type: "boolean", localDp: value }, localDp]),
    [
      { type: "boolean", localDp: { epsilon: 1, mechanism: "rappor" } },
      '.localDp: remove "mechanism", which no setting is called.',
    ],
    ...[0, 17, 1.5, "4", null].map((maxValues): [unknown, string] => [
      { type: "boolean", localDp: { epsilon: 1, maxValues } },
      ".localDp.maxValues: write a whole number from 1 to 16.",
    ]),
  ];
  const noised = { localDp: { epsilon: 1 } };
  cases.push(
    [{ type: "enum", values: ["a"], ...noised }, single],
    [{ type: "integer", min: 3, max: 3, ...noised }, single],
    [{ type: "version", majors: [1, 1], minors: 0, ...noised }, single],
    [{ type: "version", ...noised }, ".localDp: narrow the domain to at most 65536 values."],
    // The mistake is named, and the size of the domain is not asked for.
    [{ type: "enum", ...noised }, values],
    [{ type: "bucket", edges: 5, ...noised }, edges],
  );
  for (const [field, message] of cases) assertEquals(ofField(field), [message]);
  assertEquals(ofField({ type: "integer", min: 0, max: 65_535, ...noised }), []);
  for (const maxValues of [1, 16]) {
    assertEquals(ofField({ type: "boolean", localDp: { epsilon: 1, maxValues } }), []);
  }
  assertEquals(ofField({ type: "integer", min: 0, max: 65_535 }), []);
  assertEquals(ofField({ type: "bucket", edges: numbers(64) }), []);
  assertEquals(ofField({ type: "enum", values: numbers(256).map(String) }), []);
});

Deno.test("the check of events takes 32 fields of an event", () => {
  const fields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, { type: "boolean" }]));
  assertEquals(ofEvent({ fields: fields(32) }), []);
  assertEquals(ofEvent({ fields: fields(33) }), [
    ".fields: list at most 32; every two of them are measured together.",
  ]);
});

Deno.test("the check of events reports all mistakes at once", () => {
  const mistakes = checkEvents("x", {
    A: { ...EVENT, description: "", sample: 2, fields: { B: { type: "enum" }, c: { type: "text" } } },
    d: null,
  });
  assertEquals(mistakes.map((mistake) => mistake.split(":")[0]), [
    "x.A",
    "x.A.description",
    "x.A.sample",
    "x.A.fields.B",
    "x.A.fields.B.values",
    "x.A.fields.c.type",
    "x.d",
  ]);
});
