/** Signing in at an identity provider in a real browser: TLS, HTTP/2, cookies of production, a phone and a desk. */
import { assert, assertEquals } from "@std/assert";
import { assertAccessible, browserTest } from "../support/browser/chromium.ts";
import { startOidcProvider } from "../support/service/oidc_provider.ts";
import { operatorEntries } from "../support/service/operators.ts";
import { configOf, withService } from "../support/service/service.ts";
import { serveOverTls } from "../support/service/tls_socket.ts";

const SCREENSHOTS = new URL("../../screenshots/", import.meta.url).pathname;
/** What stands in the audit log of somebody whose name is long, turns the text around and looks like another's. */
const LONG = `\u202e\u0430dmin-${"x".repeat(150)}`;

browserTest(
  "an operator signs in at their provider over HTTP/2, acts, and stands in the audit log",
  async ({ page, context, faults }) => {
    await Deno.mkdir(SCREENSHOTS, { recursive: true });
    const provider = await startOidcProvider("dit-console");
    const oidc = {
      issuer: provider.issuer,
      clientId: "dit-console",
      clientSecret: undefined,
      entries: [...operatorEntries("admin", "group:keepers for notes"), ...operatorEntries("reader", "*")],
    };
    try {
      await withService({ operators: { oidc }, config: configOf({ notes: {}, vault: {} }) }, async (test) => {
        test.clock.seconds = Math.floor(Date.now() / 1000);
        await test.maintain();
        await using server = await serveOverTls(test);
        const url = `https://${server.host}`;
        for (const [width, sub] of [[390, LONG], [1440, "00u1a2b3"]] as const) {
          provider.claims = { sub, groups: ["keepers"] };
          await page.setViewportSize({ width, height: 900 });
          await page.goto(`${url}/console/sign-in`);
          const protocol = await page.evaluate(
            "performance.getEntriesByType('navigation')[0].nextHopProtocol",
          );
          assertEquals(protocol, "h2");
          const look = async (name: string) => {
            const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
            assert(overflow <= 0, `${name} is ${overflow} px too wide at ${width}`);
            await assertAccessible(page, `${name} ${width}`);
            await page.screenshot({ path: `${SCREENSHOTS}oidc-${name}-${width}.png`, fullPage: true });
          };
          await look("sign-in");
          await page.getByRole("link", { name: "Sign in with your organisation" }).click();
          await page.getByRole("heading", { name: "Overview" }).waitFor();
          const cookies = (await context.cookies()).map((
            { name, path, secure, httpOnly, sameSite },
          ) => [name, path, secure, httpOnly, sameSite]);
          assertEquals(cookies, [["__Host-dit_console", "/", true, true, "Strict"]]);
          await page.goto(`${url}/console/apps/notes/keys`);
          await page.getByText("Rotate now").click();
          await page.getByLabel("Reason").fill("A drill");
          await page.getByLabel("Reason").press("Enter");
          await page.getByRole("heading", { name: "Keys of notes" }).waitFor();
          await page.goto(`${url}/console/apps/vault/keys`);
          assertEquals(await page.getByText("Rotate now").count(), 0);
          await page.goto(`${url}/console/trail`);
          await page.getByText("group:keepers").first().waitFor();
          await look("trail");
          await page.getByRole("button", { name: "Sign out" }).click();
          await page.getByRole("heading", { name: "DIT console" }).waitFor();
          assertEquals(await context.cookies(), []);
        }
        assertEquals(faults, []);
      });
    } finally {
      await provider.stop();
    }
  },
  { ignoreHTTPSErrors: true },
);
