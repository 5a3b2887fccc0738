import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pathFor } from "../../../routes/console/frame/page.ts";
import { PAGES } from "../../../routes/console/pages.ts";
import { ConsoleBrowser, OPERATED, READER_TOKEN } from "../../support/browser/console_browser.ts";
import { fetchKeys } from "../../support/client/protocol_client.ts";
import { type TestService, withService } from "../../support/service/service.ts";

const ROTATE = "/console/apps/notes/keys/rotate";

async function generations(test: TestService): Promise<number[]> {
  const keys = await fetchKeys(test.send);
  const { epoch } = keys[0]!;
  return keys.filter((key) => key.epoch === epoch).map(({ generation }) => generation);
}

async function actions(test: TestService): Promise<Record<string, unknown>[]> {
  return (await test.service.auditLog.latest(100)).filter((entry) =>
    "action" in entry && entry.action !== "sign in"
  )
    .reverse().map(({ number: _n, atSeconds: _a, previous: _p, digest: _d, ...content }) => content);
}

Deno.test("a key is rotated after a confirmation, and the audit log says who, what and why", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const page = await browser.page(ROTATE);
    assertStringIncludes(page, "Rotate the key of notes?");
    assertEquals(await generations(test), [0], "looking changes nothing");
    const response = await browser.post(ROTATE, {
      "form-token": await browser.formToken(ROTATE),
      reason: "Quarterly drill",
    });
    assertEquals([response.status, response.headers.get("location")], [303, "/console/apps/notes/keys"]);
    assertEquals(await generations(test), [0, 1]);
    // What a browser sends again, when it is reloaded, is the page's own form: it makes no other key.
    const fields = Object.fromEntries(
      [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)].map((
        [, name, value],
      ) => [name, value]),
    );
    for (let sent = 0; sent < 2; sent++) {
      assertEquals(
        (await browser.post(ROTATE, { ...fields, reason: "again" } as Record<string, string>)).status,
        303,
      );
    }
    assertEquals(await generations(test), [0, 1]);
    assertEquals((await actions(test)).slice(0, 1), [{
      operator: "token:admin",
      via: "console",
      action: "POST /admin/v1/apps/notes/keys/rotate",
      details: '{"reason":"Quarterly drill"}',
    }]);
    const auditLog = await browser.page("/console/trail");
    assertStringIncludes(auditLog, "Rotate the key of notes");
    assertStringIncludes(auditLog, "Quarterly drill");
    assertStringIncludes(auditLog, "The audit log is as it was written");
  });
});

Deno.test("keys are revoked after a confirmation, up to the generation that it names", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const epoch = (await fetchKeys(test.send))[0]!.epoch;
    const path = `/console/apps/notes/keys/revoke/${epoch}/0`;
    const token = await browser.formToken(path);
    assertEquals((await browser.post(path, { "form-token": token, reason: "Leaked" })).status, 303);
    assertEquals(await generations(test), [1]);
    // The same form again revokes nothing more.
    assertEquals((await browser.post(path, { "form-token": token, reason: "Leaked" })).status, 303);
    assertEquals(await generations(test), [1]);
    assertStringIncludes(
      await browser.page("/console/trail"),
      `Leaked (epoch ${epoch}, through-generation 0)`,
    );
    for (const wrong of [`revoke/${epoch}/x`, "revoke/-1/0", `revoke/${epoch}`, "revoke/1e9/0"]) {
      assertEquals((await browser.get(`/console/apps/notes/keys/${wrong}`)).status, 404, wrong);
    }
  });
});

Deno.test("what the service refuses is shown to the operator, and stands in the audit log", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const token = await browser.formToken();
    const post = (path: string, reason: string) => browser.post(path, { "form-token": token, reason });
    for (let made = 0; made < 2; made++) assertEquals((await post(ROTATE, "drill")).status, 303);
    const refused = await post(ROTATE, "once more");
    assertEquals(refused.status, 409);
    assertStringIncludes(await refused.text(), "Clients accept 2 replacements");
    assertStringIncludes(await browser.page("/console/trail"), "replacement_refused");
    const never = await post("/console/apps/notes/keys/revoke/1/0", "typo");
    assertEquals(never.status, 404);
    await never.body?.cancel();
    for (const reason of ["", "   ", "x".repeat(301)]) {
      const response = await post(ROTATE, reason);
      assertEquals(response.status, 400);
      await response.body?.cancel();
    }
    assertEquals((await post("/console/apps/none/keys/rotate", "x")).status, 404);
  });
});

