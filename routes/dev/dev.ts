/**
 * Development only. `POST /dev/session`: anybody gets a session under any name, so that curl and the demo can sign in.
 * `GET /dev/store`: how many rows of which family the store holds.
 *
 * @module
 */
import { Hono } from "hono";
import { SignJWT } from "jose";
import { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import type { Server } from "../../core/service.ts";
import { secretBytes } from "../../core/base/secret_bytes.ts";
import { readRequest, type Reads } from "../../edge/read_request.ts";

const SESSION_SECONDS = 3_600;

const SIGN_IN = {
  takes: {
    description: "Who signs in.",
    type: "application/json",
    namesType: false,
    maxBytes: 4_096,
    shape: z.strictObject({ client: z.string().min(1).max(200), app: z.string().optional() }),
    expected: 'Send {"client": "<a name>"}, and "app" when there are several.',
  },
} as const satisfies Reads;

/** The router of development. `secret` gives the value of an environment variable. */
export function devRoutes(service: Server, secret: (name: string) => string | undefined): Hono {
  return new Hono().post("/dev/session", async function signIn(c) {
    const { body: { client, app: name } } = await readRequest(c, SIGN_IN);
    const [first = ""] = service.deployment.applications.keys();
    const app = service.appOf(name ?? first);
    if (app.session.key.kind !== "hs256") {
      throw new Refusal("route_unknown", `The sessions of ${app.id} are signed elsewhere.`);
    }
    const nowSeconds = service.now();
    const jwt = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(app.session.issuer)
      .setAudience(app.session.audience ?? app.id)
      .setSubject(client)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + SESSION_SECONDS)
      .sign(secretBytes(secret(app.session.key.secretEnv) ?? "") ?? new Uint8Array());
    return c.json({ jwt, expires_in: SESSION_SECONDS }, 200, { "cache-control": "no-store" });
  }).get("/dev/store", async function countRows(c) {
    const counts: Record<string, number> = {};
    for await (const { key } of service.store.list({ prefix: [] })) {
      const family = service.families.get(key[0] as string) ?? "other";
      counts[family] = (counts[family] ?? 0) + 1;
    }
    return c.json(counts, 200, { "cache-control": "no-store" });
  });
}
