/** Who may have tokens: every way in which a session can be wrong, under each kind of key. */
import { assertEquals } from "@std/assert";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import {
  BOTH_SUITES,
  configOf,
  SESSION_ISSUER,
  SESSION_SECRET,
  type TestService,
  withService,
} from "../../support/service/service.ts";

type SessionKey = ApplicationConfig["session"]["key"];

const b64url = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });

function configWith(key: SessionKey) {
  return configOf({ notes: { session: { issuer: SESSION_ISSUER, key } } });
}

async function fetchWith(test: TestService, authorization: string | undefined): Promise<RequestInit> {
  const key = await fetchIssuingKey(test.send, test.clock.seconds);
  const request = batchRequest(undefined, blindBatch(key, 1).request);
  return authorization === undefined
    ? request
    : { ...request, headers: { ...request.headers, authorization } };
}

/** Asserts that a session gives no tokens and writes nothing; gives the sentence that says why. */
async function assertNoTokens(test: TestService, authorization: string | undefined): Promise<string> {
  const request = await fetchWith(test, authorization);
  const problem = await assertRefusedUnwritten(test, [tokensPath(), request], 401, "session_invalid");
  const repeated = ["alice", SESSION_SECRET, ...(authorization ?? "").split(/[ .]/)]
    .filter((text) =>
      text.length > 4 && !"Authorization Bearer".includes(text) && problem.detail.includes(text)
    );
  assertEquals(repeated, []);
  return problem.detail;
}

async function assertTokens(test: TestService, jwt: string): Promise<void> {
  const response = await test.send(tokensPath(), await fetchWith(test, `Bearer ${jwt}`));
  assertEquals(response.status, 200, await response.text());
}

function claimsAt(test: TestService): Record<string, unknown> {
  const { seconds } = test.clock;
  return { iss: SESSION_ISSUER, aud: "notes", sub: "alice", iat: seconds, exp: seconds + 3_600 };
}

const EXPIRED = "The session's JWT has expired; sign in again.";
const SIGNATURE = "The signature of the session's JWT is invalid.";
const ALGORITHM = "The session's JWT is signed with an algorithm that is not allowed.";
const NO_BEARER = "The Authorization header is not a Bearer JWT.";
const claim = (name: string) => `The session's JWT does not satisfy the check of its "${name}" claim.`;

const wrongClaims: [what: string, claims: Record<string, unknown>, detail: string][] = [
  ["an exp that has passed", { exp: -31 }, EXPIRED],
  ["no exp", { exp: undefined }, claim("exp")],
  ["an exp that is a text", { exp: "never" }, claim("exp")],
  ["an nbf that is to come", { nbf: 31 }, claim("nbf")],
  ["another issuer", { iss: "https://evil.example" }, claim("iss")],
  ["no issuer", { iss: undefined }, claim("iss")],
  ["an issuer with a slash more", { iss: `${SESSION_ISSUER}/` }, claim("iss")],
  ["another application's audience", { aud: "vault" }, claim("aud")],
  ["no audience", { aud: undefined }, claim("aud")],
  ["a list of other audiences", { aud: ["vault", "notes-2"] }, claim("aud")],
  ["no subject", { sub: undefined }, claim("sub")],
  ["an empty subject", { sub: "" }, "The session's JWT has no usable subject."],
  ["a subject that is a number", { sub: 7 }, "The session's JWT has no usable subject."],
  ["a subject with a lone surrogate", { sub: "a\ud800" }, "The session's JWT has no usable subject."],
  ["a subject that ends in half a pair", { sub: "\ud83d" }, "The session's JWT has no usable subject."],
  ["a subject of 1025 characters", { sub: "a".repeat(1_025) }, "The session's JWT has no usable subject."],
];

