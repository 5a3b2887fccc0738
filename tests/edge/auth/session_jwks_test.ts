import { generateKeyPairSync } from "node:crypto";
import { assertEquals } from "@std/assert";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from "jose";
import type { Refusal } from "../../../core/base/errors.ts";
import { createSessionAuthenticator, type SessionAuthenticator } from "../../../edge/auth/session.ts";
import { present } from "../../support/base/present.ts";
import { applicationOf } from "../../support/service/keys.ts";

const ISSUER = "https://login.example";
const URL_OF_SET = "https://login.example/jwks.json";
const START = Date.UTC(2027, 0, 15, 10, 20, 30);

/** An issuer whose key set, clock and network a test holds in its hands. */
class Issuer {
  answer: () => Response | Promise<Response> = () => Response.json({ keys: this.keys });
  keys: JWK[] = [];
  fetches = 0;
  seconds = START / 1000;

  pass(seconds: number): void {
    this.seconds += seconds;
  }

  /** Makes a signing key and publishes it; members replace the usual ones. */
  async publish(kid?: string, members: Partial<JWK> = {}): Promise<CryptoKey> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const named = kid === undefined ? {} : { kid };
    this.keys.push({ ...await exportJWK(publicKey), ...named, alg: "ES256", use: "sig", ...members });
    return privateKey;
  }

  withdraw(kid: string): void {
    this.keys = this.keys.filter((key) => key.kid !== kid);
  }

  async authenticator(algorithm: "ES256" | "RS256" = "ES256"): Promise<SessionAuthenticator> {
    const key = { kind: "jwks", url: URL_OF_SET, algorithms: [algorithm] } as const;
    const fetch = (input: string | URL | Request) => {
      assertEquals(String(input), URL_OF_SET);
      this.fetches++;
      return Promise.resolve(this.answer());
    };
    const app = applicationOf({ session: { issuer: ISSUER, key } });
    return await createSessionAuthenticator(app, { secret: () => undefined, fetch });
  }

  /** Signs a session as of now; claims replace the usual ones. */
  sign(
    key: CryptoKey | Uint8Array,
    header: Partial<JWTHeaderParameters>,
    claims: Record<string, unknown> = {},
  ): Promise<string> {
    const iat = this.seconds;
    return new SignJWT({ iss: ISSUER, aud: "notes", sub: "alice", iat, exp: iat + 3_600, ...claims })
      .setProtectedHeader({ alg: "ES256", ...header }).sign(key);
  }

  /** The subject, or the code of the refusal and, where it says so, how long to wait. */
  async check(verify: SessionAuthenticator, jwt: string): Promise<string> {
    try {
      return (await verify(`Bearer ${jwt}`, this.seconds)).subject;
    } catch (error) {
      const { code, details: { retryAfterSeconds } } = error as Refusal;
      return retryAfterSeconds === undefined ? code : `${code} ${retryAfterSeconds}`;
    }
  }
}

Deno.test("a key set is fetched once for many who sign in at once, and kept for ten minutes", async () => {
  const issuer = new Issuer();
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
  const issuer = new Issuer();
  const [old, fresh] = [await issuer.publish("old"), await issuer.publish("new")];
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(old, { kid: "old" })), "alice");
  issuer.withdraw("old");
  issuer.pass(601);
  assertEquals(await issuer.check(verify, await issuer.sign(old, { kid: "old" })), "session_invalid");
  assertEquals(await issuer.check(verify, await issuer.sign(fresh, { kid: "new" })), "alice");
});

Deno.test("a new kid has the set fetched again, made-up ones not more than twice a minute", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const known = await issuer.sign(key, { kid: "a" });
  assertEquals(await issuer.check(verify, known), "alice");
  for (let round = 0; round < 100; round++) {
    const madeUp = await issuer.sign(key, { kid: `x${round}` });
    // The key may have been added since: who made it up waits, and nobody else does.
    assertEquals(await issuer.check(verify, madeUp), "sessions_unavailable 30");
    assertEquals(await issuer.check(verify, known), "alice");
  }
  assertEquals(issuer.fetches, 1);
  issuer.pass(31);
  assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "x" })), "session_invalid");
  assertEquals(issuer.fetches, 2);
});

