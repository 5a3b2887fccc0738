/**
 * `GET /admin/v1/trail`: what operators did, newest first, and whether the audit log is as it was written.
 *
 * @module
 */
import { Hono } from "hono";
import type { Server } from "../../core/service.ts";
import { SHOW_AUDIT_LOG } from "../../edge/operations/operators.ts";

/** Entries of one answer. */
const MAX_ENTRIES = 1_000;

/** The router of the audit log, behind the check of a token. */
export function adminAuditLogRoutes({ auditLog }: Server): Hono {
  return new Hono().get(SHOW_AUDIT_LOG.path, async function listAuditLog(c) {
    const [entries, verdict] = await Promise.all([auditLog.latest(MAX_ENTRIES), auditLog.verify()]);
    return c.json({ ...verdict, latest: entries });
  });
}
