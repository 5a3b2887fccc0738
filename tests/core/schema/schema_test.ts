import { assertEquals } from "@std/assert";
import { type EventSchemas, isOpen, NO_SUPPRESSIONS, schemaDocument } from "../../../core/schema/schema.ts";

const words = { description: "d", purpose: "p", owner: "o" };
const EVENTS = {
  token_fetch: {
    ...words,
    expires: "2027-11-01",
    fields: {
      ok: { type: "boolean" },
      platform: { type: "enum", values: ["linux", "other"], description: "Which system." },
      retries: { type: "integer", min: 0, max: 10, optional: true },
      latency_ms: { type: "bucket", edges: [10, 100], localDp: { epsilon: 1 } },
      runtime: { type: "version" },
    },
  },
  halted: { ...words, expires: "2027-11-01", state: "stopped", sample: 0.1, review: "r/7", fields: {} },
} satisfies EventSchemas;

const BEFORE = Date.UTC(2026, 10, 22) / 1000;
/** The first second after the last day of `token_fetch`. */
const AFTER = Date.UTC(2027, 10, 2) / 1000;

Deno.test("isOpen() ends with the last second of the last day", () => {
  const event = EVENTS.token_fetch;
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, 0), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER - 86_400), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER - 1), true);
  assertEquals(isOpen("token_fetch", event, NO_SUPPRESSIONS, AFTER), false);
  // What cannot be read is not collected.
  assertEquals(isOpen("token_fetch", { ...event, expires: "soon" }, NO_SUPPRESSIONS, 0), false);
});

Deno.test("isOpen() obeys the kill switch and the monitor", () => {
  const suppressions = { events: new Set(["token_fetch"]), fields: new Set(["halted.ok"]) };
  assertEquals(isOpen("halted", EVENTS.halted, NO_SUPPRESSIONS, BEFORE), false);
  assertEquals(isOpen("token_fetch", EVENTS.token_fetch, suppressions, BEFORE), false);
  assertEquals(isOpen("other", { ...EVENTS.token_fetch, state: "open" }, suppressions, BEFORE), true);
});

const application = (pseudonymSeconds: number | undefined) => ({
  id: "demo",
  pseudonymSeconds,
  granularitySeconds: 3_600,
  events: EVENTS,
});

Deno.test("schemaDocument() says what is collected as the protocol writes it", () => {
  const suppressions = { events: new Set<string>(), fields: new Set(["token_fetch.platform", "halted.ok"]) };
  assertEquals(schemaDocument(application(604_800), suppressions, BEFORE), {
    app: "demo",
    "pseudonym-seconds": 604_800,
    "granularity-seconds": 3_600,
    events: [
      {
        name: "token_fetch",
        ...words,
        expires: "2027-11-01",
        state: "open",
        sample: 1,
        fields: {
          ok: { type: "boolean" },
          platform: {
            type: "enum",
            values: ["linux", "other"],
            description: "Which system.",
            suppressed: true,
          },
          retries: { type: "integer", min: 0, max: 10, optional: true },
          latency_ms: {
            type: "bucket",
            edges: [10, 100],
            "local-dp": { epsilon: 1, mechanism: "grr" },
          },
          runtime: { type: "version" },
        },
      },
      {
        name: "halted",
        ...words,
        review: "r/7",
        expires: "2027-11-01",
        state: "stopped",
        sample: 0.1,
        fields: {},
      },
    ],
  });
});

Deno.test("schemaDocument() leaves the pseudonym out where none is collected, and shows what has expired", () => {
  const document = schemaDocument(application(undefined), NO_SUPPRESSIONS, AFTER);
  assertEquals("pseudonym-seconds" in document, false);
  assertEquals((document.events as { state: string }[]).map((event) => event.state), ["stopped", "stopped"]);
});