Deno.test("a session of a key that was added after the set was read is answered 503 until it is read again", async () => {
  const issuer = new Issuer();
  const old = await issuer.publish("a");
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(old, { kid: "a" })), "alice");
  issuer.pass(10);
  const added = await issuer.publish("b");
  const jwt = await issuer.sign(added, { kid: "b" });
  assertEquals(await issuer.check(verify, jwt), "sessions_unavailable 20");
  issuer.pass(20);
  assertEquals(await issuer.check(verify, jwt), "alice");
  assertEquals(issuer.fetches, 2);
});

Deno.test("a session of a withdrawn key has to sign in again, however often others have the set read", async () => {
  const issuer = new Issuer();
  const old = await issuer.publish("old");
  await issuer.publish("new");
  const session = await issuer.sign(old, { kid: "old" });
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, session), "alice");
  issuer.withdraw("old");
  issuer.pass(601);
  for (let minute = 0; minute < 15; minute++) {
    issuer.pass(60);
    // So the set never is old enough to be read for the sake of this session.
    await issuer.check(verify, await issuer.sign(old, { kid: "made-up" }));
    assertEquals(await issuer.check(verify, session), "session_invalid");
  }
});

Deno.test("a session that is over, and one without the time of its signing, do not wait for ever", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  await issuer.check(verify, await issuer.sign(key, { kid: "a" }));
  const over = await issuer.sign(key, { kid: "b" }, { exp: issuer.seconds - 31 });
  assertEquals(await issuer.check(verify, over), "session_invalid");
  const untimed = await issuer.sign(key, { kid: "b" }, { iat: undefined, exp: issuer.seconds + 60 });
  assertEquals(await issuer.check(verify, untimed), "sessions_unavailable 30");
  issuer.pass(91);
  assertEquals(await issuer.check(verify, untimed), "session_invalid");
});

Deno.test("a JWT that does not name its key is tried with each that fits", async () => {
  const issuer = new Issuer();
  const keys = [await issuer.publish("a"), await issuer.publish("b"), await issuer.publish()];
  const verify = await issuer.authenticator();
  for (const key of keys) assertEquals(await issuer.check(verify, await issuer.sign(key, {})), "alice");
  const expired = await issuer.sign(present(keys[0]), {}, { exp: issuer.seconds - 31 });
  assertEquals(await issuer.check(verify, expired), "session_invalid");
  // Keys for another use, another algorithm or of another kind sign nobody in.
  const unfit = [
    await issuer.publish("c", { use: "enc" }),
    await issuer.publish("d", { alg: "ES384" }),
    await issuer.publish("e", { key_ops: ["sign"] }),
    await issuer.publish("f", { kty: "RSA" }),
  ];
  for (const key of unfit) {
    issuer.pass(31);
    assertEquals(await issuer.check(verify, await issuer.sign(key, {})), "session_invalid");
  }
});

Deno.test("a key that cannot be used keeps none of the others of its set from being tried", async () => {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const right = await exportJWK(publicKey);
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const stranger = await exportJWK((await generateKeyPair("RS256", { extractable: true })).publicKey);
  const alg = "RS256";
  for (
    const unusable of [short, { ...short, kid: "x" }, { kty: "RSA", n: "AQAB", e: "!!" }, { kty: "RSA" }, {}]
  ) {
    for (const keys of [[unusable, right], [stranger, unusable, right], [right, unusable]]) {
      const issuer = new Issuer();
      issuer.answer = () => Response.json({ keys });
      const verify = await issuer.authenticator(alg);
      assertEquals(await issuer.check(verify, await issuer.sign(privateKey, { alg })), "alice");
      // What a right key has signed is judged by what it says.
      const over = await issuer.sign(privateKey, { alg }, { exp: issuer.seconds - 31 });
      assertEquals(await issuer.check(verify, over), "session_invalid");
    }
  }
});

