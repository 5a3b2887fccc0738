/** What a leap of the clock does to a whole service, and what puts right what it did before. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CONFIRM_SECONDS } from "../../core/clock/confirmed_time.ts";
import { runReleases } from "../../core/jobs/run_releases.ts";
import { SIGNING_KEYS } from "../../core/keys/families.ts";
import { endSession } from "../../core/operations/sessions_ended.ts";
import { ADMIN_TOKEN, ConsoleBrowser, OPERATED } from "../support/browser/console_browser.ts";
import {
  fetchIssuingKey,
  fetchKeys,
  logsPath,
  signLog,
  type Token,
  tokensOf,
} from "../support/client/protocol_client.ts";
import { rowsOf } from "../support/service/keys.ts";
import {
  configOf,
  snapshot,
  START_SECONDS,
  startService,
  testApplication,
  type TestService,
  withService,
} from "../support/service/service.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** So far that the keys of today and of tomorrow are over. */
const AHEAD = 64 * HOUR;
const releases = { budget: { epsilon: 7 }, queries: { opens: { event: "app_opened", epsilon: 1 } } };
const CONFIG = configOf({ notes: { ...testApplication, retentionDays: 1, releases } });

/** A service whose wall clock leaps, and the time that passes all the same. */
interface Leaping {
  readonly test: TestService;
  /** Lets seconds pass, by both clocks. */
  readonly pass: (seconds: number) => void;
  /** Moves the wall clock alone. */
  readonly leap: (seconds: number) => void;
}

async function withLeaps(run: (leaping: Leaping) => Promise<void>): Promise<void> {
  const clock = { seconds: START_SECONDS };
  let steady = 0;
  await withService({ ...OPERATED, config: CONFIG, clock, steady: () => steady }, (test) =>
    run({
      test,
      pass(seconds) {
        steady += seconds;
        clock.seconds += seconds;
      },
      leap: (seconds) => clock.seconds += seconds,
    }));
}

async function statusOf(test: TestService, token: Token, use: number): Promise<number> {
  const response = await test.send(logsPath(), signLog(token, { use }));
  await response.body?.cancel();
  return response.status;
}

