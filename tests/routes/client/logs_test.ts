import { assertEquals } from "@std/assert";
import { present } from "../../support/base/present.ts";
import { assertAccepted, assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import { logBody, logsPath, oneToken, signLog, tokensOf } from "../../support/client/protocol_client.ts";
import { BOTH_SUITES, configOf, countClaims, snapshot, withService } from "../../support/service/service.ts";

for (const app of ["notes", "vault"]) {
  Deno.test(`POST logs takes a log of ${app}, plain and packed, and stores it with floored times`, async () => {
    await withService({ config: BOTH_SUITES }, async (test) => {
      const tokens = await tokensOf(test, { app, count: 2 });
      const events = [
        { name: "note_saved", at: "2027-01-15T09:59:59.999Z", fields: { ok: true, latency_ms: 3 } },
        { name: "app_opened", fields: {} },
      ];
      for (const [index, encoding] of (["", "gzip"] as const).entries()) {
        const token = present(tokens[index]);
        const body = logBody(token, { events, pad: "0".repeat(300) });
        const log = signLog(token, { body, encoding });
        await assertAccepted(await test.send(logsPath(app), log), 2);
      }
      const stored = [
        { name: "app_opened", at: "2027-01-15T10:00:00Z", fields: {} },
        { name: "note_saved", at: "2027-01-15T09:00:00Z", fields: { ok: true, latency_ms: 3 } },
      ];
      assertEquals(
        (await test.records(app)).sort((a, b) => a.pseudonym! < b.pseudonym! ? -1 : 1),
        tokens.map(({ pseudonym }) => pseudonym).sort().map((pseudonym) => ({
          v: 2,
          pseudonym,
          events: stored,
        })),
      );
      assertEquals(await countClaims(test.kv), 2);
    });
  });
}

Deno.test("POST logs takes the credential and the media type in any form that the protocol allows", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const log = signLog(token);
    const values = Object.fromEntries(
      log.headers.authorization!.slice(4).split(", ").map((part) => part.split("=") as [string, string]),
    );
    const forms = [
      `dit MAC=${values.mac}, use="0" ,NONCE="${values.nonce}",key=${values.key}`,
      `DIT   key=${values.key}, nonce=${values.nonce}, use=${values.use}, mac="${values.mac}"`,
    ];
    for (const [index, authorization] of forms.entries()) {
      const headers = { authorization, "content-type": "Application/JSON" };
      const response = await test.send(logsPath(), { ...log, headers });
      await assertAccepted(response, 1, index > 0);
    }
    const packed = signLog(token, { use: 1, encoding: "gzip" });
    packed.headers["content-encoding"] = "GZIP";
    await assertAccepted(await test.send(logsPath(), packed));
  });
});

Deno.test("POST logs reads none of the headers that the protocol does not name", async () => {
  await withService({}, async (test) => {
    const log = signLog(await oneToken(test));
    Object.assign(log.headers, {
      "x-http-method-override": "DELETE",
      "x-forwarded-for": "203.0.113.9",
      "expect": "the unexpected",
      "accept": "text/html",
      "cookie": "session=1",
      "range": "bytes=0-1",
      "dit-replayed": "?1",
      "origin": "https://elsewhere.example",
    });
    await assertAccepted(await test.send(logsPath(), log));
    assertEquals((await test.records()).length, 1);
  });
});

Deno.test("POST logs skips the FEXTRA field that fills a packed body", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const { body: packed } = signLog(token, { encoding: "gzip" });
    const extra = 900;
    // RFC 1952, section 2.3: FLG.FEXTRA is bit 2, XLEN is little-endian and follows the ten bytes of the header.
    const filled = new Uint8Array(packed.length + 2 + extra);
    filled.set(packed.subarray(0, 10));
    filled[3] = 0x04;
    filled.set([extra & 0xff, extra >> 8], 10);
    filled.set(packed.subarray(10), 12 + extra);
    await assertAccepted(await test.send(logsPath(), signLog(token, { packed: filled })));
    assertEquals((await test.records())[0]!.events.length, 1);
  });
});

Deno.test("POST logs takes what is valid of a body and says what is not", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const events = [
      { name: "note_saved", fields: { ok: true } },
      { name: "note_deleted", fields: {} },
      { name: "note_saved", fields: { ok: true, colour: "red" } },
      { name: "note_saved", fields: {} },
      { name: "note_saved", fields: { ok: true, retries: 11 } },
      { name: "note_saved", at: "yesterday", fields: { ok: true } },
      { name: "note_stopped", fields: {} },
      { name: "note_expired", fields: {} },
      { name: "app_opened", fields: {} },
    ];
    const response = await test.send(logsPath(), signLog(token, { body: logBody(token, { events }) }));
    assertEquals([response.status, await response.json()], [200, {
      accepted: 2,
      rejected: [
        { index: 1, code: "event_unknown", path: "name" },
        { index: 2, code: "field_unknown", path: "fields.colour" },
        { index: 3, code: "field_missing", path: "fields.ok" },
        { index: 4, code: "field_invalid", path: "fields.retries" },
        { index: 5, code: "field_invalid", path: "at" },
        { index: 6, code: "collection_stopped", path: "name" },
        { index: 7, code: "collection_stopped", path: "name" },
      ],
    }]);
    const [record] = await test.records();
    assertEquals(record!.events.map(({ name }) => name), ["app_opened", "note_saved"]);
  });
});

