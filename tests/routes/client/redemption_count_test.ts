/** A use of a token counts once, whoever asks for it, how often and how many at a time. */
import { assertEquals } from "@std/assert";
import { assertAccepted, assertRefused, assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import { formatInstant } from "../../../core/base/time.ts";
import { logBody, logsPath, oneToken, signLog } from "../../support/client/protocol_client.ts";
import {
  configOf,
  countClaims,
  snapshot,
  START_SECONDS,
  startService,
  withService,
} from "../../support/service/service.ts";

Deno.test("POST logs answers the same bytes as it did before, and keeps one record", async () => {
  await withService({}, async (test) => {
    const log = signLog(await oneToken(test));
    await assertAccepted(await test.send(logsPath(), log));
    const before = await snapshot(test.kv);
    for (let again = 0; again < 3; again++) {
      await assertAccepted(await test.send(logsPath(), log), 1, true);
    }
    assertEquals(await snapshot(test.kv), before);
    assertEquals((await test.records()).length, 1);
  });
});

Deno.test("POST logs recognises a replay by the store when its process has forgotten", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  const kv = await Deno.openKv(":memory:");
  await withService({ kv, sealKey }, async (test) => {
    const token = await oneToken(test);
    const log = signLog(token);
    await assertAccepted(await test.send(logsPath(), log));
    // A second process on the same store knows nothing of the first one's memory.
    const other = await startService({ kv, sealKey });
    const before = await snapshot(kv);
    await assertAccepted(await other.send(logsPath(), log), 1, true);
    await assertRefused(await other.send(logsPath(), signLog(token)), 409, "use_taken");
    assertEquals(await snapshot(kv), before);
    await other.service.committer.drain();
  });
});

Deno.test("POST logs refuses another body under a use that is taken", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    await assertAccepted(await test.send(logsPath(), signLog(token)));
    await assertRefusedUnwritten(test, [logsPath(), signLog(token)], 409, "use_taken");
    assertEquals((await test.records()).length, 1);
  });
});

Deno.test("POST logs takes 64 logs of a token and refuses the 65th", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, use) => test.send(logsPath(), signLog(token, { use }))),
    );
    for (const answer of answers) await assertAccepted(answer);
    assertEquals((await test.records()).length, 64);
    await assertRefusedUnwritten(test, [logsPath(), signLog(token, { use: 64 })], 403, "use_out_of_range");
    await assertRefusedUnwritten(test, [logsPath(), signLog(token, { use: 9_999 })], 403, "use_out_of_range");
    for (const use of [0, 31, 63]) {
      await assertRefusedUnwritten(test, [logsPath(), signLog(token, { use })], 409, "use_taken");
    }
  });
});

Deno.test("POST logs holds a token to the uses its application has", async () => {
  await withService({ config: configOf({ notes: { usesPerToken: 1 } }) }, async (test) => {
    const token = await oneToken(test);
    await assertRefusedUnwritten(test, [logsPath(), signLog(token, { use: 1 })], 403, "use_out_of_range");
    await assertAccepted(await test.send(logsPath(), signLog(token)));
    await assertRefusedUnwritten(test, [logsPath(), signLog(token)], 409, "use_taken");
  });
});

Deno.test("POST logs keeps one record of 100 concurrent requests with the same bytes", async () => {
  await withService({}, async (test) => {
    const log = signLog(await oneToken(test));
    const answers = await Promise.all(Array.from({ length: 100 }, () => test.send(logsPath(), log)));
    assertEquals(answers.map(({ status }) => status), Array(100).fill(200));
    const replayed = answers.filter(({ headers }) => headers.get("dit-replayed") === "?1");
    assertEquals(replayed.length, 99);
    assertEquals((await test.records()).length, 1);
    assertEquals(await countClaims(test.kv), 1);
  });
});

Deno.test("POST logs keeps one record of 100 concurrent logs that name the same use", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    // Told apart by their hours.
    const hours = Array.from(
      { length: 100 },
      (_, hour) => formatInstant(START_SECONDS - hour * 3_600 - 1_230),
    );
    const answers = await Promise.all(hours.map((at) => {
      const body = logBody(token, { events: [{ name: "app_opened", at, fields: {} }] });
      return test.send(logsPath(), signLog(token, { body }));
    }));
    const accepted = answers.flatMap(({ status }, index) => status === 200 ? [hours[index]] : []);
    assertEquals(accepted.length, 1);
    assertEquals(answers.filter(({ status }) => status === 409).length, 99);
    // The one that was told so is the one that is stored.
    assertEquals((await test.records()).map(({ events }) => events[0]?.at), accepted);
    assertEquals(await countClaims(test.kv), 1);
  });
});

Deno.test("POST logs keeps one record of a use that two processes are asked for at once", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  const kv = await Deno.openKv(":memory:");
  await withService({ kv, sealKey }, async (test) => {
    const other = await startService({ kv, sealKey });
    const token = await oneToken(test);
    const uses = Array.from({ length: 40 }, (_, index) => Math.floor(index / 4));
    const answers = await Promise.all(uses.map(async (use, index) => {
      const to = index % 2 === 0 ? test : other;
      const { status } = await to.send(logsPath(), signLog(token, { use }));
      return { use, status };
    }));
    for (let use = 0; use < 10; use++) {
      const statuses = answers.filter((answer) => answer.use === use).map(({ status }) => status).sort();
      assertEquals(statuses, [200, 409, 409, 409]);
    }
    assertEquals((await test.records()).length, 10);
    assertEquals(await countClaims(kv), 10);
    await other.service.committer.drain();
  });
});
