/**
 * `GET /console/trail`: what operators did, newest first, a page at a time.
 *
 * @module
 */
import { Hono } from "hono";
import type { ConsoleEnv } from "../frame/env.ts";
import type { ConsolePage } from "../frame/page.ts";
import { AuditLogPage } from "./page.tsx";
import { readAuditLog } from "./view.ts";

const TITLE = "Audit log";

/** What operators did. */
export const auditLogPage: ConsolePage = {
  name: "trail",
  title: TITLE,
  path: "/console/trail",
  routes: ({ service: { auditLog } }, show) =>
    new Hono<ConsoleEnv>()
      .get("/console/trail", async function showNewest(c) {
        return show(c, { title: TITLE }, <AuditLogPage view={await readAuditLog(auditLog)} />);
      })
      .get("/console/trail/before/:number{[0-9]{1,15}}", async function showOlder(c) {
        const view = await readAuditLog(auditLog, Number(c.req.param("number")));
        return show(c, { title: TITLE }, <AuditLogPage view={view} />);
      }),
};
