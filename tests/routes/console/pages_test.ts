import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import { reasonOf } from "../../../routes/console/overview/reasons.ts";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import { scriptJson } from "../../../routes/console/frame/parts.tsx";
import { ConsoleBrowser, OPERATED } from "../../support/browser/console_browser.ts";
import { fetchTokens, logBody, signLog } from "../../support/client/protocol_client.ts";
import { configOf, testApplication, type TestService, withService } from "../../support/service/service.ts";

const PATHS = [
  ...PAGES.map(({ path }) => pathFor(path, "notes")),
  "/console/apps/notes/keys/rotate",
  "/console/apps/notes/privacy/lift/note_saved/ok",
];
const HTML = `<img src=x onerror="alert(1)">'"&`;
const ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&quot;&amp;";

/** Three accepted logs, one of them repeated, and refusals of two kinds. */
async function makeTraffic(test: TestService): Promise<void> {
  const jwt = await test.signIn("alice");
  const [token] = await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds });
  const logs = [0, 1, 2].map((use) => signLog(token!, { use }));
  for (const log of [...logs, logs[0]!]) {
    assertEquals((await test.send("/v1/apps/notes/logs", log)).status, 200);
  }
  const forged = { ...logs[0]!, body: logBody(token!) };
  for (let times = 0; times < 4; times++) {
    assertEquals((await test.send("/v1/apps/notes/logs", forged)).status, 401);
  }
  const other = signLog(token!, { use: 0 });
  assertEquals((await test.send("/v1/apps/notes/logs", other)).status, 409);
}

Deno.test("the overview says without a script how many logs were refused, and why", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const before = await browser.page("/console");
    assertStringIncludes(before, "Nothing was refused in the last 24 hours.");
    assertStringIncludes(before, "No log has arrived in the last 24 hours.");
    await makeTraffic(test);
    for (let times = 0; times < 2; times++) {
      const headers = { "content-type": "application/private-token-amortized-batch-request" };
      assertEquals((await test.send("/v1/apps/notes/tokens", { method: "POST", headers })).status, 401);
    }
    const page = await browser.page("/console");
    const text = page.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
    assertStringIncludes(
      text,
      "&lt; 10 logs were refused in the last 24 hours. &lt; 10 other requests were refused too.",
    );
    assertStringIncludes(text, "Not signed in session_invalid");
    assertStringIncludes(text, "Forged or altered log mac_invalid");
    assertStringIncludes(text, "Nothing was stored. log possible attack &lt; 10 &lt; 10");
    assertStringIncludes(text, "Use spent twice use_taken");
    assert(!text.includes("No log has arrived"));
    assertStringIncludes(text, "Logs accepted, 24 h &lt; 10");
    assertStringIncludes(text, "Logs refused, 24 h &lt; 10");
    assertStringIncludes(text, "Repeats recognised, 24 h &lt; 10");
    assertStringIncludes(text, "Tokens issued, 24 h &lt; 10");
    assertStringIncludes(text, "The store answers");
    assertStringIncludes(text, "Keys issue");
  });
});

Deno.test("every page keeps the browser to this site, in its headers and in what it loads", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    for (const path of ["/console/sign-in", ...PATHS]) {
      const response = await browser.get(path);
      const { headers } = response;
      assertEquals(
        headers.get("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
          "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("x-frame-options"), "DENY");
      assert(headers.get("strict-transport-security") !== null);
      const page = await response.text();
      assert(page.startsWith("<!DOCTYPE html>"), path);
      for (const [, url] of page.matchAll(/(?:src|href|action)="([^"]*)"/g)) {
        assert(/^(?:\/|#|data:,$)/.test(url!), `${path} points to ${url}`);
      }
      assert(!/ on[a-z]+=| style=|<style|<script(?![^>]*(?:src=|type="application\/json"))/.test(page), path);
      for (const [, url] of page.matchAll(/(?:src|rel="stylesheet" href)="(\/[^"]+)"/g)) {
        const asset = await browser.get(url!);
        assertEquals(asset.status, 200, url);
        const again = await browser.get(url!, { "if-none-match": asset.headers.get("etag")! });
        assertEquals(again.status, 304);
        assert(!(await asset.text()).includes("sourceMappingURL"), url);
      }
    }
  });
});

