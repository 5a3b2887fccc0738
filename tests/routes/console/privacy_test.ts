import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { releaseContext } from "../../../core/jobs/run_releases.ts";
import { firstDayOf } from "../../../core/privacy/release/families.ts";
import { releaseDay } from "../../../core/privacy/release/release.ts";
import { dayOf } from "../../../core/base/time.ts";
import type { ValidEvent } from "../../../core/schema/validate.ts";
import { ConsoleBrowser, OPERATED, READER_TOKEN } from "../../support/browser/console_browser.ts";
import {
  liveThroughDays,
  plantHtml,
  pseudonym,
  storeRecords,
  WITH_HISTORY,
} from "../../support/browser/console_history.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { configOf, testApplication, type TestService, withService } from "../../support/service/service.ts";

const words = { description: "-", purpose: "-", owner: "-", expires: "2099-12-31" };
const LEAKY: Partial<ApplicationConfig> = {
  expectedClients: 1_000,
  events: {
    moved: {
      ...words,
      identifying: "a test",
      fields: {
        level: { type: "integer", min: 0, max: 65_535 },
        platform: { type: "enum", values: ["web", "phone"] },
        muted: { type: "boolean" },
      },
    },
  },
};

/** So many people move a slider; what of it is stopped is left out, as clients do. */
async function moveSliders(test: TestService, people: number): Promise<void> {
  const random = seededRandom(3);
  const { service } = test;
  for (let person = 1; person <= people; person++) {
    const isStopped = service.suppressionsOf("notes").fields.has("moved.level");
    const level = Math.floor(random.unit() * 65_536);
    const fields = { ...(isStopped ? {} : { level }), platform: "web", muted: person % 2 === 0 };
    service.risk.observe("notes", pseudonym(person), [{ name: "moved", at: 0, fields }], service.now());
  }
  await service.risk.merge(service.now());
}

async function withLeaky(run: (test: TestService, browser: ConsoleBrowser) => Promise<void>): Promise<void> {
  await withService({ ...OPERATED, config: configOf({ notes: LEAKY }) }, async (test) => {
    await test.service.risk.open();
    await run(test, await new ConsoleBrowser(test).signIn());
  });
}

/** The text of a page without its markup. */
function textOf(page: string): string {
  return page.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}

Deno.test("the privacy page shows the risk of fields and pairs, an alarm, and what is stopped for it", async () => {
  await withLeaky(async (test, browser) => {
    const before = textOf(await browser.page("/console/apps/notes/privacy"));
    assertStringIncludes(before, "Nothing is stopped.");
    assertStringIncludes(before, "Nothing is measured yet of moved .");
    await moveSliders(test, 50);
    const few = textOf(await browser.page("/console/apps/notes/privacy"));
    assertStringIncludes(few, "level: too few people to judge, 50 of 200");
    await moveSliders(test, 400);
    const page = await browser.page("/console/apps/notes/privacy");
    const text = textOf(page);
    assertStringIncludes(text, "One collection is stopped , since what was collected singled people out.");
    assertStringIncludes(text, "moved.level field not collected");
    assertStringIncludes(
      text,
      "alarm notes: moved (level) singles people out: level is not collected any more",
    );
    assertStringIncludes(page, 'href="/console/apps/notes/privacy/lift/moved/level"');
    assertStringIncludes(page, "not collected</td>");
    // Today's history still has the figure that caused it, and the schema page says so too.
    assert(/class="heat h5 stop"/.test(page));
    assertStringIncludes(textOf(await browser.page("/console/apps/notes/schema")), "suppressed");
    const overview = await browser.page("/console");
    assertStringIncludes(textOf(overview), "A collection is stopped notes: moved.level");
    assertStringIncludes(overview, '<a href="/console/apps/notes/privacy">A collection is stopped</a>');
  });
});

