import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SIGN_IN_SECONDS } from "../../../edge/auth/console_sessions.ts";
import { ConsoleBrowser } from "../../support/browser/console_browser.ts";
import { type OidcProvider, startOidcProvider } from "../../support/service/oidc_provider.ts";
import { operatorEntries as entries } from "../../support/service/operators.ts";
import { type TestService, withService } from "../../support/service/service.ts";

const CLIENT = "dit-console";
const SECRET = "secret-of-the-console-at-the-provider";

const ADMINS = ["email:alice@example.com", "sub:subject-7", "group:keepers"];

async function withProvider(
  run: (parts: { test: TestService; provider: OidcProvider; browser: ConsoleBrowser }) => Promise<void>,
  isPublic = false,
): Promise<void> {
  const secret = isPublic ? undefined : SECRET;
  const provider = await startOidcProvider(CLIENT, secret);
  const oidc = {
    issuer: provider.issuer,
    clientId: CLIENT,
    clientSecret: secret,
    entries: [
      ...entries("admin", ...ADMINS),
      ...entries("reader", "email:bob@example.com"),
      ...entries("analyst", "group:analysts"),
    ],
  };
  try {
    await withService({ operators: { oidc } }, async (test) => {
      // The provider's clock is the real one.
      test.clock.seconds = Math.floor(Date.now() / 1000);
      await run({ test, provider, browser: new ConsoleBrowser(test) });
    });
  } finally {
    await provider.stop();
  }
}

/** Starts at the console; gives the path and query with which the provider sends the browser back. */
async function goAndComeBack(browser: ConsoleBrowser, provider: OidcProvider): Promise<string> {
  const response = await browser.get("/console/sign-in/oidc");
  assertEquals(response.status, 303);
  const back = await provider.signIn(response.headers.get("location")!);
  assertEquals(back.origin + back.pathname, "https://telemetry.example/console/sign-in/callback");
  return back.pathname + back.search;
}

Deno.test("an operator signs in at the identity provider, with the role that the settings give", async () => {
  for (const isPublic of [false, true]) {
    await withProvider(async ({ test, provider, browser }) => {
      assertStringIncludes(await browser.page("/console/sign-in"), "Sign in with your organisation");
      provider.claims = { sub: "1", email: "alice@example.com", email_verified: true };
      // A redirect would come without the Strict cookie; the page goes on by itself.
      const page = await browser.page(await goAndComeBack(browser, provider));
      assertStringIncludes(page, 'content="0; url=/console"');
      assertStringIncludes(await browser.page("/console"), "alice@example.com");
      assertStringIncludes(await browser.page("/console/apps/notes/keys"), "Rotate now");
      const [signedIn] = await test.service.auditLog.latest(1);
      assert(
        "action" in signedIn! && signedIn.operator === "email:alice@example.com" &&
          signedIn.action === "sign in",
      );

      const reader = new ConsoleBrowser(test);
      provider.claims = { sub: "2", email: "bob@example.com", email_verified: true };
      await reader.page(await goAndComeBack(reader, provider));
      assert(!(await reader.page("/console/apps/notes/keys")).includes("Rotate now"));

      const bySubject = new ConsoleBrowser(test);
      provider.claims = { sub: "subject-7" };
      await bySubject.page(await goAndComeBack(bySubject, provider));
      assertStringIncludes(await bySubject.page("/console/apps/notes/keys"), "Rotate now");
    }, isPublic);
  }
});

Deno.test("a group of the provider has a role, and nobody who only has its name", async () => {
  await withProvider(async ({ test, provider }) => {
    const signIn = async (claims: Record<string, unknown>) => {
      const browser = new ConsoleBrowser(test);
      provider.claims = { sub: "3", ...claims };
      const { status } = await browser.get(await goAndComeBack(browser, provider));
      return { browser, status };
    };
    const { browser: keeper } = await signIn({ groups: ["analysts", "keepers"] });
    assertStringIncludes(await keeper.page("/console/apps/notes/keys"), "Rotate now");
    const { browser: analyst } = await signIn({ groups: ["others", "analysts"] });
    assertStringIncludes(await analyst.page("/console/apps/notes/releases"), "sees releases and schemas");
    assertEquals((await analyst.get("/console/apps/notes/keys")).status, 403);
    for (
      const claims of [
        { groups: "analysts" },
        { groups: { analysts: true } },
        { groups: [["analysts"]] },
        { groups: ["group:analysts"] },
        { sub: "group:analysts" },
        { sub: "analysts" },
        { email: "group:analysts", email_verified: true },
      ]
    ) {
      assertEquals((await signIn(claims)).status, 403, JSON.stringify(claims));
    }
  });
});

