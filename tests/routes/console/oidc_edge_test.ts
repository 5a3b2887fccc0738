/** What stands around the sign-in at the identity provider: HTTP/2, the throttle, the cookie, the audit log. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "node:http2";
import { ConsoleBrowser } from "../../support/browser/console_browser.ts";
import { type OidcProvider, startOidcProvider } from "../../support/service/oidc_provider.ts";
import { serveOverTls } from "../../support/service/tls_socket.ts";
import { operatorEntries } from "../../support/service/operators.ts";
import { configOf, type TestService, withService } from "../../support/service/service.ts";

interface Parts {
  readonly test: TestService;
  readonly provider: OidcProvider;
}

async function withProvider(run: (parts: Parts) => Promise<void>): Promise<void> {
  const provider = await startOidcProvider("dit-console");
  const oidc = {
    issuer: provider.issuer,
    clientId: "dit-console",
    clientSecret: undefined,
    entries: [
      ...operatorEntries("admin", "group:keepers for notes"),
      ...operatorEntries("reader", "*"),
    ],
  };
  try {
    await withService({ operators: { oidc }, config: configOf({ notes: {}, vault: {} }) }, async (test) => {
      test.clock.seconds = Math.floor(Date.now() / 1000);
      await run({ test, provider });
    });
  } finally {
    await provider.stop();
  }
}

async function signIn({ test, provider }: Parts): Promise<ConsoleBrowser> {
  const browser = new ConsoleBrowser(test);
  const { pathname, search } = await provider.signIn(
    (await browser.get("/console/sign-in/oidc")).headers.get("location")!,
  );
  await browser.page(pathname + search);
  return browser;
}

Deno.test("over HTTP/2 the provider is told the host to send the browser back to", async () => {
  await withProvider(async ({ test }) => {
    await using server = await serveOverTls(test);
    const { host } = server;
    const session = connect(`https://${host}`, { ca: server.authority });
    try {
      const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const stream = session.request({ ":path": "/console/sign-in/oidc" });
        stream.on("response", resolve).on("error", reject);
        stream.resume();
        stream.end();
      });
      assertEquals(headers[":status"], 303);
      const { searchParams } = new URL(String(headers.location));
      assertEquals(searchParams.get("redirect_uri"), `https://${host}/console/sign-in/callback`);
    } finally {
      session.close();
    }
  });
});

Deno.test("starts and returns of sign-ins are throttled by network, and keep nobody's token out", async () => {
  await withProvider(async ({ test, provider }) => {
    const attacker = new ConsoleBrowser(test, "198.51.100.7");
    for (const path of ["/console/sign-in/oidc", "/console/sign-in/callback?code=x&state=y"]) {
      const statuses = new Set<number>();
      for (let times = 0; times < 40; times++) {
        const response = await attacker.get(path);
        statuses.add(response.status);
        if (response.status === 429) assert(Number(response.headers.get("retry-after")) > 0);
        await response.body?.cancel();
      }
      assert(statuses.has(429), path);
    }
    assertEquals((await attacker.post("/console/sign-in", { token: "x" })).status, 401);
    await signIn({ test, provider });
  });
});

Deno.test("both cookies are of this host alone, and a long subject leaves them short", async () => {
  await withProvider(async ({ test, provider }) => {
    provider.claims = { sub: "x".repeat(100_000), groups: ["keepers", ...Array(500).fill("y".repeat(100))] };
    const browser = new ConsoleBrowser(test);
    const start = await browser.get("/console/sign-in/oidc");
    const { pathname, search } = await provider.signIn(start.headers.get("location")!);
    const end = await browser.get(pathname + search);
    for (const cookie of [...start.headers.getSetCookie(), ...end.headers.getSetCookie()]) {
      assert(/^__Host-dit_(?:console|sign_in)=/.test(cookie), cookie);
      assert(cookie.includes("Path=/;") && cookie.includes("Secure") && !cookie.includes("Domain"), cookie);
      assert(cookie.length < 1_500, `${cookie.length} characters`);
    }
    assertStringIncludes(await browser.page("/console"), "SHA-256");
    assertStringIncludes(await browser.page("/console/apps/notes/keys"), "Rotate now");
    // A group's role holds for its applications; everybody's for all.
    assert(!(await browser.page("/console/apps/vault/keys")).includes("Rotate now"));
  });
});

Deno.test("the audit log says by what somebody is known and what lets them in, with nothing hidden in it", async () => {
  await withProvider(async ({ test, provider }) => {
    provider.claims = { sub: "\u202eadmin\u0430", groups: ["keepers"] };
    const browser = await signIn({ test, provider });
    const fields = { "form-token": await browser.formToken(), reason: "drill \u202e done" };
    assertEquals((await browser.post("/console/apps/notes/keys/rotate", fields)).status, 303);
    const entries = (await test.service.auditLog.latest(10)).flatMap((entry) =>
      "action" in entry ? [entry] : []
    );
    assertEquals(
      entries.map(({ operator, by, via }) => [operator, by, via]),
      Array(2).fill(["sub:\\u{202e}admin\\u{430}", "group:keepers", "console"]),
    );
    const html = await browser.page("/console/trail");
    assert(!html.includes("\u202e") && html.includes("drill \\u{202e} done"));
    assertStringIncludes(html, "group:keepers");
    // An entry of before, which says what a provider said.
    await test.service.auditLog.append({ operator: "\u202eb\u043eb", via: "console", action: "sign in" });
    assertStringIncludes(await browser.page("/console/trail"), "\\u{202e}b\\u{43e}b");
  });
});

Deno.test("who is no operator leaves an attempt in the audit log", async () => {
  const provider = await startOidcProvider("dit-console");
  const oidc = {
    issuer: provider.issuer,
    clientId: "dit-console",
    clientSecret: undefined,
    entries: operatorEntries("admin", "email:alice@example.com"),
  };
  try {
    await withService({ operators: { oidc } }, async (test) => {
      test.clock.seconds = Math.floor(Date.now() / 1000);
      provider.claims = { sub: "alice@example.com" };
      for (let times = 0; times < 2; times++) {
        const browser = new ConsoleBrowser(test);
        const start = await browser.get("/console/sign-in/oidc");
        const { pathname, search } = await provider.signIn(start.headers.get("location")!);
        assertEquals((await browser.get(pathname + search)).status, 403);
      }
      const entries = await test.service.auditLog.latest(10);
      assertEquals(
        entries.map((entry) => "action" in entry && [entry.operator, entry.action, entry.refused]),
        [["sub:alice@example.com", "sign in", "role_insufficient"]],
      );
    });
  } finally {
    await provider.stop();
  }
});