Deno.test("a stop is lifted with a reason, and the audit log, the page and the schema have it", async () => {
  await withLeaky(async (test, browser) => {
    await moveSliders(test, 400);
    const path = "/console/apps/notes/privacy/lift/moved/level";
    assertStringIncludes(await browser.page(path), "Lift the stop of moved.level?");
    const token = await browser.formToken(path);
    const refused = await browser.post(path, { "form-token": token, reason: " " });
    assertEquals(refused.status, 400);
    await refused.body?.cancel();
    assert(test.service.suppressionsOf("notes").fields.has("moved.level"));
    const response = await browser.post(path, { "form-token": token, reason: "It was a <i>test</i>" });
    assertEquals([response.status, response.headers.get("location")], [303, "/console/apps/notes/privacy"]);
    assert(!test.service.suppressionsOf("notes").fields.has("moved.level"));
    const page = await browser.page("/console/apps/notes/privacy");
    assertStringIncludes(textOf(page), "Nothing is stopped.");
    assertStringIncludes(page, "It was a &lt;i&gt;test&lt;/i&gt;");
    const auditLog = await browser.page("/console/trail");
    assertStringIncludes(auditLog, "Lift a stop of notes");
    assertStringIncludes(auditLog, "It was a &lt;i&gt;test&lt;/i&gt; (event moved, field level)");
    const again = await browser.post(path, { "form-token": token, reason: "again" });
    assertEquals(again.status, 404);
    await again.body?.cancel();
    for (const nothing of ["moved/none", "none", "moved/level/x", "constructor", "moved/toString"]) {
      const missing = await browser.get(`/console/apps/notes/privacy/lift/${nothing}`);
      assertEquals(missing.status, 404, nothing);
      await missing.body?.cancel();
    }
  });
});

Deno.test("a reader sees the alarm and no way to lift it", async () => {
  await withLeaky(async (test) => {
    await moveSliders(test, 400);
    const reader = await new ConsoleBrowser(test).signIn(READER_TOKEN);
    const page = await reader.page("/console/apps/notes/privacy");
    assertStringIncludes(textOf(page), "One collection is stopped");
    assert(!page.includes("/privacy/lift/"));
    const response = await reader.post("/console/apps/notes/privacy/lift/moved/level", {
      "form-token": await reader.formToken(),
      reason: "x",
    });
    assertEquals(response.status, 403);
    await response.body?.cancel();
    assert(test.service.suppressionsOf("notes").fields.has("moved.level"));
  });
});

Deno.test("the live view brings the alarm to an operator who watches", async () => {
  await withLeaky(async (test, browser) => {
    const response = await browser.get("/console/live/privacy/notes");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let received = "";
    const until = async (text: string) => {
      while (!received.includes(text)) {
        const { value, done } = await reader.read();
        assert(!done, received);
        received += value;
      }
    };
    await until("Nothing is stopped.");
    await moveSliders(test, 400);
    await until("One collection is stopped");
    test.stopping.abort();
    while (!(await reader.read()).done);
  });
});

Deno.test("an application without a pseudonym is said to be not measurable", async () => {
  const config = configOf({ notes: { pseudonymSeconds: false } });
  await withService({ ...OPERATED, config }, async (test) => {
    await test.service.risk.open();
    const page = await (await new ConsoleBrowser(test).signIn()).page("/console/apps/notes/privacy");
    assertStringIncludes(textOf(page), "This application collects no pseudonym");
  });
});

const ASKING: Partial<ApplicationConfig> = {
  releases: {
    budget: { epsilon: 21 },
    queries: {
      opens: { event: "app_opened", epsilon: 1 },
      saves: { event: "note_saved", by: ["platform", "ok"], epsilon: 1 },
      never: { event: "note_stopped", epsilon: 1, threshold: 1_000 },
    },
  },
};

/** A day of people who open the app, of whom every second one saves a note. */
async function storeDay(test: TestService, day: number, people: number): Promise<void> {
  const records = new Map<number, ValidEvent[]>();
  for (let person = 1; person <= people; person++) {
    const events: ValidEvent[] = [{ name: "app_opened", at: day * 86_400, fields: {} }];
    if (person % 2 === 0) {
      events.push({ name: "note_saved", at: day * 86_400, fields: { ok: true, platform: "web" } });
    }
    records.set(person, events);
  }
  await storeRecords(test, day, records);
}

