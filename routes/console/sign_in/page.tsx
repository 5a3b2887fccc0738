/**
 * `/console/sign-in` with an operator's token, `/console/sign-in/oidc` at the identity provider, and `/console/sign-out`.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { Refusal } from "../../../core/base/errors.ts";
import { SIGN_IN_SECONDS } from "../../../edge/auth/console_sessions.ts";
import type { PendingSignIn } from "../../../edge/auth/oidc.ts";
import { operatorOf, type OperatorRole } from "../../../edge/auth/operator.ts";
import { CODE_HEADER } from "../../../edge/http/headers.ts";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import type { ConsoleEnv, ConsoleOptions } from "../frame/env.ts";
import {
  clearSessionCookie,
  readFormOfThisSite,
  requireForm,
  requireSession,
  setSessionCookie,
} from "../frame/guard.ts";
import { Document } from "../frame/layout.tsx";

const SIGN_IN_COOKIE = "dit_sign_in";

/** The routers of signing in and out. */
export function signInRoutes(options: ConsoleOptions): Hono<ConsoleEnv> {
  const { sessions, service, oidc, tokens } = options;
  const about = { oidc: oidc !== undefined, development: !options.secure };

  /** Writes it down before it happens: nobody is signed in without an entry. */
  async function openSession(c: Context, name: string, role: OperatorRole): Promise<void> {
    await service.auditLog.append({ operator: name, via: "console", action: "sign in" });
    setSessionCookie(c, options, await sessions.open(name, role));
  }

  const routes = new Hono<ConsoleEnv>()
    .get("/console/sign-in", (c) => c.html(<SignInPage {...about} />))
    .post("/console/sign-in", async function signInWithToken(c) {
      const { token = "" } = await readFormOfThisSite(c);
      const operator = operatorOf(`Bearer ${token.trim()}`, tokens, "console");
      if (operator === undefined) {
        c.header(CODE_HEADER, "admin_token_invalid");
        return c.html(<SignInPage {...about} mistake="This is not the token." />, 401);
      }
      await openSession(c, operator.name, operator.role);
      return c.redirect("/console", 303);
    })
    .post("/console/sign-out", requireSession(options), requireForm(options), async function signOut(c) {
      const session = c.get("session");
      await service.auditLog.append({ operator: session.operator.name, via: "console", action: "sign out" });
      await sessions.end(session);
      clearSessionCookie(c, options);
      return c.redirect("/console/sign-in", 303);
    });
  if (oidc === undefined) return routes;

  /** The provider has it registered, so that a made-up host leads nowhere. */
  const redirectUri = (c: Context) =>
    `${options.secure ? "https" : "http"}://${c.req.header("host") ?? ""}/console/sign-in/callback`;
  const cookie = { path: "/console/sign-in", httpOnly: true, secure: options.secure };
  return routes
    .get("/console/sign-in/oidc", async function beginSignIn(c) {
      const { url, pending } = await oidc.begin(redirectUri(c));
      // Lax: it has to come along when the provider sends the browser back.
      setCookie(c, SIGN_IN_COOKIE, await sessions.keep({ ...pending }), {
        ...cookie,
        sameSite: "Lax",
        maxAge: SIGN_IN_SECONDS,
      });
      return c.redirect(url.href, 303);
    })
    .get("/console/sign-in/callback", async function finishSignIn(c) {
      const pending = await sessions.kept(getCookie(c, SIGN_IN_COOKIE));
      deleteCookie(c, SIGN_IN_COOKIE, cookie);
      if (pending === undefined) {
        throw new Refusal(
          "console_session_invalid",
          "Signing in took too long, or began in another browser.",
        );
      }
      const { name, role } = await oidc.finish(
        new URL(c.req.url).searchParams,
        pending as unknown as PendingSignIn,
        redirectUri(c),
      );
      if (role === undefined) {
        throw new Refusal("role_insufficient", `${name} is signed in, and is no operator of this service.`);
      }
      await openSession(c, name, role);
      // A redirect would still count as coming from the provider, and the browser would keep the Strict cookie back.
      return c.html(<SignedInPage name={name} />);
    });
}

function SignInPage({ oidc, development, mistake }: {
  readonly oidc: boolean;
  readonly development: boolean;
  readonly mistake?: string;
}) {
  return (
    <Document title="Sign in">
      <main class="page">
        <div class="card">
          <div>
            <h1>DIT console</h1>
            <p class="muted">For the operators of this service.</p>
          </div>
          {mistake !== undefined && <p class="note bad" role="alert">{mistake}</p>}
          {oidc && (
            <p>
              <a class="button" href="/console/sign-in/oidc">Sign in with your organisation</a>
            </p>
          )}
          <form class="form" method="post" action="/console/sign-in">
            <label>
              Admin or reader token
              <input
                type="password"
                name="token"
                required
                autocomplete="current-password"
                autofocus={!oidc}
              />
              {development && <span>Development keeps it in .dit/admin_token.</span>}
            </label>
            <div class="actions">
              <button class="primary" type="submit">Sign in</button>
            </div>
          </form>
        </div>
      </main>
    </Document>
  );
}

function SignedInPage({ name }: { readonly name: string }) {
  return (
    <Document title="Signed in" goTo="/console">
      <main class="page">
        <div class="card">
          <p>
            {name} is signed in. <a href="/console">Go on to the console</a>
          </p>
        </div>
      </main>
    </Document>
  );
}

/** What a person sees of a refusal. */
export function RefusalPage({ refusal }: { readonly refusal: Refusal }) {
  const [, title] = PROBLEMS[refusal.code];
  return (
    <Document title={title}>
      <main class="page">
        <div class="card">
          <h1>{title}</h1>
          <p role="alert">{refusal.message}</p>
          <p>
            <a href="/console">To the console</a>
          </p>
        </div>
      </main>
    </Document>
  );
}
