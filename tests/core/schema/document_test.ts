import { assertEquals } from "@std/assert";
import { schemaDocument } from "../../../core/schema/document.ts";
import { NO_SUPPRESSIONS } from "../../../core/schema/event.ts";
import { AFTER, BEFORE, EVENTS, words } from "./events.ts";

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
            "local-dp": { epsilon: 1, mechanism: "grr", "max-values": 3 },
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