Deno.test("POST logs answers 410 with the list when every event is stopped or expired", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const events = [{ name: "note_stopped", fields: {} }, { name: "note_expired", fields: {} }];
    const log = signLog(token, { body: logBody(token, { events }) });
    const problem = await assertRefusedUnwritten(test, [logsPath(), log], 410, "collection_stopped");
    assertEquals(problem.rejected, [
      { index: 0, code: "collection_stopped", path: "name" },
      { index: 1, code: "collection_stopped", path: "name" },
    ]);
    // The use was not spent on it.
    await assertAccepted(await test.send(logsPath(), signLog(token)));
  });
});

Deno.test("POST logs collects an event to the end of its last day", async () => {
  await withService({}, async (test) => {
    const event = { events: [{ name: "note_expired", fields: {} }] };
    test.clock.seconds = Date.UTC(2027, 0, 14, 23, 59, 59) / 1000;
    await test.maintain();
    const token = await oneToken(test);
    await assertAccepted(await test.send(logsPath(), signLog(token, { body: logBody(token, event) })));
    test.clock.seconds++;
    const late = signLog(token, { use: 1, body: logBody(token, event) });
    await test.maintain();
    await assertRefusedUnwritten(test, [logsPath(), late], 410, "collection_stopped");
  });
});

Deno.test("POST logs answers 422 with the list when no event is valid, and repeats no value", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const events = [
      { name: "note_saved", fields: { ok: "canary-value" } },
      { name: "canary-event", fields: {} },
      { name: "note_stopped", fields: {} },
    ];
    const log = signLog(token, { body: logBody(token, { events }) });
    const problem = await assertRefusedUnwritten(test, [logsPath(), log], 422, "events_invalid");
    assertEquals(problem.rejected, [
      { index: 0, code: "field_invalid", path: "fields.ok" },
      { index: 1, code: "event_unknown", path: "name" },
      { index: 2, code: "collection_stopped", path: "name" },
    ]);
    assertEquals(JSON.stringify(problem).includes("canary"), false);
  });
});

Deno.test("POST logs refuses a pseudonym where none is collected, and takes a log without", async () => {
  await withService({ config: configOf({ notes: { pseudonymSeconds: false } }) }, async (test) => {
    const token = await oneToken(test);
    for (const members of [{}, { binding: undefined }, { pseudonym: undefined }]) {
      const log = signLog(token, { body: logBody(token, members) });
      await assertRefusedUnwritten(test, [logsPath(), log], 400, "body_malformed");
    }
    const log = signLog(token, { body: logBody(token, { pseudonym: undefined, binding: undefined }) });
    await assertAccepted(await test.send(logsPath(), log));
    assertEquals(Object.keys((await test.records())[0]!), ["v", "events"]);
  });
});

Deno.test("POST logs replaces times outside of its window by its own", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const times = [
      "2027-01-08T10:00:00Z",
      "2027-01-08T09:59:59Z",
      "2027-01-15T11:20:30Z",
      "2027-01-15T11:20:31Z",
    ];
    const events = times.map((at) => ({ name: "app_opened", at, fields: {} }));
    await assertAccepted(
      await test.send(logsPath(), signLog(token, { body: logBody(token, { events }) })),
      4,
    );
    assertEquals((await test.records())[0]!.events.map(({ at }) => at), [
      "2027-01-08T10:00:00Z",
      "2027-01-15T10:00:00Z",
      "2027-01-15T10:00:00Z",
      "2027-01-15T11:00:00Z",
    ]);
  });
});

Deno.test("POST logs stores nothing of salt, credential, padding or moment", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const salt = "c2FsdHNhbHRzYWx0c2FsdA";
    const log = signLog(token, { body: logBody(token, { salt, pad: "padding-canary" }) });
    await assertAccepted(await test.send(logsPath(), log));
    const rows = (await snapshot(test.kv)).filter(({ key }) => key[0] === "l");
    const text = rows.map(({ value }) => new TextDecoder().decode(value as Uint8Array)).join("");
    assertEquals(Object.keys(JSON.parse(text)), ["v", "pseudonym", "events"]);
    for (const trace of [salt, "padding-canary", "10:20"]) assertEquals(text.includes(trace), false, trace);
  });
});
