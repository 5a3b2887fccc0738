/**
 * Which operators may call which operation.
 *
 * @module
 */
import type { OperatorRole } from "./operator.ts";
import { OPERATIONS } from "../operations/index.ts";
import type { Operation } from "../operations/operation.ts";
import { patternOf } from "../operations/path_pattern.ts";

/** The role that a security scheme asks for; others are not for operators. */
const ROLE_OF: Partial<Record<NonNullable<Operation["security"]>, OperatorRole>> = {
  adminToken: "admin",
  readerToken: "reader",
  analystToken: "analyst",
};

const RULES = OPERATIONS.flatMap(({ method, path, security }: Operation) => {
  const role = security === undefined ? undefined : ROLE_OF[security];
  return role === undefined ? [] : [{ method, path: patternOf(path), role }];
});

/**
 * The least role that may ask for this. What no operation is, a reader hears that there is none; but nobody finds out by
 * it what a method does that changes something.
 */
export function leastRoleOf(method: string, path: string): OperatorRole {
  const asked = method === "HEAD" ? "GET" : method;
  const rule = RULES.find((one) => one.method === asked && one.path.test(path));
  return rule?.role ?? (asked === "GET" ? "reader" : "admin");
}
