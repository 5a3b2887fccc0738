import { assert, assertEquals } from "@std/assert";
import { localDpReport } from "../../../client/local_dp.ts";
import { DitClient } from "../../../client/mod.ts";
import { MemoryStorage } from "../../../client/storage/memory.ts";
import { releaseContext } from "../../../core/jobs/run_releases.ts";
import { releaseDay } from "../../../core/privacy/release/release.ts";
import { readReleases } from "../../../core/privacy/release/rows.ts";
import { startService } from "../../support/client/client_service.ts";

const EVENTS = {
  poll: {
    description: "d",
    purpose: "p",
    owner: "o",
    expires: "2099-12-31",
    fields: { choice: { type: "enum", values: ["tea", "coffee", "water"], localDp: { epsilon: 4 } } },
  },
} as const;

Deno.test("a value is randomised on the device, stored as a report, and estimated in a release", async () => {
  const test = await startService({
    events: EVENTS,
    releases: {
      budget: { epsilon: 70 },
      queries: { choices: { event: "poll", of: "choice", epsilon: 10, threshold: 0 } },
    },
  });
  try {
    // Of 120 people 80 drink tea and 40 coffee; each answers three times, and sends the same report each time.
    for (let person = 0; person < 120; person++) {
      const storage = new MemoryStorage();
      const client = new DitClient({
        endpoint: "https://telemetry.example",
        app: "notes",
        fetch: test.fetch,
        storage,
        localDp: localDpReport,
        now: () => test.clock.now,
        session: () => test.signIn(`person-${person}`),
      });
      for (let answer = 0; answer < 3; answer++) {
        client.log("poll", { choice: person % 3 === 0 ? "coffee" : "tea" });
      }
      await client.flush();
      await client.close();
    }
    const records = await test.records();
    assertEquals(records.length, 120);
    let truthful = 0;
    for (const { events } of records) {
      const reports = events.map(({ fields }) => fields.choice);
      assertEquals(reports.length, 3);
      assertEquals(new Set(reports).size, 1);
      if (reports[0] === 0) truthful++;
    }
    // What is stored is a report: about one in 28 is not what its device was told.
    assert(truthful > 60 && truthful < 100);
    assertEquals((await test.service.risk.measure("notes", test.service.now())).length, 0);

    const day = Math.floor(test.clock.now / 86_400_000);
    test.clock.now += 86_400_000;
    const { service } = test;
    const app = service.appOf("notes");
    assertEquals(await releaseDay(releaseContext(service), app, { day, nowSeconds: service.now() }), {
      choices: "published",
    });
    const [release] = await readReleases(service.store, "notes", day, day);
    const counts = new Map(release!.figures.map(({ cell, count }) => [cell[0], count]));
    // Seven standard deviations.
    assert(Math.abs(counts.get("tea")! - 80) < 16, `${counts.get("tea")}`);
    assert(Math.abs(counts.get("coffee")! - 40) < 16, `${counts.get("coffee")}`);
    assert((counts.get("water") ?? 0) < 16);
  } finally {
    await test.close();
  }
});