for (const [what, claims, detail] of wrongClaims) {
  Deno.test(`POST tokens answers 401 session_invalid to a JWT with ${what}`, async () => {
    await withService({ config: BOTH_SUITES }, async (test) => {
      const given = Object.fromEntries(
        Object.entries(claims).map((
          [name, value],
        ) => [name, typeof value === "number" && name !== "sub" ? test.clock.seconds + value : value]),
      );
      const jwt = await test.signIn("alice", "notes", given);
      assertEquals(await assertNoTokens(test, `Bearer ${jwt}`), detail);
    });
  });
}

Deno.test("POST tokens takes a list of audiences that has the application, and a clock 30 s off", async () => {
  await withService({}, async (test) => {
    await assertTokens(test, await test.signIn("alice", "notes", { aud: ["x", "notes"] }));
    await assertTokens(test, await test.signIn("bob", "notes", { exp: test.clock.seconds - 29 }));
    await assertTokens(test, await test.signIn("carol", "notes", { nbf: test.clock.seconds + 30 }));
    await assertTokens(test, await test.signIn("a".repeat(1_024)));
  });
});

Deno.test("POST tokens answers 401 session_invalid to an Authorization that is no Bearer JWT", async () => {
  await withService({}, async (test) => {
    const jwt = await test.signIn("alice");
    const [header, payload, signature] = jwt.split(".");
    assertEquals(await assertNoTokens(test, undefined), "The session's JWT is missing.");
    for (
      const authorization of [
        "Bearer",
        "Bearer ",
        `Basic ${jwt}`,
        jwt,
        `Bearer ${jwt} `.trim() + ", Bearer x",
        `Bearer ${header}.${payload}`,
        `Bearer ${jwt}.${signature}`,
        `Bearer ${header}..${signature}`,
        `Bearer ${jwt}=`,
        `Bearer ${jwt}é`,
        `DIT key=${jwt}`,
      ]
    ) {
      assertEquals(await assertNoTokens(test, authorization), NO_BEARER, authorization.slice(0, 12));
    }
    const oversized = `Bearer ${header}.${payload}${"A".repeat(8 * 1024)}.${signature}`;
    assertEquals(await assertNoTokens(test, oversized), "The session's JWT is too long.");
    // The scheme's name is case-insensitive (RFC 9110, section 11.1).
    const response = await test.send(tokensPath(), await fetchWith(test, `bearer ${jwt}`));
    assertEquals(response.status, 200);
  });
});

Deno.test("POST tokens answers 401 session_invalid to a JWT that was changed or signed by somebody else", async () => {
  await withService({}, async (test) => {
    const [header, payload, signature] = (await test.signIn("alice")).split(".");
    const root = b64url({ ...claimsAt(test), sub: "root" });
    assertEquals(await assertNoTokens(test, `Bearer ${header}.${root}.${signature}`), SIGNATURE);
    assertEquals(await assertNoTokens(test, `Bearer ${header}.${payload}.AAAA`), SIGNATURE);
    assertEquals(await assertNoTokens(test, `Bearer ${header}.${payload}.`), SIGNATURE);
    const forged = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode("another secret that is also over 32 bytes"));
    assertEquals(await assertNoTokens(test, `Bearer ${forged}`), SIGNATURE);
  });
});

Deno.test("POST tokens answers 401 session_invalid to alg none and to every algorithm but the configured", async () => {
  await withService({}, async (test) => {
    const payload = b64url(claimsAt(test));
    for (const alg of ["none", "None", "NONE", ""]) {
      for (const signature of ["", "AAAA"]) {
        const detail = await assertNoTokens(
          test,
          `Bearer ${b64url({ alg, typ: "JWT" })}.${payload}.${signature}`,
        );
        assertEquals([ALGORITHM, "The session's JWT is malformed."].includes(detail), true, detail);
      }
    }
    const secret = new TextEncoder().encode(SESSION_SECRET.repeat(2));
    for (const alg of ["HS384", "HS512"]) {
      const jwt = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg }).sign(secret);
      assertEquals(await assertNoTokens(test, `Bearer ${jwt}`), ALGORITHM);
    }
    // A header that wants something understood that nobody here understands (RFC 7515, section 4.1.11).
    const critical = b64url({ alg: "HS256", crit: ["exp"], exp: 1 });
    const detail = await assertNoTokens(test, `Bearer ${critical}.${payload}.AAAA`);
    assertEquals(detail, "The session's JWT uses something that is not supported.");
  });
});

