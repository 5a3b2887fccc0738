/**
 * The nightly job: yesterday's questions are answered, and those of nights that were missed. Idempotent; cron runs it in
 * every process.
 *
 * @module
 */
import type { ReleaseContext } from "../privacy/release/release.ts";
import { type NightOutcome, releaseDue } from "../privacy/release/release_due.ts";
import type { Server } from "../service.ts";

/** What one night came to. */
export interface NightReport {
  /** What became of each question, by application, then by day and question, but of those that were answered before. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, NightOutcome>>>>;
  /** The first error, if a day failed: what could be answered was, and another run may answer the rest. */
  readonly failure?: unknown;
}

/** Answers what is due of every application. */
export async function runReleases(server: Server): Promise<NightReport> {
  const outcomes: Record<string, Record<string, NightOutcome>> = {};
  const failures: unknown[] = [];
  for (const app of server.deployment.applications.values()) {
    if (app.releases === undefined) continue;
    outcomes[app.id] = await releaseDue(releaseContext(server), app, {
      nowSeconds: server.time.confirmedSeconds(),
      onFailure: (error) => failures.push(error),
    });
  }
  if (failures.length === 0) await server.jobSuccesses.succeeded("releases");
  return { outcomes, ...(failures.length === 0 ? {} : { failure: failures[0] }) };
}

/** What releases of a server work with. */
export function releaseContext({ store, random, risk, auditLog, version }: Server): ReleaseContext {
  return { store, random, withheldWithin: risk.withheldWithin.bind(risk), auditLog, version };
}
