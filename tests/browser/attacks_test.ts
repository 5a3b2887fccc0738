import { assert, assertEquals } from "@std/assert";
import { SESSION_SECONDS } from "../../edge/auth/console_sessions.ts";
import { READER_TOKEN } from "../support/browser/console_browser.ts";
import { browserTest } from "../support/browser/chromium.ts";
import { signInWith } from "../support/browser/demo_console.ts";
import { fetchKeys } from "../support/client/protocol_client.ts";
import { withServedConsole } from "../support/browser/served_console.ts";

/** A page of somebody else, which does what it can with the session of whoever opens it. */
const evilPage = (target: string) =>
  `<!doctype html>
  <iframe src="${target}/console"></iframe>
  <form method="post" action="${target}/console/apps/notes/keys/rotate"><input name="reason" value="x"></form>
  <script>
    fetch("${target}/console", { credentials: "include" }).then((r) => r.text()).then(
      (text) => document.title = "read " + text.length, () => document.title = "not read");
  </script>`;

browserTest(
  "another site can neither read nor frame the console, nor act with an operator's session",
  async ({
    context,
    page,
  }) => {
    await withServedConsole(0, async ({ test, url, link }) => {
      await signInWith(page, link);
      // To browsers 127.0.0.1 is another site than localhost.
      const evil = Deno.serve(
        { port: 0, hostname: "127.0.0.1", onListen() {} },
        () => new Response(evilPage(url), { headers: { "content-type": "text/html" } }),
      );
      try {
        const other = await context.newPage();
        await other.goto(`http://127.0.0.1:${evil.addr.port}/`);
        await other.waitForFunction("document.title.length > 0");
        assertEquals(await other.title(), "not read");
        assertEquals(
          await other.frameLocator("iframe").getByRole("heading", { name: "Overview" }).count(),
          0,
        );
        const [answer] = await Promise.all([
          other.waitForResponse((response) => response.url().endsWith("/keys/rotate")),
          other.evaluate("document.forms[0].submit()"),
        ]);
        assert([401, 403].includes(answer.status()), String(answer.status()));
        // The operator is still signed in, and nothing was done in their name.
        await page.reload();
        await page.getByRole("heading", { name: "Overview" }).waitFor();
        assert((await fetchKeys(test.send)).every(({ generation }) => generation === 0));
        assert(
          (await test.service.auditLog.latest(10)).every((entry) =>
            "action" in entry && entry.action === "sign in"
          ),
        );
      } finally {
        await evil.shutdown();
      }
    });
  },
);

browserTest("a session that has run out leads to the sign-in, and does nothing more", async ({ page }) => {
  await withServedConsole(0, async ({ test, url, link }) => {
    await signInWith(page, link);
    await page.goto(`${url}/console/apps/notes/keys/rotate`);
    await page.getByLabel("Reason").fill("Too late");
    test.clock.seconds += SESSION_SECONDS + 1;
    await page.getByRole("button", { name: "Rotate now" }).click();
    await page.getByText("Your session has ended: sign in again.").waitFor();
    assert((await fetchKeys(test.send)).every(({ generation }) => generation === 0));
    await page.getByRole("link", { name: "To the console" }).click();
    await page.getByRole("heading", { name: "DIT console" }).waitFor();
  });
});

browserTest("a reader sees the alarm and no button that acts", async ({ page, faults }) => {
  await withServedConsole(1, async ({ url }) => {
    await signInWith(page, `${url}/console/sign-in#token=${READER_TOKEN}`);
    await page.getByText("(may look, not act)").waitFor();
    await page.goto(`${url}/console/apps/notes/privacy`);
    await page.getByText("One collection is stopped").waitFor();
    assertEquals(await page.getByRole("button").allInnerTexts(), ["Sign out"]);
    assertEquals(await page.getByRole("link", { name: /Lift|Rotate|Revoke/ }).count(), 0);
    await page.goto(`${url}/console/apps/notes/keys`);
    await page.getByText("issuing", { exact: true }).first().waitFor();
    assertEquals(await page.getByRole("link", { name: /Lift|Rotate|Revoke/ }).count(), 0);
    assertEquals(faults, []);
  });
});
