/**
 * The nightly job: yesterday's questions are answered, and those of nights that were missed. Idempotent; cron runs it in
 * every process.
 *
 * @module
 */
import { type Outcome, releaseDue } from "./privacy/release.ts";
import type { Server } from "./service.ts";

/** What became of each question, by application, then by day and question. Those that were answered before are left out. */
export async function runReleases(server: Server): Promise<Record<string, Record<string, Outcome>>> {
  const report: Record<string, Record<string, Outcome>> = {};
  for (const app of server.deployment.applications.values()) {
    if (app.releases !== undefined) {
      report[app.id] = await releaseDue(releaseContext(server), app, server.now());
    }
  }
  return report;
}

/** What releases of a server work with. */
export function releaseContext({ store, random, risk }: Server) {
  return { store, random, withheldOf: (app: string) => risk.withheldOf(app) };
}
