import { assert, assertEquals } from "@std/assert";
import { runReleases } from "../../../core/jobs/run_releases.ts";
import { JobSuccesses } from "../../../core/operations/job_successes.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { START_SECONDS, startService, type TestService } from "../../support/service/service.ts";
import { withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const READER = "reader-token-of-tests-of-restarts";
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** The value of a sample of `/metrics`; undefined when it is not there. */
async function read(test: TestService, sample: string): Promise<number | undefined> {
  const answer = await test.send("/metrics", { headers: { authorization: `Bearer ${READER}` } });
  const line = (await answer.text()).split("\n").find((line) => line.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

/** As a scraper adds up what a counter has grown by since it first saw it, whenever it falls to less. */
function increaseOf(samples: readonly (number | undefined)[]): number {
  const values = samples.filter((value) => value !== undefined);
  return values.slice(1).reduce((sum, value, index) => {
    const last = values[index] ?? 0;
    return sum + (value < last ? value : value - last);
  }, 0);
}

Deno.test("hourly rates of logs are exact in /metrics over a restart and over kill -9", async () => {
  const folder = await Deno.makeTempDir();
  const clock = { seconds: START_SECONDS };
  const start = async () =>
    await startService({
      kv: await Deno.openKv(`${folder}/kv.sqlite3`),
      clock,
      operators: { readerTokenSha256: tokenDigest(READER) },
    });
  const sample = 'dit_requests_total{app="notes",route="logs",outcome="media_type"}';
  const samples: (number | undefined)[] = [];
  const scrape = async (test: TestService) => void samples.push(await read(test, sample));
  const send = async (test: TestService, logs: number) => {
    for (let sent = 0; sent < logs; sent++) await test.send("/v1/apps/notes/logs", { method: "POST" });
  };
  /** Until `seconds`, scraped every minute as a scraper does. */
  const passUntil = async (test: TestService, seconds: number) => {
    for (; clock.seconds < seconds; clock.seconds += 60) await scrape(test);
  };
  try {
    let test = await start();
    const nextHour = Math.ceil(START_SECONDS / HOUR_SECONDS) * HOUR_SECONDS;
    await scrape(test);
    await send(test, 5);
    await passUntil(test, START_SECONDS + 600);
    // Told to end: the last thing that it does is to write its counters down.
    await test.service.counterRows.flush();
    await test.close();

    test = await start();
    await send(test, 7);
    await passUntil(test, START_SECONDS + 1_200);
    await test.service.counterRows.flush();
    // Killed: nothing is written any more.
    test.kv.close();

    test = await start();
    await send(test, 11);
    await passUntil(test, nextHour);
    assertEquals(increaseOf(samples), 0);
    await send(test, 100);
    await passUntil(test, nextHour + 300);
    assertEquals(increaseOf(samples), 5 + 7 + 11);
    await passUntil(test, nextHour + HOUR_SECONDS + 300);
    assertEquals(increaseOf(samples), 5 + 7 + 11 + 100);
    await test.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("/metrics tells when jobs went through, and until when keys are made and events collected", async () => {
  const test = await startService({ operators: { readerTokenSha256: tokenDigest(READER) } });
  const { clock, service } = test;
  try {
    const job = (cron: string) => read(test, `dit_cron_success_time_seconds{cron="${cron}"}`);
    assertEquals([await job("maintenance"), await job("releases")], [START_SECONDS, 0]);
    clock.seconds += 1_200;
    await runReleases(service);
    assertEquals([await job("maintenance"), await job("releases")], [START_SECONDS, START_SECONDS + 1_200]);
    // Another process, which has run nothing.
    const other = new JobSuccesses(service.store, ["maintenance", "releases"], () => clock.seconds);
    await other.read();
    assertEquals([...other.known.values()], [START_SECONDS, START_SECONDS + 1_200]);

    const dayEnd = Math.ceil(START_SECONDS / DAY_SECONDS) * DAY_SECONDS;
    const daysTo = (seconds: number) => (seconds - clock.seconds) / DAY_SECONDS;
    assertEquals(await read(test, 'dit_issuing_key_end_days{app="notes"}'), daysTo(dayEnd));
    assertEquals(await read(test, 'dit_made_keys_end_days{app="notes"}'), daysTo(dayEnd + 3 * DAY_SECONDS));
    const expiry = (event: string) => read(test, `dit_event_expiry_days{app="notes",event="${event}"}`);
    assertEquals(await expiry("note_saved"), daysTo(Date.UTC(2100, 0, 1) / 1_000));
    assert((await expiry("note_expired") ?? 1) < 0);
    assertEquals(await expiry("note_stopped"), undefined);
  } finally {
    await test.close();
  }
});

Deno.test("/metrics is there while the store is away, with what was known before", async () => {
  await withEndpoint(async (endpoint, open) => {
    const test = await startService({
      kv: await open(),
      store: { deadlineMs: 60_000 },
      operators: { readerTokenSha256: tokenDigest(READER) },
    });
    try {
      const sample = 'dit_cron_success_time_seconds{cron="maintenance"}';
      assertEquals(await read(test, sample), START_SECONDS);
      endpoint.faults.hang = true;
      assertEquals(await read(test, sample), START_SECONDS);
    } finally {
      endpoint.faults.hang = false;
      await test.close();
    }
  });
});
