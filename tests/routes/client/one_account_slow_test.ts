import { assertEquals } from "@std/assert";
import config from "../../../dit.config.ts";
import { toBase64url } from "../../../core/base/bytes.ts";
import { judgeEvent, type Judgement } from "../../../core/privacy/risk/decisions.ts";
import type { EventSchema } from "../../../core/schema/event.ts";
import type { WireEvent } from "../../../core/schema/validate.ts";
import type { WireValue } from "../../../core/schema/fields/field_type.ts";
import { valueAtIndex, valueCount } from "../../../core/schema/fields/table.ts";
import { logBody, logsPath, signLog, type Token, tokensOf } from "../../support/client/protocol_client.ts";
import { draw, zipf } from "../../support/privacy/monitored.ts";
import { present } from "../../support/base/present.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { configOf, startService, type TestService } from "../../support/service/service.ts";

const SLIDER: EventSchema = {
  description: "-",
  purpose: "-",
  owner: "-",
  expires: "2099-12-31",
  identifying: "a test",
  fields: { level: { type: "integer", min: 0, max: 65_535 } },
};
/** Most events of a log. */
const A_LOG = 100;

/** One of everybody's events, as the service takes it from a log that it has stored. */
function observe(test: TestService, person: number, name: string, fields: Record<string, WireValue>): void {
  const pseudonym = new Uint8Array(16);
  new DataView(pseudonym.buffer).setUint32(0, person);
  const event = { name, at: test.clock.seconds, fields };
  test.service.risk.observe("notes", toBase64url(pseudonym), [event], test.clock.seconds);
}

/** What came of the one event of the application. */
async function judged(test: TestService): Promise<Judgement[]> {
  return judgeEvent(present((await test.service.risk.measure("notes", test.clock.seconds))[0]));
}

/** Sends logs over HTTP, one a use of these tokens, each token under its pseudonym, until there are no more. */
async function sendLogs(
  test: TestService,
  tokens: readonly Token[],
  logs: Iterator<WireEvent[]>,
): Promise<number> {
  let sent = 0;
  const { usesPerToken } = test.service.appOf("notes");
  for (const token of tokens) {
    for (let use = 0; use < usesPerToken; use++) {
      const next = logs.next();
      if (next.done === true) return sent;
      const request = signLog(token, { use, body: logBody(token, { events: next.value }) });
      const response = await test.send(logsPath(), request);
      assertEquals(response.status, 200, await response.clone().text());
      sent++;
    }
  }
  return sent;
}

/** Events in logs that are as full as can be. */
function* inLogs(name: string, fields: Iterable<Record<string, unknown>>): Generator<WireEvent[]> {
  let log: WireEvent[] = [];
  for (const own of fields) {
    log.push({ name, fields: own });
    if (log.length < A_LOG) continue;
    yield log;
    log = [];
  }
}

Deno.test("five logs of one account stop no event of 2,400 people", async () => {
  const test = await startService({ config: configOf({ notes: { events: { moved: SLIDER } } }) });
  try {
    // Everybody leaves the slider at one of ten marks.
    for (let person = 0; person < 2_400; person++) {
      observe(test, person, "moved", { level: 6_000 * (person % 10) });
    }
    const levels = Array.from({ length: 5 * A_LOG }, (_, index) => ({ level: index + 1 }));
    const tokens = await tokensOf(test, { count: 1 });
    assertEquals(await sendLogs(test, tokens, inLogs("moved", levels)), 5);
    assertEquals((await test.service.risk.merge(test.clock.seconds)).alerts, []);
    const { figures } = present((await judged(test))[0]);
    // 500 of the 510 values are rare, and one of the 2,401 people has them.
    assertEquals([figures.rare, figures.sampled], [500, 510]);
    assertEquals(Math.round(figures.exposed * figures.pseudonyms), 1);
  } finally {
    await test.close();
  }
});

Deno.test("all that one account may send in a day stops nothing of 125,000 people who send the demo's log_upload", async () => {
  const { log_upload } = config.applications.demo.events;
  const { expectedClients } = config.applications.demo;
  const test = await startService({
    config: configOf({ notes: { events: { log_upload }, expectedClients } }),
  });
  const random = seededRandom(5);
  const names = Object.keys(log_upload.fields);
  const fields = Object.values(log_upload.fields);
  const shares = [[98, 2], [11, 18, 70, 1], zipf(62, 1.5), [90, 6, 2, 1, 0.6, 0.4], zipf(10)];
  const valuesOf = (indexes: readonly number[]) =>
    Object.fromEntries(
      fields.map((field, index) => [names[index], valueAtIndex(field, indexes[index] ?? 0)]),
    );
  /** Every record that there can be, those that people rarely send first. */
  function* records() {
    const size = fields.reduce((product, field) => product * valueCount(field), 1);
    for (let left = size - 1; left >= 0; left--) {
      let rest = left;
      yield valuesOf(fields.map((field) => {
        const index = rest % valueCount(field);
        rest = Math.floor(rest / valueCount(field));
        return index;
      }));
    }
  }
  try {
    for (let person = 0; person < 125_000; person++) {
      observe(test, person, "log_upload", valuesOf(shares.map((weights) => draw(random, weights))));
    }
    assertEquals((await test.service.risk.merge(test.clock.seconds)).alerts, []);
    const { tokensPerClient, usesPerToken } = test.service.appOf("notes");
    const tokens = await tokensOf(test, { count: tokensPerClient });
    const sent = await sendLogs(test, tokens, inLogs("log_upload", records()));
    assertEquals(sent, tokensPerClient * usesPerToken);
    assertEquals((await test.service.risk.merge(test.clock.seconds)).alerts, []);
    assertEquals(test.service.suppressionsOf("notes").events.size, 0);
    // All of it has been judged.
    assertEquals((await judged(test)).filter(({ verdict }) => verdict === "waiting"), []);
  } finally {
    await test.close();
  }
});
