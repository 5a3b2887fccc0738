import { assert, assertEquals } from "@std/assert";
import { dayOf } from "../../../core/base/time.ts";
import { releaseContext } from "../../../core/jobs/run_releases.ts";
import { releaseDay } from "../../../core/privacy/release/release.ts";
import { readReleases } from "../../../core/privacy/release/rows.ts";
import { assertAccepted } from "../../support/http/assert_answers.ts";
import { logsPath, signLog, type Token, tokensOf } from "../../support/client/protocol_client.ts";
import { configOf, START_SECONDS, type TestService, withService } from "../../support/service/service.ts";

const DAY_SECONDS = 86_400;
const TODAY = dayOf(START_SECONDS);
const CONFIG = configOf({
  notes: {
    pseudonymSeconds: DAY_SECONDS,
    releases: {
      budget: { epsilon: 10 },
      queries: { saved: { event: "note_saved", epsilon: 10, threshold: 0 } },
    },
  },
});

/** Tokens of as many people, one each. */
async function tokensOfPeople(test: TestService, count: number): Promise<Token[]> {
  const people = Array.from(
    { length: count },
    (_, person) => tokensOf(test, { subject: `person-${person}` }),
  );
  return (await Promise.all(people)).flat();
}

async function releasedPeople({ service }: TestService, day: number): Promise<number | undefined> {
  const app = service.appOf("notes");
  const nowSeconds = (day + 1) * DAY_SECONDS + 4_800;
  assertEquals(await releaseDay(releaseContext(service), app, { day, nowSeconds }), { saved: "published" });
  return (await readReleases(service.store, "notes", day, day))[0]?.figures[0]?.count;
}

Deno.test("a log that was bound before the pseudonym's turn and is sent after it counts in no day's release", () =>
  withService({ config: CONFIG }, async (test) => {
    const before = await tokensOfPeople(test, 12);
    for (const token of before) await assertAccepted(await test.send(logsPath(), signLog(token)));
    test.clock.seconds += DAY_SECONDS;
    await test.maintain();
    for (const token of before) await assertAccepted(await test.send(logsPath(), signLog(token, { use: 1 })));
    const after = await tokensOfPeople(test, 3);
    for (const token of after) await assertAccepted(await test.send(logsPath(), signLog(token)));

    const marks = (await test.records()).map(({ otherPeriod = false }) => otherPeriod);
    assertEquals(marks.filter((isLate) => isLate).length, before.length);
    // Nor is such a pseudonym measured once more in a period that is not its own.
    const confirmed = test.service.time.confirmedSeconds();
    await test.service.risk.merge(confirmed);
    const [measured] = await test.service.risk.measure("notes", confirmed);
    assertEquals(measured?.pseudonyms, after.length);
    // The noise of scale 0.1 is 2 or more once in 200 million.
    const figures = [await releasedPeople(test, TODAY), await releasedPeople(test, TODAY + 1)];
    assert(Math.abs(figures[0]! - before.length) < 2, `${figures}`);
    assert(Math.abs(figures[1]! - after.length) < 2, `${figures}`);
  }));

Deno.test("a log of the day before counts where both days are of one pseudonym period", () =>
  withService({ config: configOf({ notes: {} }) }, async (test) => {
    const [token] = await tokensOf(test);
    test.clock.seconds += DAY_SECONDS;
    await test.maintain();
    await assertAccepted(await test.send(logsPath(), signLog(token!)));
    assertEquals((await test.records()).map(({ otherPeriod }) => otherPeriod), [undefined]);
  }));
