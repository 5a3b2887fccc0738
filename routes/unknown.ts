/**
 * The answers to what a router does not know.
 *
 * @module
 */
import type { Env, Hono } from "hono";
import { Refusal } from "../core/base/errors.ts";
import { problemResponse } from "../edge/http/problem.ts";

/** Answers 405 to every other method of a path that a router has, and 404 to every other path. Call it last. */
export function answerUnknown<E extends Env>(app: Hono<E>): void {
  refuseOtherMethods(app);
  app.notFound(() => problemResponse(new Refusal("route_unknown", "There is no such route.")));
}

function refuseOtherMethods<E extends Env>(app: Hono<E>): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === "ALL") continue;
    methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, allowed] of methods) {
    app.all(path, () => {
      const response = problemResponse(
        new Refusal("method_not_allowed", "The route does not take this method."),
      );
      response.headers.set("allow", [...allowed].join(", "));
      return response;
    });
  }
}
