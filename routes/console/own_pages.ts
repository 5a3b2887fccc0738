/**
 * Which pages are whose: what a page is about, and the least role that sees it.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { type Asked, operatorFor, operatorIfAny, type SignedIn } from "../../edge/auth/operator.ts";
import type { ConsoleEnv, ConsoleOptions } from "./frame/env.ts";
import { attemptOf } from "./frame/guard.ts";
import { type ConsolePage, pathFor } from "./frame/page.ts";
import { PAGES } from "./pages.ts";

const APP_PATH = /^\/console\/(?:apps|live\/[a-z]+)\/([^/]+)/;
const ANY_APP = "[^/]+";
const OF_ANALYSTS = PAGES.filter(({ forAnalysts }) => forAnalysts);
const ANALYSTS = OF_ANALYSTS.map(({ path }) => new RegExp(`^${pathFor(path, ANY_APP)}(?:[./]|$)`));
const EACH = new Set(PAGES.filter(({ ofEach }) => ofEach).flatMap(({ path, parts }) => [path, parts?.path]));
const WHOLE = PAGES.flatMap(({ ofWhole = [] }) =>
  ofWhole.map((path) => new RegExp(`^${pathFor(path, ANY_APP)}$`))
);

/** What a page of this path is about, and who may see it. */
export function askedOfPage(path: string): Asked {
  const least = ANALYSTS.some((own) => own.test(path)) ? "analyst" : "reader";
  const app = APP_PATH.exec(path)?.[1];
  if (app !== undefined && !WHOLE.some((whole) => whole.test(path))) return { about: { app }, least };
  return { about: EACH.has(path) ? "each" : "whole", least };
}

/** Those of the applications about which somebody may see a page; of a page of all, those that it shows. */
export function appsOn(page: ConsolePage, signedIn: SignedIn, apps: readonly string[]): string[] {
  return apps.filter((app) => {
    const { least } = askedOfPage(pathFor(page.path, app));
    return operatorIfAny(signedIn, { about: { app }, least }) !== undefined;
  });
}

/** The pages that somebody may see about an application. */
export function pagesOf(signedIn: SignedIn, app: string): ConsolePage[] {
  return PAGES.filter(({ path }) => operatorIfAny(signedIn, askedOfPage(pathFor(path, app))) !== undefined);
}

/**
 * Answers each request of a session as what it is about, and keeps everybody to their own pages: an analyst is led to
 * the first of theirs. Throws `app_unknown` for the applications of others, and `role_insufficient`.
 */
export function keepToOwnPages(
  { service, attempts }: Pick<ConsoleOptions, "service" | "attempts">,
): MiddlewareHandler<ConsoleEnv> {
  const apps = [...service.deployment.applications.keys()];
  return async function requireOwnPage(c, next) {
    const { path } = c.req;
    const session = c.get("session");
    const { signedIn } = session;
    const asked = askedOfPage(path);
    const [first] = OF_ANALYSTS;
    if (path === "/console" && first !== undefined && operatorIfAny(signedIn, asked) === undefined) {
      return c.redirect(pathFor(first.path, appsOn(first, signedIn, apps)[0] ?? ""), 303);
    }
    const operator = await attempts.during(
      signedIn,
      attemptOf(c, { service }),
      () => operatorFor(signedIn, asked),
    );
    c.set("session", { ...session, operator });
    return await next();
  };
}
