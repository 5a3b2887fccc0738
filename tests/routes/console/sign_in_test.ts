import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import { SESSION_SECONDS } from "../../../edge/auth/console_sessions.ts";
import {
  ADMIN_TOKEN,
  ConsoleBrowser,
  OPERATED,
  READER_TOKEN,
} from "../../support/browser/console_browser.ts";
import { type TestService, withService } from "../../support/service/service.ts";

const COOKIE = "__Host-dit_console";

Deno.test("the console sends a visitor who is not signed in to the sign-in, and shows nothing", async () => {
  await withService(OPERATED, async (test) => {
    const browser = new ConsoleBrowser(test);
    for (
      const path of [
        ...PAGES.map((page) => pathFor(page.path, "notes")),
        "/console/apps/notes/releases.csv",
        "/console/apps/none/keys",
      ]
    ) {
      const response = await browser.get(path);
      assertEquals([response.status, response.headers.get("location")], [303, "/console/sign-in"], path);
      assertEquals(await response.text(), "");
    }
    for (
      const path of PAGES.flatMap(({ parts }) => parts === undefined ? [] : pathFor(parts.path, "notes"))
    ) {
      const live = await browser.get(path);
      assertEquals(live.status, 401, path);
      await live.body?.cancel();
    }
    const posted = await browser.post("/console/apps/notes/keys/rotate", { reason: "x" });
    assertEquals(posted.status, 401);
    await posted.body?.cancel();
  });
});

Deno.test("the admin token opens a session in a cookie of this host that neither scripts nor other sites see", async () => {
  await withService(OPERATED, async (test) => {
    const browser = new ConsoleBrowser(test);
    const response = await browser.post("/console/sign-in", { token: ADMIN_TOKEN });
    const cookie = response.headers.getSetCookie()[0]!;
    const [pair, ...attributes] = cookie.split("; ");
    assert(pair!.startsWith(`${COOKIE}=`));
    assertEquals(
      new Set(attributes),
      new Set([`Max-Age=${SESSION_SECONDS}`, "Path=/", "HttpOnly", "Secure", "SameSite=Strict"]),
    );
    assert(!cookie.includes(ADMIN_TOKEN));
    assertStringIncludes(await browser.page("/console"), "token:admin");
  });
});

Deno.test("a wrong token is refused, said so, and counted", async () => {
  await withService(OPERATED, async (test) => {
    const browser = new ConsoleBrowser(test);
    for (const token of ["", "wrong", ADMIN_TOKEN.slice(1), `${ADMIN_TOKEN} ${READER_TOKEN}`]) {
      const response = await browser.post("/console/sign-in", { token });
      assertEquals(response.status, 401);
      const text = await response.text();
      assertStringIncludes(text, "This is not the token.");
      assert(token === "" || !text.includes(token), "the page repeats what was typed");
    }
    assertEquals(browser.cookies.size, 0);
    assertEquals(test.answers.at(-1)?.code, "admin_token_invalid");
    assertEquals(await test.service.auditLog.latest(10), []);
  });
});

Deno.test("brute force meets the throttle after ten attempts, and only its own network does", async () => {
  await withService(OPERATED, async (test) => {
    const attacker = new ConsoleBrowser(test, "198.51.100.7");
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 15; attempt++) {
      const response = await attacker.post("/console/sign-in", { token: `guess ${attempt}` });
      statuses.push(response.status);
      if (response.status === 429) assert(Number(response.headers.get("retry-after")) > 0);
      await response.body?.cancel();
    }
    assertEquals(statuses, [...Array(10).fill(401), ...Array(5).fill(429)]);
    // A person reads why in a page; a script goes by the code as before.
    const shown = await attacker.post("/console/sign-in", { token: "" }, { accept: "text/html,*/*;q=0.8" });
    assertEquals([shown.status, shown.headers.get("content-type")], [429, "text/html; charset=utf-8"]);
    assertMatch(await shown.text(), /<p>[A-Z][^<]*Try again in [0-9]+ seconds\.<\/p>/);
    // Not even the right token is looked at now, from there.
    assertEquals((await attacker.post("/console/sign-in", { token: ADMIN_TOKEN })).status, 429);
    await new ConsoleBrowser(test, "203.0.113.9").signIn();
    // And a visitor who is signed in already goes on.
    assertEquals((await attacker.get("/console/sign-in")).status, 200);
  });
});

Deno.test("a session ends after its time, whatever the browser thinks", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    test.clock.seconds += SESSION_SECONDS - 1;
    await browser.page("/console");
    test.clock.seconds += 2;
    assertEquals((await browser.get("/console")).status, 303);
  });
});