Deno.test("names and values with HTML in them are shown as text", async () => {
  const event = {
    ...testApplication.events.note_saved,
    description: HTML,
    purpose: HTML,
    owner: HTML,
    review: HTML,
  };
  const config = configOf({ notes: { events: { note_saved: event } } });
  await withService({ ...OPERATED, config }, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const schema = await browser.page("/console/apps/notes/schema");
    assertEquals(schema.split(ESCAPED).length - 1, 4);
    await browser.post("/console/apps/notes/keys/rotate", {
      "form-token": await browser.formToken(),
      reason: HTML,
    });
    await test.service.auditLog.append({ operator: HTML, via: "api", action: HTML, details: HTML });
    const auditLog = await browser.page("/console/trail");
    assertEquals(auditLog.split(ESCAPED).length - 1, 4);
    for (const page of [schema, auditLog]) assert(!page.includes("<img"), "HTML went through");
    const missing = await browser.get(`/console/apps/${encodeURIComponent(HTML)}/keys`);
    assertEquals(missing.status, 404);
    assert(!(await missing.text()).includes("<img"));
  });
});

Deno.test("a review that would run code is no link", async () => {
  const events = {
    one: { ...testApplication.events.app_opened, review: "javascript:alert(1)" },
    two: { ...testApplication.events.app_opened, review: "https://reviews.example/2" },
  };
  await withService({ ...OPERATED, config: configOf({ notes: { events } }) }, async (test) => {
    const page = await (await new ConsoleBrowser(test).signIn()).page("/console/apps/notes/schema");
    assert(!/href="javascript:/i.test(page));
    assertStringIncludes(page, 'href="https://reviews.example/2"');
  });
});

Deno.test("the schema page says what is stopped, over, and soon to be", async () => {
  const opened = testApplication.events.app_opened;
  const events = {
    lasting: opened,
    stopped: { ...opened, state: "stopped" as const },
    over: { ...opened, expires: "2027-01-14" },
    soon: { ...opened, expires: "2027-02-01" },
  };
  await withService({ ...OPERATED, config: configOf({ notes: { events } }) }, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const page = await browser.page("/console/apps/notes/schema");
    const badges = [...page.matchAll(/id="event-([a-z]+)"[\s\S]*?<span class="actions">([\s\S]*?)<p>/g)]
      .map(([, name, html]) => [name, html!.replace(/<[^>]+>/g, " ").trim().replace(/\s+/g, " ")]);
    assertEquals(badges, [
      ["lasting", "collected"],
      ["stopped", "stopped"],
      ["over", "expired"],
      ["soon", "expires soon collected"],
    ]);
    assert(
      /An event expires soon<\/a> <span[^>]*>notes: soon in 18 days</.test(await browser.page("/console")),
    );
  });
});

Deno.test("the keys page shows the life of every epoch, and which keys are destroyed", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const epoch = Math.floor(test.clock.seconds / 86_400);
    const states = async () =>
      [...(await browser.page("/console/apps/notes/keys")).matchAll(
        /<text[^>]*>([0-9.]+)<\/text><text[^>]*>([a-z]+)</g,
      )]
        .map(([, name, state]) => `${name} ${state}`);
    const ahead = (from: number) => [0, 1, 2].map((more) => `${from + more}.0 scheduled`);
    assertEquals(await states(), [`${epoch}.0 issuing`, ...ahead(epoch + 1)]);
    test.clock.seconds += 86_400;
    await test.maintain();
    await browser.signIn();
    assertEquals(await states(), [`${epoch}.0 redeeming`, `${epoch + 1}.0 issuing`, ...ahead(epoch + 2)]);
    assert(!(await browser.page("/console/apps/notes/keys")).includes("are destroyed"));
    test.clock.seconds += 86_400;
    await test.maintain();
    await browser.signIn();
    assertEquals(await states(), [
      `${epoch} destroyed`,
      `${epoch + 1}.0 redeeming`,
      `${epoch + 2}.0 issuing`,
      ...ahead(epoch + 3),
    ]);
    assertStringIncludes(
      await browser.page("/console/apps/notes/keys"),
      "their secrets were overwritten and deleted",
    );
  });
});

