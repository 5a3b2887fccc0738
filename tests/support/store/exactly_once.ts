/**
 * What every fault test asks at its end: is each acknowledged log stored once, each refused one not at all, and every
 * stored one claimed?
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Answer, isUnknown, type SignedLog } from "../client/load_client.ts";
import type { RunningService } from "../processes/running_service.ts";
import { audit, exportIds } from "../processes/spawned_service.ts";

/** Logs and the last answer that each had; undefined: none yet. */
export type Sent = Map<SignedLog, Answer | undefined>;

/**
 * Compares what a service has stored with what clients were told. `before` are the ids of logs that were stored before.
 * @returns The ids of all records.
 */
export async function assertExactlyOnce(
  service: RunningService,
  sent: Sent,
  before: ReadonlySet<string> = new Set(),
): Promise<Set<string>> {
  const report = await audit(service);
  assertEquals(report.findings, []);
  const stored = new Map<string, number>();
  for (const id of await exportIds(service)) {
    stored.set(id, (stored.get(id) ?? 0) + 1);
  }
  assertEquals(stored.values().filter((count) => count > 1).toArray(), [], "a log is stored more than once");
  const lost = [];
  const unasked = [];
  let known = 0;
  for (const [{ id }, answer] of sent) {
    const isStored = stored.has(id);
    if (isStored) known++;
    if (answer === undefined || isUnknown(answer)) continue;
    if (answer.status === 200 && !isStored) lost.push(answer);
    if (answer.status !== 200 && isStored) unasked.push(answer);
  }
  assertEquals(lost, [], "acknowledged logs are lost");
  assertEquals(unasked, [], "refused logs are stored");
  assertEquals(
    stored.size,
    known + before.size,
    "logs are stored that nobody sent, or lost that were stored before",
  );
  assertEquals(report.claims, stored.size, "uses and records differ");
  return new Set(stored.keys());
}
