/**
 * `/console/sign-in` with an operator's token, `/console/sign-in/oidc` at the identity provider, and `/console/sign-out`.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { Refusal } from "../../../core/base/errors.ts";
import { SIGN_IN_SECONDS } from "../../../edge/auth/console_sessions.ts";
import type { OidcSignIn } from "../../../edge/auth/oidc.ts";
import { operatorOf } from "../../../edge/auth/operator.ts";
import { CODE_HEADER } from "../../../edge/http/headers.ts";
import type { ConsoleEnv, ConsoleOptions } from "../frame/env.ts";
import {
  clearSessionCookie,
  consoleCookie,
  readFormOfThisSite,
  requireForm,
  requireSession,
  setSessionCookie,
} from "../frame/guard.ts";
import { SignedInPage, SignInPage } from "./page.tsx";

/** What the browser kept of a sign-in at the identity provider. */
const pendingSignIn = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });

/** The routers of signing in and out. */
export function signInRoutes(options: ConsoleOptions): Hono<ConsoleEnv> {
  const { sessions, oidc, tokens } = options;
  const about = { oidc: oidc !== undefined, development: !options.secure };
  const routes = new Hono<ConsoleEnv>()
    .get("/console/sign-in", (c) => c.html(<SignInPage {...about} />))
    .post("/console/sign-in", async function signInWithToken(c) {
      const { token = "" } = await readFormOfThisSite(c);
      const signedIn = operatorOf(`Bearer ${token.trim()}`, tokens, "console");
      if (signedIn === undefined) {
        c.header(CODE_HEADER, "admin_token_invalid");
        return c.html(<SignInPage {...about} mistake="This is not the token." />, 401);
      }
      setSessionCookie(c, options, await sessions.open(signedIn));
      return c.redirect("/console", 303);
    })
    .post("/console/sign-out", requireSession(options), requireForm(options), async function signOut(c) {
      await sessions.end(c.get("session"));
      clearSessionCookie(c, options);
      return c.redirect("/console/sign-in", 303);
    });
  if (oidc !== undefined) routes.route("/", oidcRoutes(options, oidc));
  return routes;
}

/** The way through the identity provider. */
function oidcRoutes(options: ConsoleOptions, oidc: OidcSignIn): Hono<ConsoleEnv> {
  const { sessions, attempts } = options;
  /** The provider has it registered, so that a made-up host leads nowhere. */
  const redirectUri = (c: Context) =>
    `${options.secure ? "https" : "http"}://${c.req.header("host") ?? ""}/console/sign-in/callback`;
  const cookie = consoleCookie("dit_sign_in", options);
  return new Hono<ConsoleEnv>()
    .get("/console/sign-in/oidc", async function beginSignIn(c) {
      const { url, pending } = await oidc.begin(redirectUri(c));
      // Lax: it has to come along when the provider sends the browser back.
      setCookie(c, cookie.name, await sessions.keep({ ...pending }), {
        ...cookie.options,
        sameSite: "Lax",
        maxAge: SIGN_IN_SECONDS,
      });
      return c.redirect(url.href, 303);
    })
    .get("/console/sign-in/callback", async function finishSignIn(c) {
      const pending = pendingSignIn.safeParse(await sessions.kept(getCookie(c, cookie.name)));
      deleteCookie(c, cookie.name, cookie.options);
      if (!pending.success) {
        throw new Refusal(
          "console_session_invalid",
          "Signing in took too long, or began in another browser.",
        );
      }
      const { searchParams } = new URL(c.req.url);
      const signedIn = await oidc.finish(searchParams, pending.data, redirectUri(c));
      const { name } = signedIn;
      await attempts.during(signedIn, "sign in", function requireEntry() {
        if (signedIn.entries.length > 0) return;
        throw new Refusal("role_insufficient", `${name} is signed in, and is no operator of this service.`);
      });
      setSessionCookie(c, options, await sessions.open(signedIn));
      // A redirect would still count as coming from the provider, and the browser would keep the Strict cookie back.
      return c.html(<SignedInPage name={name} />);
    });
}