Deno.test("several applications can be told apart and chosen", async () => {
  await withService({ ...OPERATED, config: configOf({ notes: {}, vault: {} }) }, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    for (const [app, times] of [["notes", 1], ["vault", 12], ["nobody", 1]] as const) {
      for (let time = 0; time < times; time++) {
        await (await test.send(`/v1/apps/${app}/logs`, { method: "POST" })).body?.cancel();
      }
    }
    const overview = await browser.page("/console");
    assertStringIncludes(overview, "Applications");
    const rows = [
      ...overview.matchAll(
        /<code class="muted">([a-z_]+)<\/code>[\s\S]*?<td class="nowrap">([a-z]+)<\/td>[\s\S]*?<b>([^<]+)<\/b>/g,
      ),
    ];
    assertEquals(rows.map(([, code, app, count]) => [code, app, count]), [
      ["media_type", "vault", "12"],
      ["app_unknown", "none", "&lt; 10"],
      ["media_type", "notes", "&lt; 10"],
    ]);
    const keys = await browser.page("/console/apps/vault/keys");
    assertStringIncludes(keys, "Keys of vault");
    assertStringIncludes(keys, '<a href="/console/apps/notes/keys"');
    assertEquals((await browser.get("/console/apps/other/keys")).status, 404);
  });
});

Deno.test("the audit log's page shows one that was changed as such", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    await test.service.auditLog.append({ operator: "x", via: "api", action: "y" });
    await test.kv.delete(["u", 1]);
    assertStringIncludes(
      await browser.page("/console/trail"),
      "Somebody changed the store behind the service",
    );
  });
});

Deno.test("the audit log's page shows a hundred entries and the way to older ones", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    for (let act = 0; act < 120; act++) {
      const { number } = await test.service.auditLog.append({
        operator: "x",
        via: "api",
        action: `act ${act}`,
      });
      await test.service.auditLog.append({ of: number, outcome: "done" });
    }
    let path: string | undefined = "/console/trail";
    const seen: string[] = [];
    while (path !== undefined) {
      const page = await browser.page(path);
      seen.push(
        ...[...page.matchAll(/<b>(act [0-9]+)<\/b>[\s\S]*?class="badge ([a-z]+)"/g)].map(([, act, tone]) =>
          `${act} ${tone}`
        ),
      );
      path = /href="(\/console\/trail\/before\/[0-9]+)"/.exec(page)?.[1];
    }
    assertEquals(seen, Array.from({ length: 120 }, (_, index) => `act ${119 - index} good`));
  });
});

Deno.test("the live view sends what changes, and ends when the process stops", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const response = await browser.get("/console/live");
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let received = "";
    const nextMessage = async (): Promise<
      { parts: Record<string, string>; figures: Record<string, unknown> }
    > => {
      while (!received.includes("\n\n")) {
        const { value, done } = await reader.read();
        assert(!done, "the stream ended");
        received += value;
      }
      const [message, ...rest] = received.split("\n\n");
      received = rest.join("\n\n");
      return JSON.parse(/^data: (.*)$/m.exec(message!)![1]!);
    };
    const first = await nextMessage();
    assertStringIncludes(first.parts["overview-refusals"]!, "Nothing was refused");
    assert("figure-minutes" in first.figures);
    await makeTraffic(test);
    let message = await nextMessage();
    while (
      !("overview-refusals" in message.parts) ||
      !message.parts["overview-refusals"]!.includes("<b>&lt; 10</b>")
    ) {
      message = await nextMessage();
    }
    assert(!("overview-health" in message.parts), "what has not changed is not sent again");
    test.stopping.abort();
    let ended = false;
    while (!ended) ended = (await reader.read()).done;
  });
});

Deno.test("a few browsers may watch at once, and a place is free again when one leaves", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const watching = await Promise.all(Array.from({ length: 32 }, () => browser.get("/console/live")));
    assertEquals(watching.map(({ status }) => status), Array(32).fill(200));
    const tooMany = await browser.get("/console/live");
    assertEquals(tooMany.status, 429);
    await tooMany.body?.cancel();
    await watching[0]!.body!.cancel();
    let status = 429;
    for (let attempt = 0; status === 429 && attempt < 1_200; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const next = await browser.get("/console/live");
      status = next.status;
      await next.body?.cancel();
    }
    assertEquals(status, 200);
    test.stopping.abort();
    await Promise.all(watching.slice(1).map((response) => response.text()));
  });
});

Deno.test("reasonOf() has words for every code", () => {
  for (const code of Object.keys(PROBLEMS)) {
    assert(reasonOf(code).what !== "Other", code);
  }
  assertEquals(reasonOf("constructor").what, "Other");
});

Deno.test("scriptJson() is JSON that ends no script", () => {
  const value = { a: "</script><!--", b: ["&lt;", "\u2028"] };
  assert(!/[<>&]/.test(scriptJson(value)));
  assertEquals(JSON.parse(scriptJson(value)), value);
});
