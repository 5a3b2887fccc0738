/** Identity providers that do not do their part: giant, slow, broken and contradictory answers. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { OidcSignIn } from "../../../edge/auth/oidc.ts";
import { type OidcProvider, startOidcProvider } from "../../support/service/oidc_provider.ts";
import { operatorEntries } from "../../support/service/operators.ts";

const CLIENT = "dit-console";
const BACK = "https://telemetry.example/console/sign-in/callback";
const DISCOVERY = "/.well-known/openid-configuration";
const MIB = 1024 * 1024;

interface Parts {
  readonly provider: OidcProvider;
  /** A console that has asked the provider nothing yet. */
  readonly fresh: () => OidcSignIn;
  readonly asked: string[];
}

async function withProvider(run: (parts: Parts) => Promise<void>): Promise<void> {
  const provider = await startOidcProvider(CLIENT);
  const asked: string[] = [];
  const settings = {
    issuer: provider.issuer,
    clientId: CLIENT,
    clientSecret: undefined,
    entries: operatorEntries("admin", "sub:1"),
  };
  const counted: typeof fetch = (input, init) => {
    asked.push(new URL(String(input)).pathname);
    return fetch(input, init);
  };
  try {
    await run({
      provider,
      asked,
      fresh: () => new OidcSignIn(settings, { fetch: counted, deadlineMs: 300, now: () => 0 }),
    });
  } finally {
    await provider.stop();
  }
}

/** A whole sign-in; undefined, or the code of its refusal. */
async function signIn(console: OidcSignIn, provider: OidcProvider): Promise<string | undefined> {
  try {
    const { url, pending } = await console.begin(BACK);
    const { searchParams } = await provider.signIn(url.href);
    await console.finish(searchParams, pending, BACK);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    assert(!/[{}]|http|code=|\bat \//.test(error.message), error.message);
    return error.code;
  }
}

/** An endless answer, and how much of it was taken. */
function endless(type = "application/json") {
  const taken = { bytes: 0 };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      taken.bytes += 64 * 1024;
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
  return { taken, response: () => new Response(stream, { headers: { "content-type": type } }) };
}

/** Spaces that are little on the wire. */
async function bomb(): Promise<Response> {
  const spaces = new Blob([new Uint8Array(64 * MIB).fill(0x20)]).stream();
  const body = await new Response(spaces.pipeThrough(new CompressionStream("gzip"))).bytes();
  return new Response(body, { headers: { "content-type": "application/json", "content-encoding": "gzip" } });
}

const json = (value: unknown, status = 200) => Response.json(value, { status });
const pages = [DISCOVERY, "/token", "/jwks"];

for (const page of pages) {
  Deno.test(`an answer without end at ${page} is read no further than a bound, and is a 503`, async () => {
    await withProvider(async ({ provider, fresh }) => {
      const { taken, response } = endless();
      provider.instead = (path) => path === page ? response() : undefined;
      assertEquals(await signIn(fresh(), provider), "sessions_unavailable");
      assert(taken.bytes < 32 * MIB, `${taken.bytes} bytes were taken`);
      provider.instead = (path) => path === page ? bomb() : undefined;
      assertEquals(await signIn(fresh(), provider), "sessions_unavailable");
    });
  });

  Deno.test(`whatever makes no sense at ${page} is a 503 with its code`, async () => {
    await withProvider(async ({ provider, fresh }) => {
      const answers: (() => Response)[] = [
        () => new Response("<html>", { headers: { "content-type": "text/html" } }),
        () => new Response("{", { headers: { "content-type": "application/json" } }),
        () => json(null),
        () => json([]),
        () => json({}),
        () => json({ error: "server_error" }, 500),
        () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } }),
        () => new Response(null, { status: 204 }),
        () => json({ access_token: 7, token_type: {}, id_token: [] }),
        () => json({ issuer: 7, authorization_endpoint: 7, token_endpoint: 7, jwks_uri: 7 }),
        () => json({ issuer: provider.issuer, authorization_endpoint: "javascript:alert(1)" }),
        () => json({ issuer: provider.issuer, authorization_endpoint: "no URL" }),
        () => json({ issuer: "https://another.example", authorization_endpoint: "https://another.example/" }),
        () => json({ keys: "none" }),
      ];
      for (const [index, answer] of answers.entries()) {
        provider.instead = (path) => path === page ? answer() : undefined;
        assertEquals(await signIn(fresh(), provider), "sessions_unavailable", `answer ${index}`);
      }
      provider.instead = () => undefined;
      assertEquals(await signIn(fresh(), provider), undefined);
    });
  });

  Deno.test(`an answer at ${page} that drips or never comes is a 503`, async () => {
    await withProvider(async ({ provider, fresh }) => {
      const left = new AbortController();
      const drips = () =>
        new ReadableStream<Uint8Array<ArrayBuffer>>({
          async pull(controller) {
            if (left.signal.aborted) return controller.close();
            controller.enqueue(new Uint8Array([0x20]));
            await new Promise((resolve) => setTimeout(resolve, 20));
          },
        });
      const headers = { "content-type": "application/json" };
      provider.instead = (path) => path === page ? new Response(drips(), { headers }) : undefined;
      assertEquals(await signIn(fresh(), provider), "sessions_unavailable");
      const never = new Promise<Response>((resolve) =>
        left.signal.addEventListener("abort", () => resolve(json({})))
      );
      provider.instead = (path) => path === page ? never : undefined;
      assertEquals(await signIn(fresh(), provider), "sessions_unavailable");
      left.abort();
      await never;
    });
  });
}

