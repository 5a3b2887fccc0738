import { assertEquals, assertRejects } from "@std/assert";
import { mock } from "node:test";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from "jose";
import { Refusal } from "../../../core/base/errors.ts";
import { createSessionAuthenticator, type SessionAuthenticator } from "../../../edge/auth/session.ts";
import { applicationOf } from "../../support/service/keys.ts";

const ISSUER = "https://login.example";
const URL_OF_SET = "https://login.example/jwks.json";
const START = Date.UTC(2027, 0, 15, 10, 20, 30);

/** An issuer whose key set, clock and network a test holds in its hands. */
class Issuer implements Disposable {
  answer: () => Response | Promise<Response> = () => Response.json({ keys: this.keys });
  keys: JWK[] = [];
  fetches = 0;
  seconds = START / 1000;

  constructor() {
    mock.timers.enable({ apis: ["Date"], now: START });
  }

  [Symbol.dispose](): void {
    mock.timers.reset();
  }

  pass(seconds: number): void {
    this.seconds += seconds;
    mock.timers.setTime(this.seconds * 1000);
  }

  /** Makes a signing key and publishes it. */
  async publish(kid: string): Promise<CryptoKey> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    this.keys.push({ ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" });
    return privateKey;
  }

  withdraw(kid: string): void {
    this.keys = this.keys.filter((key) => key.kid !== kid);
  }

  async authenticator(): Promise<SessionAuthenticator> {
    const key = { kind: "jwks", url: URL_OF_SET, algorithms: ["ES256"] } as const;
    const fetch = (input: string | URL | Request) => {
      assertEquals(String(input), URL_OF_SET);
      this.fetches++;
      return Promise.resolve(this.answer());
    };
    const app = applicationOf({ session: { issuer: ISSUER, key } });
    return await createSessionAuthenticator(app, { secret: () => undefined, fetch });
  }

  sign(key: CryptoKey | Uint8Array, header: Partial<JWTHeaderParameters>): Promise<string> {
    return new SignJWT({ iss: ISSUER, aud: "notes", sub: "alice", exp: this.seconds + 3_600 })
      .setProtectedHeader({ alg: "ES256", ...header }).sign(key);
  }

  async check(verify: SessionAuthenticator, jwt: string): Promise<string> {
    try {
      return (await verify(`Bearer ${jwt}`, this.seconds)).subject;
    } catch (error) {
      return (error as Refusal).code;
    }
  }
}

Deno.test("a key set is fetched once for many who sign in at once, and kept for ten minutes", async () => {
  using issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const jwt = await issuer.sign(key, { kid: "a" });
  const answers = await Promise.all(Array.from({ length: 50 }, () => issuer.check(verify, jwt)));
  assertEquals(new Set(answers), new Set(["alice"]));
  issuer.pass(599);
  await issuer.check(verify, jwt);
  assertEquals(issuer.fetches, 1);
  issuer.pass(2);
  assertEquals(await issuer.check(verify, jwt), "alice");
  assertEquals(issuer.fetches, 2);
});

Deno.test("a key that the issuer withdraws signs nobody in ten minutes later", async () => {
  using issuer = new Issuer();
  const [old, fresh] = [await issuer.publish("old"), await issuer.publish("new")];
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(old, { kid: "old" })), "alice");
  issuer.withdraw("old");
  issuer.pass(601);
  assertEquals(await issuer.check(verify, await issuer.sign(old, { kid: "old" })), "session_invalid");
  assertEquals(await issuer.check(verify, await issuer.sign(fresh, { kid: "new" })), "alice");
});

Deno.test("a new kid has the set fetched again, made-up ones not more than twice a minute", async () => {
  using issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "alice");
  for (let round = 0; round < 100; round++) {
    assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: `x${round}` })), "session_invalid");
  }
  assertEquals(issuer.fetches, 1);
  const next = await issuer.publish("b");
  const jwt = await issuer.sign(next, { kid: "b" });
  issuer.pass(31);
  assertEquals(await issuer.check(verify, jwt), "alice");
  assertEquals(issuer.fetches, 2);
});

Deno.test("a key set that cannot be had is the issuer's fault: each way to fail is answered 503, and mends itself", async () => {
  using issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const jwt = await issuer.sign(key, { kid: "a" });
  const { answer } = issuer;
  const failures: (() => Response | Promise<Response>)[] = [
    () => Promise.reject(new TypeError("connection refused")),
    () => Promise.reject(new DOMException("late", "TimeoutError")),
    () => new Response("gone", { status: 503 }),
    () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/jwks" } }),
    () => new Response("<html>"),
    () => Response.json({ keys: "none" }),
    () => Response.json({ keys: [], padding: "x".repeat(70_000) }),
  ];
  for (const failure of failures) {
    issuer.answer = failure;
    const refusal = await assertRejects(() => verify(`Bearer ${jwt}`, issuer.seconds), Refusal);
    assertEquals([refusal.code, refusal.details.retryAfterSeconds], ["sessions_unavailable", 30]);
  }
  issuer.answer = answer;
  assertEquals(await issuer.check(verify, jwt), "alice");
});

Deno.test("only the keys of the set sign anybody in, whatever a JWT brings along", async () => {
  using issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const own = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(own.publicKey);
  for (
    const header of [{ jwk, kid: "a" }, { jku: "https://evil.example", kid: "a" }, { jwk }, { kid: "a" }]
  ) {
    assertEquals(await issuer.check(verify, await issuer.sign(own.privateKey, header)), "session_invalid");
  }
  // A shared secret in the set, as a confused issuer may publish it, verifies nothing either.
  const secret = new Uint8Array(32).fill(5);
  issuer.keys.push({ kty: "oct", k: "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU", kid: "shared" });
  issuer.pass(601);
  const confused = await issuer.sign(secret, { alg: "HS256", kid: "shared" });
  assertEquals(await issuer.check(verify, confused), "session_invalid");
  assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "alice");
});