Deno.test("POST tokens verifies under a public key, and takes its text for no shared secret", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const pem = await exportSPKI(publicKey);
  await withService({ config: configWith({ kind: "public-key", algorithm: "ES256", pem }) }, async (test) => {
    const jwt = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
    await assertTokens(test, jwt);
    // Algorithm confusion: HS256 with the public key's text as the secret that everybody knows.
    for (const text of [pem, pem.trim(), pem.replaceAll("\n", "")]) {
      const confused = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(text));
      assertEquals(await assertNoTokens(test, `Bearer ${confused}`), ALGORITHM);
    }
    const stranger = await generateKeyPair("ES256");
    const forged = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "ES256" }).sign(
      stranger.privateKey,
    );
    assertEquals(await assertNoTokens(test, `Bearer ${forged}`), SIGNATURE);
    // A key that travels in the token itself is nobody's key (RFC 7515, section 4.1.3).
    const jwk = await exportJWK(stranger.publicKey);
    const carried = await new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "ES256", jwk })
      .sign(stranger.privateKey);
    assertEquals(await assertNoTokens(test, `Bearer ${carried}`), SIGNATURE);
  });
});

Deno.test("POST tokens holds a session to its greatest age where one is configured", async () => {
  const session = {
    issuer: SESSION_ISSUER,
    key: { kind: "hs256", secretEnv: "SESSION_SECRET" },
    maxAgeSeconds: 600,
  } as const;
  await withService({ config: configOf({ notes: { session } }) }, async (test) => {
    await assertTokens(test, await test.signIn("alice", "notes", { iat: test.clock.seconds - 600 }));
    const old = await test.signIn("alice", "notes", { iat: test.clock.seconds - 700 });
    assertEquals(await assertNoTokens(test, `Bearer ${old}`), EXPIRED);
    const ageless = await test.signIn("alice", "notes", { iat: undefined });
    assertEquals(await assertNoTokens(test, `Bearer ${ageless}`), claim("iat"));
  });
});

Deno.test("POST tokens asks for the audience that is configured", async () => {
  const session = {
    issuer: SESSION_ISSUER,
    audience: "telemetry",
    key: { kind: "hs256", secretEnv: "SESSION_SECRET" },
  } as const;
  await withService({ config: configOf({ notes: { session } }) }, async (test) => {
    await assertTokens(test, await test.signIn("alice", "telemetry"));
    assertEquals(await assertNoTokens(test, `Bearer ${await test.signIn("alice", "notes")}`), claim("aud"));
  });
});

/** An issuer of sessions with a key set on a local port. */
class Issuer {
  readonly #pairs = new Map<string, CryptoKeyPair>();
  published: JWK[] = [];
  fetches = 0;
  answer: "keys" | "500" | "not json" = "keys";
  readonly #server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    this.fetches++;
    if (this.answer === "500") return new Response("no", { status: 500 });
    if (this.answer === "not json") return new Response("<html>");
    return Response.json({ keys: this.published });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.#server.addr as Deno.NetAddr).port}/jwks.json`;
  }

  async makeKey(kid: string): Promise<JWK> {
    const pair = await generateKeyPair("ES256", { extractable: true }) as CryptoKeyPair;
    this.#pairs.set(kid, pair);
    return { ...await exportJWK(pair.publicKey), kid, use: "sig" };
  }

  sign(test: TestService, kid: string, header: Record<string, unknown> = {}): Promise<string> {
    return new SignJWT(claimsAt(test)).setProtectedHeader({ alg: "ES256", kid, ...header })
      .sign(this.#pairs.get(kid)!.privateKey);
  }

  stop(): Promise<void> {
    return this.#server.shutdown();
  }
}