Deno.test("a code that the provider refuses signs nobody in, and a console that it refuses is its operator's fault", async () => {
  await withProvider(async ({ provider, fresh }) => {
    for (
      const [error, code] of [
        ["invalid_grant", "admin_token_invalid"],
        ["invalid_client", "sessions_unavailable"],
        ["unauthorized_client", "sessions_unavailable"],
      ] as const
    ) {
      provider.instead = (path) => path === "/token" ? json({ error }, 400) : undefined;
      assertEquals(await signIn(fresh(), provider), code, error);
    }
  });
});

Deno.test("a challenge to the console, and a set without the key of an ID token, are no fault of who signs in", async () => {
  await withProvider(async ({ provider, fresh }) => {
    const challenge = () =>
      new Response(JSON.stringify({ error: "invalid_client" }), {
        status: 401,
        headers: { "content-type": "application/json", "www-authenticate": 'Basic realm="op"' },
      });
    const point = "A".repeat(43);
    const keySets = [
      { keys: [] },
      { keys: [{ kty: "EC", crv: "P-256", kid: "another", x: point, y: point }] },
      { keys: [{ kty: "EC", crv: "P-256", kid: "1", alg: "ES256", use: "sig", x: point, y: point }] },
      { keys: [{ kty: "EC", crv: "P-256", kid: "1", alg: "ES256", use: "sig", x: "!", y: 7 }] },
    ];
    provider.instead = (path) => path === "/token" ? challenge() : undefined;
    assertEquals(await signIn(fresh(), provider), "sessions_unavailable");
    for (const [index, keySet] of keySets.entries()) {
      provider.instead = (path) => path === "/jwks" ? json(keySet) : undefined;
      assertEquals(await signIn(fresh(), provider), "sessions_unavailable", `set ${index}`);
    }
  });
});

Deno.test("a return with an error is the person's where they were not let in, and the provider's where it failed", async () => {
  await withProvider(async ({ fresh }) => {
    for (
      const [error, code] of [
        ["access_denied", "admin_token_invalid"],
        ["login_required", "admin_token_invalid"],
        ["consent_required", "admin_token_invalid"],
        ["server_error", "sessions_unavailable"],
        ["temporarily_unavailable", "sessions_unavailable"],
        ["unauthorized_client", "sessions_unavailable"],
        ["invalid_scope", "sessions_unavailable"],
      ] as const
    ) {
      const console = fresh();
      const { pending } = await console.begin(BACK);
      const back = new URLSearchParams({ error, state: pending.state });
      const refused = await assertRejects(() => console.finish(back, pending, BACK), Refusal);
      assertEquals(refused.code, code, error);
    }
  });
});

Deno.test("many who want to sign in have a provider that fails asked once in five seconds", async () => {
  await withProvider(async ({ provider, asked, fresh }) => {
    provider.faults.down = true;
    const console = fresh();
    await Promise.all(Array.from({ length: 20 }, () => assertRejects(() => console.begin(BACK), Refusal)));
    await assertRejects(() => console.begin(BACK), Refusal);
    assertEquals(asked, [DISCOVERY]);
  });
});