Deno.test("who is no operator, or whose address nobody verified, is signed in nowhere", async () => {
  await withProvider(async ({ provider, browser }) => {
    for (
      const claims of [
        { sub: "9", email: "mallory@example.com", email_verified: true },
        { sub: "9", email: "alice@example.com" },
        { sub: "9", email: "alice@example.com", email_verified: false },
        { sub: "9", email: "alice@example.com", email_verified: "true" },
        { sub: "alice@example.com" },
        { sub: "email:alice@example.com" },
        { sub: "alice@example.com", email: "mallory@example.com", email_verified: true },
        { sub: "9", email: "subject-7", email_verified: true },
        { sub: "9", groups: ["alice@example.com", "subject-7", "email:alice@example.com"] },
        { sub: "9", email: ["alice@example.com"], email_verified: true },
      ]
    ) {
      provider.claims = claims;
      const response = await browser.get(await goAndComeBack(browser, provider));
      assertEquals(response.status, 403, JSON.stringify(claims));
      assertStringIncludes(await response.text(), "is no operator of this service");
      assertEquals((await browser.get("/console")).status, 303);
    }
  });
});

Deno.test("an ID token that is not the provider's, not ours or not of this sign-in is refused", async () => {
  await withProvider(async ({ provider, browser }) => {
    provider.claims = { sub: "1", email: "alice@example.com", email_verified: true };
    for (const fault of ["signature", "nonce", "audience", "issuer"] as const) {
      provider.faults[fault] = true;
      const response = await browser.get(await goAndComeBack(browser, provider));
      assertEquals(response.status, 401, fault);
      const html = await response.text();
      assert(!html.includes("alice"));
      // What a code is called where a token is shown says nothing to whoever has none.
      assertStringIncludes(html, "<h1>You are not signed in</h1>");
      assertEquals((await browser.get("/console")).status, 303, fault);
      delete provider.faults[fault];
    }
    const made = { ...provider.claims };
    for (
      const claims of [
        { azp: "another" },
        { aud: [CLIENT, "another"], azp: "another" },
        { aud: [CLIENT, "another"] },
        { aud: [] },
      ]
    ) {
      provider.claims = { ...made, ...claims };
      const response = await browser.get(await goAndComeBack(browser, provider));
      assertEquals([response.status, (await response.text()).includes("alice")], [401, false]);
    }
    provider.claims = { ...made, aud: [CLIENT, "another"], azp: CLIENT };
    await browser.page(await goAndComeBack(browser, provider));
  });
});

Deno.test("an answer of the provider counts once, for the browser that asked, and not for long", async () => {
  await withProvider(async ({ test, provider, browser }) => {
    provider.claims = { sub: "1", email: "alice@example.com", email_verified: true };
    const back = await goAndComeBack(browser, provider);
    // Somebody else's browser, lured to the answer: it would be signed in as alice.
    const lured = new ConsoleBrowser(test);
    assertEquals((await lured.get(back)).status, 401);
    await lured.get("/console/sign-in/oidc");
    assertEquals((await lured.get(back)).status, 401, "another sign-in has another state");
    await browser.page(back);
    assertEquals((await browser.get(back)).status, 401, "the answer counted already");

    const late = new ConsoleBrowser(test);
    const lateBack = await goAndComeBack(late, provider);
    test.clock.seconds += SIGN_IN_SECONDS + 1;
    assertEquals((await late.get(lateBack)).status, 401);
    for (const query of ["", "?code=x", "?error=access_denied", "?code=x&state=y"]) {
      assertEquals((await browser.get(`/console/sign-in/callback${query}`)).status, 401, query);
    }
  });
});

Deno.test("a provider that does not answer is a 503, and the tokens still sign in", async () => {
  await withProvider(async ({ test, provider, browser }) => {
    provider.faults.down = true;
    const response = await browser.get("/console/sign-in/oidc");
    assertEquals([response.status, response.headers.get("retry-after")], [503, "5"]);
    assertEquals(test.answers.at(-1)?.code, "sessions_unavailable");
    assertStringIncludes(await response.text(), "The identity provider does not answer");
    provider.faults.down = false;
    assertEquals((await browser.get("/console/sign-in/oidc")).status, 503, "one that failed just now waits");
    test.clock.seconds += 5;
    assertEquals((await browser.get("/console/sign-in/oidc")).status, 303, "and it is asked again");
  });
});

Deno.test("without an identity provider there is no way to one", async () => {
  await withService({ operators: { adminTokenSha256: new Uint8Array(32) } }, async (test) => {
    const browser = new ConsoleBrowser(test);
    for (const path of ["/console/sign-in/oidc", "/console/sign-in/callback?code=x"]) {
      const response = await browser.get(path);
      assert(response.status === 404 || response.status === 303, path);
      await response.body?.cancel();
    }
    assert(!(await browser.page("/console/sign-in")).includes("organisation"));
  });
});