Deno.test("an entry of a key set that is no object is passed over", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  issuer.answer = () => Response.json({ keys: [null, "a", 5, [], ...issuer.keys, false] });
  for (const header of [{ kid: "a" }, {}]) {
    assertEquals(await issuer.check(verify, await issuer.sign(key, header)), "alice");
  }
  issuer.pass(601);
  for (const set of [null, [], "keys", { keys: { a: 1 } }, {}]) {
    issuer.answer = () => Response.json(set);
    assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "sessions_unavailable 30");
    issuer.pass(5);
  }
});

Deno.test("two keys of one name are both tried", async () => {
  const issuer = new Issuer();
  const keys = [await issuer.publish("a"), await issuer.publish("a")];
  const verify = await issuer.authenticator();
  for (const key of keys) {
    assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "alice");
  }
  const stranger = await generateKeyPair("ES256");
  const forged = await issuer.sign(stranger.privateKey, { kid: "a" });
  assertEquals(await issuer.check(verify, forged), "session_invalid");
});

Deno.test("of a set of many keys not more than sixteen are tried on a JWT without a name", async () => {
  const issuer = new Issuer();
  const keys: CryptoKey[] = [];
  for (let count = 0; count < 17; count++) keys.push(await issuer.publish(`k${count}`));
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(present(keys[15]), {})), "alice");
  issuer.pass(31);
  assertEquals(await issuer.check(verify, await issuer.sign(present(keys[16]), {})), "session_invalid");
  assertEquals(await issuer.check(verify, await issuer.sign(present(keys[16]), { kid: "k16" })), "alice");
});

Deno.test("an issuer that names no keys may change its only one", async () => {
  const issuer = new Issuer();
  const old = await issuer.publish();
  const verify = await issuer.authenticator();
  assertEquals(await issuer.check(verify, await issuer.sign(old, {})), "alice");
  issuer.keys = [];
  const next = await issuer.publish();
  const jwt = await issuer.sign(next, {});
  assertEquals(await issuer.check(verify, jwt), "sessions_unavailable 30");
  issuer.pass(30);
  assertEquals(await issuer.check(verify, jwt), "alice");
});

Deno.test("one who comes while the set is read is not judged by what was written before they came", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const written = await issuer.answer();
  const held = Promise.withResolvers<Response>();
  issuer.answer = () => held.promise;
  const first = issuer.check(verify, await issuer.sign(key, { kid: "a" }));
  const added = await issuer.publish("b");
  const second = issuer.check(verify, await issuer.sign(added, { kid: "b" }));
  held.resolve(written);
  assertEquals([await first, await second], ["alice", "sessions_unavailable 30"]);
  assertEquals(issuer.fetches, 1);
});

Deno.test("a clock that was set back has the set read again", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  issuer.pass(50 * 3_600);
  assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "alice");
  issuer.pass(-50 * 3_600);
  issuer.withdraw("a");
  assertEquals(await issuer.check(verify, await issuer.sign(key, { kid: "a" })), "session_invalid");
});

Deno.test("a key set that cannot be had is the issuer's fault: each way to fail is answered 503, and mends itself", async () => {
  const issuer = new Issuer();
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
  for (const [index, failure] of failures.entries()) {
    issuer.answer = failure;
    // However many ask, a set that could not be had is not asked for again within five seconds.
    for (let round = 0; round < 10; round++) {
      assertEquals(await issuer.check(verify, jwt), "sessions_unavailable 30");
    }
    assertEquals(issuer.fetches, index + 1);
    issuer.pass(5);
  }
  issuer.answer = answer;
  assertEquals(await issuer.check(verify, jwt), "alice");
  // When it fails for the sake of a new key, nobody waits whose key is there.
  issuer.answer = () => new Response("gone", { status: 503 });
  issuer.pass(31);
  const unknown = await issuer.sign(key, { kid: "b" });
  assertEquals(await issuer.check(verify, unknown), "sessions_unavailable 30");
  assertEquals(await issuer.check(verify, jwt), "alice");
});

Deno.test("only the keys of the set sign anybody in, whatever a JWT brings along", async () => {
  const issuer = new Issuer();
  const key = await issuer.publish("a");
  const verify = await issuer.authenticator();
  const own = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(own.publicKey);
  for (
    const header of [{ jwk, kid: "a" }, { jku: "https://evil.example", kid: "a" }, { jwk }, { kid: "a" }]
  ) {
    issuer.pass(31);
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