async function act(test: TestService, path: string, body?: unknown) {
  const response = await test.send(`/admin/v1/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** The generations of an epoch that are listed. */
async function generations(test: TestService, epoch: number): Promise<number[]> {
  return (await fetchKeys(test.send)).filter((key) => key.epoch === epoch).map(({ generation }) =>
    generation
  );
}

const keysOf = (rows: readonly Deno.KvEntry<unknown>[]) => rows.map(({ key }) => JSON.stringify(key));

Deno.test("a clock that leaps ahead and comes back has destroyed and ended nothing, of any family of rows", () =>
  withLeaps(async ({ test, pass, leap }) => {
    const { service } = test;
    const tokens = await tokensOf(test, { count: 2 });
    for (let use = 0; use < 20; use++) assertEquals(await statusOf(test, tokens[0]!, use), 200);
    await endSession(service.store, "a-session", test.clock.seconds + HOUR);
    await service.counterRows.flush();
    const ended = await act(test, "apps/notes/keys/rotate");
    assertEquals(ended.status, 200);
    await act(test, "apps/notes/keys/revoke", {
      epoch: Math.floor(START_SECONDS / DAY) + 1,
      "through-generation": 0,
    });
    const early = await act(test, "apps/notes/releases/2027-01-15", { early: true });
    assertEquals(early.body.outcomes, { opens: "published" });
    const before = await snapshot(test.kv);
    const families = new Set(before.map(({ key }) => key[0]));
    for (const letter of ["k", "e", "a", "d", "q", "c", "l", "t", "n", "y", "i", "j", "u", "m"]) {
      if (letter === "e" || letter === "t") continue;
      assert(families.has(letter), `nothing of family ${letter} is there to be kept`);
    }
    for (const far of [HOUR, AHEAD, 1_000 * DAY]) {
      leap(far);
      await test.maintain();
      const night = await runReleases(service);
      await service.risk.merge(service.time.confirmedSeconds());
      assertEquals(night.failure, undefined);
      // A request that finds its keys over ends them as well: whatever it is answered, they are there afterwards.
      await (await test.send("/v1/apps/notes/keys")).body?.cancel();
      await statusOf(test, tokens[0]!, 20);
      const kept = new Set(keysOf(await snapshot(test.kv)));
      assertEquals(keysOf(before).filter((key) => !kept.has(key)), [], `${far}`);
      leap(-far);
      assert(!service.time.held);
    }
    pass(60);
    const rows = await rowsOf(test.kv);
    const alive = rows.filter(({ revokedAt, sealed }) =>
      revokedAt === undefined && sealed.some((byte) => byte > 0)
    );
    assertEquals(alive.length, rows.length - 1, "only what an operator revoked has ended");
    assertEquals(await statusOf(test, tokens[0]!, 21), 200);
    assertEquals((await tokensOf(test, { count: 2, subject: "other" })).length, 2);
    // What the wrong clock made ahead is not shown to clients.
    const epochs = (await fetchKeys(test.send)).map(({ epoch }) => epoch - Math.floor(START_SECONDS / DAY));
    assertEquals([Math.min(...epochs), Math.max(...epochs)], [0, 3]);
    assertEquals(
      test.said.filter(({ event }) => event === "time_held" || event === "time_confirmed").map((
        { event, by },
      ) => by ?? event),
      ["time_held", "return", "time_held", "return", "time_held", "return"],
    );
  }));

Deno.test("what ends by the confirmed time ends while the clock is held", () =>
  withLeaps(async ({ test, pass, leap }) => {
    const first = Math.floor(START_SECONDS / DAY);
    pass(23 * HOUR);
    await test.maintain();
    pass(23 * HOUR);
    await test.maintain();
    leap(AHEAD);
    // Two days have passed by the steady clock, in which it leapt again and again.
    for (let hour = 0; hour < 24; hour++) {
      pass(500);
      leap(hour % 2 === 0 ? HOUR : -HOUR);
      await test.maintain();
    }
    assert(test.service.time.held);
    pass(300);
    const epochs = () => rowsOf(test.kv).then((rows) => rows.map(({ epoch }) => epoch - first));
    assertEquals((await epochs())[0], 1, "the first epoch's key was over by the steady clock");
  }));

Deno.test("a clock that stays ahead is believed after ten minutes; replace puts keys where it destroyed them", () =>
  withLeaps(async ({ test, pass, leap }) => {
    const { epoch } = await fetchIssuingKey(test.send, test.clock.seconds);
    const [token] = await tokensOf(test, { count: 1 });
    assertEquals((await act(test, "apps/notes/keys/rotate")).body.made.generation, 1);
    const none = await act(test, "apps/notes/keys/replace");
    assertEquals([none.status, none.body.code], [409, "replacement_refused"], "nothing is gone");
    leap(AHEAD);
    const gauge = async () => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const text = await (await test.send("/metrics", { headers })).text();
      return /^dit_time_held (\d)$/m.exec(text)?.[1];
    };
    assertEquals(await gauge(), "1");
    const browser = await new ConsoleBrowser(test).signIn();
    assertStringIncludes(await browser.page("/console/apps/notes/keys"), "Say that it is right");
    assertStringIncludes(await browser.page("/console"), "The clock is ahead of what was confirmed");
    await test.maintain();
    for (let minute = 0; minute < 5; minute++) {
      pass(CONFIRM_SECONDS / 5);
      await test.service.time.refresh();
    }
    await test.maintain();
    assertEquals(await gauge(), "0");
    leap(-AHEAD);
    pass(60);
    assertEquals((await rowsOf(test.kv)).filter((row) => row.epoch <= epoch), [], "today's keys are gone");
    const refused = await tokensOf(test, { count: 1 }).catch((error) => error);
    assert(refused instanceof Error, "issuance stands still");
    assertStringIncludes(await browser.page("/console/apps/notes/keys"), "Replace them");

    const replaced = await act(test, "apps/notes/keys/replace", { reason: "the clock was wrong" });
    assertEquals(replaced.status, 200);
    const names = replaced.body.replaced.map(
      ({ epoch: at, generation }: { epoch: number; generation: number }) => [at - epoch, generation],
    );
    // The name that the rotation gave today's second key is not given again.
    assertEquals(names, [[0, 2], [1, 1]]);
    assertEquals(await act(test, "apps/notes/keys/replace"), replaced, "repeated, it changes nothing");
    assertEquals(await generations(test, epoch), [2]);
    const [fresh] = await tokensOf(test, { count: 1 });
    assertEquals(await statusOf(test, fresh!, 0), 200);
    assertEquals(await statusOf(test, token!, 0), 401, "the destroyed key's tokens stay worthless");
    assertEquals(
      test.said.filter(({ event }) => event === "key_made").slice(-2).map(({ generation }) => generation),
      [
        2,
        1,
      ],
    );
    // The next revocation has a generation to take over for an epoch that has none left.
    const revoked = await act(test, "apps/notes/keys/revoke", { epoch: epoch + 1, "through-generation": 1 });
    assertEquals(revoked.body.replacement?.generation, 2);
    const spent = await act(test, "apps/notes/keys/rotate");
    assertEquals([spent.status, spent.body.code], [409, "replacement_refused"]);
  }));

Deno.test("another start of the service holds its clock against the newest time in the store", () =>
  withService({}, async (first) => {
    await first.maintain();
    const before = (await rowsOf(first.kv)).map(({ epoch }) => epoch);
    const clock = { seconds: START_SECONDS + AHEAD };
    let steady = 0;
    const second = await startService({ kv: first.kv, clock, steady: () => steady });
    const left = async () =>
      (await rowsOf(first.kv)).map(({ epoch }) => epoch).filter((epoch) => before.includes(epoch));
    await second.maintain();
    assertEquals(await left(), before);
    assertEquals(second.said.map(({ event }) => event).filter((event) => event === "time_held").length, 1);
    // A service that was off for two days goes on by itself.
    steady += CONFIRM_SECONDS;
    clock.seconds += CONFIRM_SECONDS;
    await second.maintain();
    assertEquals((await left()).length, 2);
    await second.service.committer.drain();
  }));

Deno.test("an operator confirms the time through the API and the console, and what waited ends", () =>
  withLeaps(async ({ test, leap }) => {
    leap(AHEAD);
    await test.maintain();
    const count = async () => (await Array.fromAsync(test.kv.list({ prefix: [SIGNING_KEYS.letter] }))).length;
    const before = await count();
    const wrong = await act(test, "time/confirm", { seconds: START_SECONDS });
    assertEquals([wrong.status, wrong.body.code], [409, "time_disputed"]);
    assertEquals((await act(test, "time/confirm", {})).body.code, "body_malformed");
    assert(test.service.time.held);
    const answer = { status: 200, body: { confirmed: test.clock.seconds } };
    for (let call = 0; call < 2; call++) {
      assertEquals(
        await act(test, "time/confirm", { seconds: test.clock.seconds + 1, reason: "looked" }),
        answer,
      );
    }
    await test.maintain();
    assertEquals(await count(), before - 2);
    leap(AHEAD);
    const browser = await new ConsoleBrowser(test).signIn();
    const path = "/console/apps/notes/keys/confirm-time";
    const page = await browser.page(path);
    const fields = Object.fromEntries(
      [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)].map((
        [, name, value],
      ) => [name, value]),
    ) as Record<string, string>;
    assertEquals((await browser.post(path, { ...fields, seconds: "17", reason: "x" })).status, 409);
    assertEquals((await browser.post(path, { ...fields, reason: "looked" })).status, 303);
    assert(!test.service.time.held);
    assertStringIncludes(await browser.page("/console/trail"), "Confirm the time");
  }));