Deno.test("an action needs the form token of its own session", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const other = await new ConsoleBrowser(test).signIn();
    const own = await browser.formToken();
    const wrong = [undefined, "", "x", own.slice(1), own + "x", await other.formToken()];
    for (const token of wrong) {
      const response = await browser.post(ROTATE, {
        reason: "x",
        ...(token === undefined ? {} : { "form-token": token }),
      });
      assertEquals(response.status, 403, String(token));
      assertStringIncludes(await response.text(), "does not come from the console");
    }
    const out = await browser.post("/console/sign-out", {});
    assertEquals(out.status, 403, "nor does another site sign anybody out");
    await out.body?.cancel();
    assertEquals([await generations(test), await actions(test)], [[0], []]);
  });
});

Deno.test("an action needs to come from this site, even with the right form token", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const fields = { "form-token": await browser.formToken(), reason: "x" };
    const strange: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "", origin: "https://telemetry.example.evil.example" },
      { "sec-fetch-site": "", origin: "" },
      { "content-type": "text/plain" },
      { "content-type": "multipart/form-data; boundary=x" },
    ];
    for (const headers of strange) {
      const response = await browser.post(ROTATE, fields, headers);
      assert(response.status === 403 || response.status === 415, JSON.stringify(headers));
      await response.body?.cancel();
    }
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      const response = await test.handle(
        new Request(`https://telemetry.example${ROTATE}`, {
          method,
          headers: { cookie: `__Host-dit_console=${browser.cookies.get("__Host-dit_console")!.value}` },
        }),
      );
      assert(response.status >= 400, method);
      await response.body?.cancel();
    }
    assertEquals([await generations(test), await actions(test)], [[0], []]);
  });
});

Deno.test("a reader looks at every page, sees no action, and can do none", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(READER_TOKEN);
    for (const path of PAGES.map((page) => pathFor(page.path, "notes"))) {
      const page = await browser.page(path);
      const forms = [...page.matchAll(/<form[^>]*action="([^"]+)"/g)].map((match) => match[1]);
      assertEquals(forms, ["/console/sign-out"], path);
      assert(!page.includes("Rotate now"), path);
    }
    const csv = await browser.get("/console/apps/notes/releases.csv");
    assertEquals([csv.status, csv.headers.get("content-type")], [200, "text/csv; charset=utf-8"]);
    await csv.body?.cancel();
    const epoch = (await fetchKeys(test.send))[0]!.epoch;
    const token = await browser.formToken();
    for (const path of [ROTATE, `/console/apps/notes/keys/revoke/${epoch}/0`]) {
      const response = await browser.post(path, { "form-token": token, reason: "x" });
      assertEquals(response.status, 403, path);
      assertStringIncludes(await response.text(), "You may look, and not act.");
    }
    // Nor with the token itself, nor with the session on the admin API.
    for (
      const headers of [
        { authorization: `Bearer ${READER_TOKEN}` },
        { cookie: `__Host-dit_console=${browser.cookies.get("__Host-dit_console")!.value}` },
      ]
    ) {
      const response = await test.send("/admin/v1/apps/notes/keys/rotate", { method: "POST", headers });
      assert(response.status === 403 || response.status === 401);
      await response.body?.cancel();
    }
    assertEquals(await generations(test), [0]);
    // None of it was done, and what was attempted is known, each once.
    assertEquals(
      (await test.service.auditLog.latest(10)).flatMap((entry) => "action" in entry ? [entry] : [])
        .map(({ operator, action, refused }) => [operator, action, refused]),
      [
        ["token:reader", `POST /admin/v1/apps/notes/keys/rotate`, "role_insufficient"],
        ["token:reader", "POST /console/apps/notes/keys/revoke/:epoch/:generation", "role_insufficient"],
        ["token:reader", `POST ${ROTATE}`, "role_insufficient"],
        ["token:reader", "sign in", undefined],
      ],
    );
    assertEquals((await browser.post("/console/sign-out", { "form-token": token })).status, 303);
  });
});

Deno.test("a session of the console opens no route but the console's", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn();
    const { value } = browser.cookies.get("__Host-dit_console")!;
    for (
      const headers of [{ cookie: `__Host-dit_console=${value}` }, { authorization: `Bearer ${value}` }]
    ) {
      for (const path of ["/admin/v1/trail", "/metrics", "/admin/v1/apps/notes/logs/2027-01-15"]) {
        const response = await test.send(path, { headers: headers as HeadersInit });
        assertEquals(response.status, 401, path);
        await response.body?.cancel();
      }
    }
  });
});
