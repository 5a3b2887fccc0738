/**
 * Which operators may call which operation, and what each is about.
 *
 * @module
 */
import type { About, Asked } from "./operator.ts";
import type { OperatorRole } from "./operator_entries.ts";
import { OPERATIONS } from "../operations/index.ts";
import type { Operation } from "../operations/operation.ts";
import { patternOf } from "../operations/path_pattern.ts";

/** The role that a security scheme asks for; others are not for operators. */
const ROLE_OF: Partial<Record<NonNullable<Operation["security"]>, OperatorRole>> = {
  adminToken: "admin",
  readerToken: "reader",
  analystToken: "analyst",
};

const RULES = OPERATIONS.flatMap(({ method, path, security, ofEach }: Operation) => {
  const role = security === undefined ? undefined : ROLE_OF[security];
  return role === undefined ? [] : [{ method, path, pattern: patternOf(path), role, ofEach }];
});

/** The application in a path. */
const APP_PATH = /^\/admin\/v1\/apps\/([^/]+)(?:\/|$)/;

/** An application's id, which may stand where people read it. */
const APP_ID = /^[a-z][a-z0-9-]{0,62}$/;
const NO_OPERATION = "what is no operation";

function shown(app: string | undefined): string {
  return app !== undefined && APP_ID.test(app) ? app : ":app";
}

/** What an operator asks for. */
export interface AskedOperation extends Asked {
  /** What it is called: the operation, or the beginning of a path that is none. */
  readonly name: string;
}

/**
 * What is asked for, with the least role that may. What no operation is, a reader hears that there is none; but nobody
 * finds out by it what a method does that changes something.
 */
export function askedOf(method: string, path: string): AskedOperation {
  const read = method === "HEAD" ? "GET" : method;
  const rule = RULES.find((one) => one.method === read && one.pattern.test(path));
  const app = APP_PATH.exec(path)?.[1];
  const about: About = app !== undefined ? { app } : rule?.ofEach === true ? "each" : "whole";
  return {
    about,
    least: rule?.role ?? (read === "GET" ? "reader" : "admin"),
    name: rule === undefined ? NO_OPERATION : `${read} ${rule.path.replace(":app", shown(app))}`,
  };
}