Deno.test("the releases page plots answers with their intervals, and gives them as CSV", async () => {
  await withService({ ...OPERATED, config: configOf({ notes: ASKING }) }, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const empty = textOf(await browser.page("/console/apps/notes/releases"));
    assertStringIncludes(empty, "21 of 21 epsilon left");
    assertEquals(empty.split("No answer in the last 31 days.").length - 1, 3);
    assertEquals(empty.split("Expected error: ± ").length - 1, 3);
    assert(!empty.includes("Download CSV"));
    const today = dayOf(test.clock.seconds);
    const app = test.service.appOf("notes");
    // Its first key is of that day, and not of the one on which the test begins.
    await test.kv.set(firstDayOf("notes"), today - 2);
    for (const day of [today - 2, today - 1]) {
      await storeDay(test, day, 200);
      const outcomes = await releaseDay(releaseContext(test.service), app, {
        day,
        nowSeconds: (day + 1) * 86_400 + 3_600,
      });
      assertEquals(new Set(Object.values(outcomes)), new Set(["published"]));
    }
    const page = await browser.page("/console/apps/notes/releases");
    const text = textOf(page);
    // The first of the two days lies in the period before.
    assertStringIncludes(text, "18 of 21 epsilon left");
    assertStringIncludes(text, "people, Laplace noise of scale 1, cost 1 epsilon");
    assertStringIncludes(text, "No figure reached the threshold of 1000.");
    const figure = JSON.parse(/id="figure-saves"[^>]*>([^<]+)<\/script>/.exec(page)![1]!);
    // A week at least, so that the first answers do not stand alone.
    assertEquals(figure.times, Array.from({ length: 7 }, (_, index) => (today - 7 + index) * 86_400));
    const [[lowLabel, , low], [highLabel, , high], [label, color, kind]] = figure.series;
    assertEquals([low, high, kind, color], ["low", "high", "points", "c1"]);
    assertEquals([label, lowLabel, highLabel], ["web, true", "web, true, at least", "web, true, at most"]);
    for (const values of figure.values) assertEquals(values.splice(0, 5), [null, null, null, null, null]);
    const [lower, upper, count] = figure.values;
    assertEquals(count.length, 2);
    for (const [day, value] of count.entries()) {
      assert(lower[day] <= value && value <= upper[day] && lower[day] < upper[day]);
      assert(Math.abs(value - 100) < 30, "noise of scale 1 on 100 people");
    }
    const csv = await browser.get("/console/apps/notes/releases.csv");
    assertEquals(csv.headers.get("content-disposition"), 'attachment; filename="releases-notes.csv"');
    const lines = (await csv.text()).trimEnd().split("\r\n");
    assertStringIncludes(lines[0]!, "day,query,event,cell,count,lower,upper");
    assertEquals(lines.filter((line) => line.includes(",saves,")).length, 2);
    assertStringIncludes(textOf(await browser.page("/console/apps/notes/privacy")), "18 of 21 epsilon left");
  });
});

Deno.test("an application that asks nothing says so", async () => {
  await withService({ ...OPERATED, config: configOf({ notes: testApplication }) }, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    assertStringIncludes(
      textOf(await browser.page("/console/apps/notes/releases")),
      "This application asks no question",
    );
  });
});

Deno.test("names and reasons with HTML in the store are shown as text on the pages of privacy and releases", async () => {
  const html = `</script><img src=x onerror="alert(1)">'&`;
  const escaped = "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;";
  await withService({ ...OPERATED, config: configOf({ notes: WITH_HISTORY }) }, async (test) => {
    await test.service.risk.open();
    await liveThroughDays(test, 1);
    await plantHtml(test, html);
    const browser = await new ConsoleBrowser(test).signIn();
    const privacy = await browser.page("/console/apps/notes/privacy");
    assert(
      privacy.split(escaped).length - 1 >= 3,
      "the decision's reason, the alert's event, field and reason",
    );
    const releases = await browser.page("/console/apps/notes/releases");
    assert(releases.split(escaped).length - 1 >= 5, "the question, its event, its field, and the cell");
    for (const page of [privacy, releases]) assert(!page.includes("<img"), "HTML went through");
    // The figure behind the plot is JSON that ends no script.
    const figures = [...releases.matchAll(/<script type="application\/json"[^>]*>([\s\S]*?)<\/script>/g)]
      .map(([, json]) => JSON.parse(json!));
    assert(figures.some(({ series }) => series.some(([label]: [string]) => label === html)));
  });
});