Deno.test("signing out ends the session for a thief of its cookie", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const copied = new ConsoleBrowser(test);
    copied.cookies.set(COOKIE, { ...browser.cookies.get(COOKIE)! });
    await copied.page("/console");
    const other = await new ConsoleBrowser(test).signIn();
    const response = await browser.post("/console/sign-out", { "form-token": await browser.formToken() });
    assertEquals([response.status, response.headers.get("location")], [303, "/console/sign-in"]);
    assertEquals(browser.cookies.size, 0);
    assertEquals((await copied.get("/console")).status, 303);
    await other.page("/console");
    // What was ended is remembered for as long as it could be used, and no longer.
    await test.maintain();
    assertEquals((await copied.get("/console")).status, 303);
    const count = async () => (await Array.fromAsync(test.kv.list({ prefix: ["y"] }))).length;
    assertEquals(await count(), 1);
    test.clock.seconds += SESSION_SECONDS + 1;
    await test.maintain();
    assertEquals(await count(), 0);
  });
});

const ENDS = {
  "runs out": (test: TestService) => {
    test.clock.seconds += SESSION_SECONDS + 1;
    return Promise.resolve();
  },
  "is ended elsewhere": async (_test: TestService, browser: ConsoleBrowser) => {
    await browser.post("/console/sign-out", { "form-token": await browser.formToken() });
  },
};
for (const [how, end] of Object.entries(ENDS)) {
  Deno.test(`a live view ends with its session, which ${how}`, async () => {
    await withService(OPERATED, async (test) => {
      const browser = await new ConsoleBrowser(test).signIn();
      for (const path of ["/console/live", "/console/live/privacy/notes"]) {
        await browser.signIn();
        const reader = (await browser.get(path)).body!.getReader();
        assertEquals((await reader.read()).done, false, path);
        await end(test, browser);
        while (!(await reader.read()).done);
      }
    });
  });
}

Deno.test("a cookie that was altered, or signed elsewhere, is no session", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(READER_TOKEN);
    const { value, path } = browser.cookies.get(COOKIE)!;
    const [header, payload, signature] = value.split(".") as [string, string, string];
    // The places of the entries that mean them: analyst, reader, admin.
    const asAdmin = btoa(atob(payload).replace('"as":[1]', '"as":[2]')).replaceAll("=", "");
    assert(asAdmin !== payload);
    const none = btoa('{"alg":"none"}').replaceAll("=", "");
    for (
      const forged of [
        `${header}.${asAdmin}.${signature}`,
        `${none}.${asAdmin}.`,
        `${header}.${payload}.`,
        "x",
        "",
      ]
    ) {
      browser.cookies.set(COOKIE, { value: forged, path });
      assertEquals((await browser.get("/console")).status, 303, forged);
    }
    await withService(OPERATED, async (other) => {
      const there = await new ConsoleBrowser(other).signIn();
      browser.cookies.set(COOKIE, there.cookies.get(COOKIE)!);
    });
    // Both services of this test have the same key and the same operators: then a session holds in every process.
    await browser.page("/console");
    await withService(
      { operators: { ...OPERATED.operators, readerTokenSha256: new Uint8Array(32) } },
      async (changed) => {
        const there = new ConsoleBrowser(changed);
        there.cookies.set(COOKIE, browser.cookies.get(COOKIE)!);
        assertEquals((await there.get("/console")).status, 303, "new operators end old sessions");
      },
    );
  });
});

Deno.test("a form of another site signs nobody in", async () => {
  await withService(OPERATED, async (test) => {
    const browser = new ConsoleBrowser(test);
    for (
      const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "none" },
        { "sec-fetch-site": "", origin: "https://evil.example" },
        { "sec-fetch-site": "", origin: "null" },
        { "sec-fetch-site": "", origin: "" },
      ]
    ) {
      const response = await browser.post("/console/sign-in", { token: ADMIN_TOKEN }, headers);
      assertEquals(response.status, 403, JSON.stringify(headers));
      await response.body?.cancel();
    }
    assertEquals(browser.cookies.size, 0);
    // A browser too old to say where a request comes from at least names its origin.
    const old = await browser.post("/console/sign-in", { token: ADMIN_TOKEN }, { "sec-fetch-site": "" });
    assertEquals(old.status, 303);
  });
});

Deno.test("the console and the admin API are found on their own host alone, if they have one", async () => {
  await withService({ ...OPERATED, settings: { adminHost: "admin.example" } }, async (test) => {
    for (const path of ["/console", "/console/sign-in", "/admin/v1/trail", "/metrics"]) {
      const elsewhere = await test.handle(new Request(`https://telemetry.example${path}`));
      assertEquals(elsewhere.status, 404, path);
      await elsewhere.body?.cancel();
      const there = await test.handle(new Request(`https://admin.example${path}`, { redirect: "manual" }));
      assert(there.status !== 404, path);
      await there.body?.cancel();
    }
  });
});

Deno.test("without operators there is no console, no admin API and no metrics", async () => {
  await withService({}, async (test) => {
    for (
      const path of [
        "/console",
        "/console/sign-in",
        "/console/assets/console.css",
        "/admin/v1/trail",
        "/metrics",
      ]
    ) {
      const response = await test.send(path);
      assertEquals([response.status, (await response.json()).code], [404, "route_unknown"], path);
    }
  });
});
