/** One account is at most as many people as it has tokens of a key, whatever it sends. */
import { assert, assertEquals } from "@std/assert";
import type { LogRecord } from "../../../core/schema/record.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { formatDay } from "../../../core/base/time.ts";
import { boundNonce } from "../../support/client/bound_nonce.ts";
import { ADMIN_TOKEN, OPERATED } from "../../support/browser/console_browser.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  logBody,
  logsPath,
  signLog,
  tokensOf,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import {
  configOf,
  startService,
  testApplication,
  type TestService,
  withService,
} from "../../support/service/service.ts";
import { assertAccepted, assertRefused } from "../../support/http/assert_answers.ts";

const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" };
const { tokensPerClient: _, ...application } = testApplication;
const notes = {
  ...application,
  events: {
    app_opened: { ...WORDS, fields: {} },
    vote: {
      ...WORDS,
      fields: { choice: { type: "enum", values: ["yes", "no", "maybe"], localDp: { epsilon: 1 } } },
    },
  },
  releases: {
    budget: { epsilon: 700 },
    queries: {
      // Noise of so small a scale that it is 0.
      people: { event: "app_opened", epsilon: 40, threshold: 0 },
      votes: { event: "vote", of: "choice", epsilon: 40, threshold: 0 },
    },
  },
} satisfies ApplicationConfig;
const CONFIG = { ...configOf({}), applications: { notes } };
/** What an account gets by default. */
const TOKENS = 2;
const USES = 64;
const OPENED = { name: "app_opened", fields: {} };
/** A report that says "yes". */
const YES = { name: "vote", fields: { choice: 0 } };

const peopleOf = (records: readonly LogRecord[]) => new Set(records.map(({ pseudonym }) => pseudonym)).size;

/** The figures of a release of the day that has just ended, by question and cell. */
async function release(test: TestService): Promise<Map<string, number>> {
  const day = formatDay(Math.floor(test.clock.seconds / 86_400));
  test.clock.seconds += 86_400;
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
  const made = await test.send(`/admin/v1/apps/notes/releases/${day}`, {
    method: "POST",
    headers,
    body: "{}",
  });
  assertEquals((await made.json()).outcomes, { people: "published", votes: "published" });
  const { releases } = await (await test.send("/admin/v1/apps/notes/releases", { headers })).json();
  type Release = { query: string; figures: { cell: Record<string, string>; count: number }[] };
  return new Map(
    releases.flatMap(({ query, figures }: Release) =>
      figures.map(({ cell, count }) => [[query, ...Object.values(cell)].join(" "), count] as const)
    ),
  );
}

Deno.test("an account that sends every use of all its tokens under a pseudonym of its own is as many people as it has tokens", async () => {
  await withService({ ...OPERATED, config: CONFIG }, async (test) => {
    const tokens = await tokensOf(test, { count: TOKENS });
    // That is all it gets.
    const key = await fetchIssuingKey(test.send, test.clock.seconds);
    const more = batchRequest(await test.signIn("alice"), blindBatch(key, 1).request);
    await assertRefused(await test.send(tokensPath(), more), 429, "quota_exhausted");
    for (const token of tokens) {
      for (let use = 0; use < USES; use++) {
        const { pseudonym, binding } = boundNonce();
        const tries = [{ pseudonym }, { pseudonym, binding }, { pseudonym, binding: undefined }];
        for (const members of use % 8 === 0 ? tries : tries.slice(0, 1)) {
          const log = signLog(token, { use, body: logBody(token, { ...members, events: [OPENED, YES] }) });
          const { status } = await test.send(logsPath(), log);
          assert(status >= 400 && status < 500, `${status}`);
        }
        // Nothing of it was spent: the use is there for the pseudonym that the token serves.
        await assertAccepted(
          await test.send(
            logsPath(),
            signLog(token, { use, body: logBody(token, { events: [OPENED, YES] }) }),
          ),
          2,
        );
      }
    }
    const records = await test.records();
    assertEquals([records.length, peopleOf(records)], [TOKENS * USES, TOKENS]);
    const figures = await release(test);
    assertEquals(figures.get("people"), TOKENS);
    // A report about one of three values counts as 1 - q over p - q people, who cancel out over all of them.
    const p = Math.E / (Math.E + 2);
    const q = 1 / (Math.E + 2);
    const most = TOKENS * (1 - q) / (p - q);
    const yes = figures.get("votes yes") ?? 0;
    assert(yes > 0 && yes < most + 1, `${yes} of ${most}`);
  });
});

Deno.test("a token does not change its pseudonym when its application begins or ends to collect one", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  const kv = await Deno.openKv(":memory:");
  const without = configOf({ notes: { pseudonymSeconds: false } });
  const sealed = { kv, sealKey };
  await withService(sealed, async (test) => {
    const token = (await tokensOf(test))[0]!;
    const plain = (await tokensOf(test, { subject: "bob" }))[0]!;
    await assertAccepted(await test.send(logsPath(), signLog(token)));
    const { clock } = test;
    const changed = await startService({ ...sealed, config: without, clock });
    const body = logBody(plain, { pseudonym: undefined, binding: undefined });
    await assertAccepted(await changed.send(logsPath(), signLog(plain, { body })));
    const mismatch = logBody(plain, { pseudonym: boundNonce().pseudonym });
    const refused = await changed.send(logsPath(), signLog(plain, { use: 1, body: mismatch }));
    await assertRefused(refused, 401, "pseudonym_mismatch");
    await changed.service.committer.drain();
    for (const [use, each] of [token, plain].entries()) {
      const other = logBody(each, { pseudonym: boundNonce().pseudonym });
      const refused = await test.send(logsPath(), signLog(each, { use: use + 1, body: other }));
      await assertRefused(refused, 401, "pseudonym_mismatch");
    }
    // One and the same pseudonym, before and after.
    await assertAccepted(await test.send(logsPath(), signLog(token, { use: 1 })));
    assertEquals(peopleOf((await test.records()).filter(({ pseudonym }) => pseudonym !== undefined)), 1);
  });
});
