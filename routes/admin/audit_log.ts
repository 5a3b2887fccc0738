/**
 * `GET /admin/v1/trail`: what operators did, newest first, and whether the audit log is as it was written;
 * `GET /admin/v1/trail.ndjson`: all of it, as it is stored.
 *
 * @module
 */
import { Hono } from "hono";
import { concat } from "../../core/base/bytes.ts";
import { type AuditLog, visibleEntry } from "../../core/operations/audit_log.ts";
import type { Server } from "../../core/service.ts";
import { EXPORT_AUDIT_LOG, SHOW_AUDIT_LOG } from "../../edge/operations/operators.ts";

const LINE_FEED = Uint8Array.of(0x0a);
/** Entries of one answer. */
const MAX_ENTRIES = 1_000;

/** The router of the audit log, behind the check of a token. */
export function adminAuditLogRoutes({ auditLog }: Server): Hono {
  return new Hono().get(SHOW_AUDIT_LOG.path, async function listAuditLog(c) {
    const [entries, verdict] = await Promise.all([auditLog.latest(MAX_ENTRIES), auditLog.verify()]);
    return c.json({ ...verdict, latest: entries.map(visibleEntry) });
  }).get(EXPORT_AUDIT_LOG.path, function exportAuditLog(c) {
    return c.body(ReadableStream.from(linesOf(auditLog)), 200, { "content-type": "application/x-ndjson" });
  });
}

async function* linesOf(auditLog: AuditLog): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const line of auditLog.lines()) yield concat(line, LINE_FEED);
}
