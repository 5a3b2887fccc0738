/**
 * Who may see the console: a holder of a session. What may be done there: what a form of that very session asks for,
 * sent from a page of this very site.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { matchedRoutes } from "hono/route";
import { Refusal } from "../../../core/base/errors.ts";
import { SESSION_SECONDS } from "../../../edge/auth/console_sessions.ts";
import { bodyWaitOf } from "../../../edge/http/body_wait.ts";
import { readBoundedBody } from "../../../edge/http/read_body.ts";
import type { ConsoleEnv, ConsoleOptions } from "./env.ts";

const COOKIE = "dit_console";
const MAX_FORM_BYTES = 16 * 1024;
const SAFE_METHODS = new Set(["GET", "HEAD"]);

type Secure = Pick<ConsoleOptions, "secure">;

/**
 * Where a cookie of the console goes. Over HTTPS it has the prefix `__Host-`: no other host of the domain can set one of
 * the name, which takes that it goes to every path of this one. What clients' routes are sent of it, the edge drops.
 */
export function consoleCookie(name: string, { secure }: Secure) {
  return secure
    ? { name: `__Host-${name}`, options: { path: "/", httpOnly: true, secure } }
    : { name, options: { path: "/console", httpOnly: true, secure } };
}

/** Gives the browser its session. */
export function setSessionCookie(c: Context, options: Secure, value: string): void {
  const cookie = consoleCookie(COOKIE, options);
  setCookie(c, cookie.name, value, { ...cookie.options, sameSite: "Strict", maxAge: SESSION_SECONDS });
}

/** Takes it away. */
export function clearSessionCookie(c: Context, options: Secure): void {
  const cookie = consoleCookie(COOKIE, options);
  deleteCookie(c, cookie.name, { ...cookie.options, sameSite: "Strict" });
}

/** Reads the session's cookie. */
export function sessionCookie(c: Context, options: Secure): string | undefined {
  return getCookie(c, consoleCookie(COOKIE, options).name);
}

/**
 * Requires a service that collects something, for what an ACS alone does not have.
 * @throws {Refusal} `route_unknown`.
 */
export function requireCollection({ collects }: Pick<ConsoleOptions, "collects">): void {
  if (!collects) throw new Refusal("route_unknown", "There is no such route.");
}

/** Sends everybody without a session to the sign-in. Throws `console_session_invalid` where nobody would follow. */
export function requireSession(options: ConsoleOptions): MiddlewareHandler<ConsoleEnv> {
  return async function readSession(c, next) {
    const session = await options.sessions.read(sessionCookie(c, options));
    if (session === undefined) {
      if (c.req.method === "GET" && !c.req.path.startsWith("/console/live")) {
        return c.redirect("/console/sign-in", 303);
      }
      throw sessionEnded();
    }
    c.set("session", session);
    return await next();
  };
}

/**
 * Lets a form pass only with its session's token, from this site, and from somebody who may act.
 * Throws `request_forged`, `role_insufficient`, and `console_session_invalid` when the session has ended while the form
 * arrived.
 */
export function requireForm(options: ConsoleOptions): MiddlewareHandler<ConsoleEnv> {
  return async function readForm(c, next) {
    if (SAFE_METHODS.has(c.req.method)) return await next();
    const form = await readFormOfThisSite(c);
    // A form may take its time: what was signed out meanwhile does nothing any more.
    const session = await options.sessions.read(sessionCookie(c, options));
    if (session === undefined) throw sessionEnded();
    if (!options.sessions.isFormOf(session, form["form-token"])) throw forged();
    // Everybody may leave.
    if (c.req.path !== "/console/sign-out") {
      const { signedIn, operator: { role } } = c.get("session");
      await options.attempts.during(signedIn, attemptOf(c, options), function requireAdmin() {
        if (role !== "admin") throw new Refusal("role_insufficient", "You may look, and not act.");
      });
    }
    c.set("form", form);
    await next();
  };
}

/**
 * What an attempt is called in the audit log: by its route, with an application that there is. Of what somebody may make up
 * nothing gets into it, so that a few names are all that there are.
 */
export function attemptOf(c: Context, { service }: Pick<ConsoleOptions, "service">): string {
  const { method, path } = c.req;
  const pattern = matchedRoutes(c).map((route) => route.path).findLast((one) => !one.endsWith("*"));
  if (pattern === undefined) return `${method} a page that there is not`;
  const given = path.split("/");
  const named = pattern.split("/").map((part, at) => {
    const value = given[at] ?? "";
    return part === ":app" && service.deployment.applications.has(value) ? value : part.replace(/\{.*$/, "");
  });
  return `${method} ${named.join("/")}`;
}

/**
 * Reads a form's fields, whoever sends it.
 * @throws {Refusal} `request_forged` unless the browser says that a page of this site sent it.
 */
export async function readFormOfThisSite(c: Context): Promise<Record<string, string>> {
  if (!isOfThisSite(c.req.raw.headers)) throw forged();
  if (c.req.header("content-type")?.toLowerCase() !== "application/x-www-form-urlencoded") {
    throw new Refusal("media_type", "A form is expected.");
  }
  const body = await readBoundedBody(c.req.raw, { maxBytes: MAX_FORM_BYTES, wait: bodyWaitOf(c) });
  return Object.fromEntries(new URLSearchParams(new TextDecoder().decode(body)));
}

/** Every browser of today says where a request comes from; an older one at least names the origin. */
function isOfThisSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  const host = headers.get("host");
  return origin !== null && host !== null && URL.parse(origin)?.host === host;
}

function sessionEnded(): Refusal {
  return new Refusal("console_session_invalid", "Your session has ended: sign in again.");
}

function forged(): Refusal {
  return new Refusal(
    "request_forged",
    "This form was not sent from a page of the console; go back and try again.",
  );
}