async function withIssuer(run: (issuer: Issuer, test: TestService) => Promise<void>): Promise<void> {
  const issuer = new Issuer();
  const key = { kind: "jwks", url: issuer.url, algorithms: ["ES256"] } as const;
  try {
    await withService({ config: configWith(key) }, (test) => run(issuer, test));
  } finally {
    await issuer.stop();
  }
}

const NO_KEY = "No key of the issuer's key set fits the session's JWT.";

Deno.test("POST tokens verifies under the key of a key set that the JWT names, and fetches the set once", async () => {
  await withIssuer(async (issuer, test) => {
    issuer.published = [await issuer.makeKey("one"), await issuer.makeKey("two")];
    await assertTokens(test, await issuer.sign(test, "one"));
    await assertTokens(test, await issuer.sign(test, "two"));
    assertEquals(
      await assertNoTokens(test, `Bearer ${await issuer.sign(test, "one", { kid: "two" })}`),
      SIGNATURE,
    );
    // Without a name it fits two keys, and either may have signed it.
    await assertTokens(test, await issuer.sign(test, "two", { kid: undefined }));
    assertEquals(issuer.fetches, 1);
    test.clock.seconds += 30;
    assertEquals(
      await assertNoTokens(test, `Bearer ${await issuer.sign(test, "one", { kid: "three" })}`),
      NO_KEY,
    );
    assertEquals(issuer.fetches, 2);
  });
});

Deno.test("POST tokens follows the rotation of a key set", async () => {
  await withIssuer(async (issuer, test) => {
    const [one, two] = [await issuer.makeKey("one"), await issuer.makeKey("two")];
    issuer.published = [one];
    const before = await issuer.sign(test, "one");
    await assertTokens(test, before);
    issuer.published = [two];
    test.clock.seconds += 10;
    const request = await fetchWith(test, `Bearer ${await issuer.sign(test, "two")}`);
    const early = await test.send(tokensPath(), request);
    assertEquals([early.status, early.headers.get("retry-after")], [503, "20"]);
    await early.body?.cancel();
    // A name that is not in the set makes it fetched again, but at most every 30 s.
    test.clock.seconds += 21;
    await assertTokens(test, await issuer.sign(test, "two"));
    assertEquals(issuer.fetches, 2);
    assertEquals(await assertNoTokens(test, `Bearer ${before}`), NO_KEY);
    assertEquals(issuer.fetches, 2);
  });
});

for (const answer of ["500", "not json"] as const) {
  Deno.test(`POST tokens answers 503 sessions_unavailable while the key set is ${answer}, and recovers`, async () => {
    await withIssuer(async (issuer, test) => {
      issuer.published = [await issuer.makeKey("one")];
      const jwt = await issuer.sign(test, "one");
      issuer.answer = answer;
      const request = await fetchWith(test, `Bearer ${jwt}`);
      await assertRefusedUnwritten(test, [tokensPath(), request], 503, "sessions_unavailable");
      issuer.answer = "keys";
      test.clock.seconds += 5;
      await assertTokens(test, jwt);
    });
  });
}

Deno.test("POST tokens answers 503 sessions_unavailable when nobody listens at the key set's address", async () => {
  const gone = new Issuer();
  const key = { kind: "jwks", url: gone.url, algorithms: ["ES256"] } as const;
  const published = await gone.makeKey("one");
  await gone.stop();
  await withService({ config: configWith(key) }, async (test) => {
    const jwt = await gone.sign(test, "one");
    const request = await fetchWith(test, `Bearer ${jwt}`);
    await assertRefusedUnwritten(test, [tokensPath(), request], 503, "sessions_unavailable");
    assertEquals(published.kid, "one");
    // What is wrong whatever the key says so without asking anybody.
    assertEquals(
      await assertNoTokens(test, `Bearer ${b64url({ alg: "HS256" })}.${b64url({})}.AAAA`),
      ALGORITHM,
    );
  });
});
