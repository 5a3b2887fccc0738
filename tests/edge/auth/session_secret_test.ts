import { assertEquals, assertRejects } from "@std/assert";
import { SignJWT } from "jose";
import { utf8 } from "../../../core/base/bytes.ts";
import { createSessionAuthenticator, SessionSetupError } from "../../../edge/auth/session.ts";
import { applicationOf } from "../../support/service/keys.ts";

const BYTES = new Uint8Array(32).fill(251);
const BASE64 = BYTES.toBase64();

/** Verifies a session that is signed under `signedWith` where the variable holds `value`. */
async function signsIn(value: string, signedWith: Uint8Array): Promise<string> {
  const key = { kind: "hs256", secretEnv: "SECRET" } as const;
  const app = applicationOf({ session: { issuer: "https://login.example", key } });
  const verify = await createSessionAuthenticator(app, { secret: () => value, fetch });
  const nowSeconds = 1_795_305_600;
  const jwt = await new SignJWT({ iss: "https://login.example", aud: "notes", sub: "alice" })
    .setProtectedHeader({ alg: "HS256" }).setExpirationTime(nowSeconds + 60).sign(signedWith);
  return (await verify(`Bearer ${jwt}`, nowSeconds)).subject;
}

Deno.test("a shared secret signs sessions with its bytes, whichever way it is written", async () => {
  assertEquals(await signsIn(`base64:${BASE64}`, BYTES), "alice");
  assertEquals(await signsIn(BASE64, utf8(BASE64)), "alice");
  await assertRejects(() => signsIn(BASE64, BYTES), Error, "signature");
});

Deno.test("a shared secret that is short, or no base64 where it says so, ends the start with one sentence", async () => {
  for (const value of ["", "short", `base64:${new Uint8Array(31).toBase64()}`, `base64:${BASE64}=`]) {
    const error = await assertRejects(() => signsIn(value, BYTES), SessionSetupError);
    assertEquals(
      error.message,
      'Set SECRET to a secret of at least 32 bytes, as text or as "base64:" and their base64: ' +
        "the sessions of notes are signed with it.",
    );
  }
});
