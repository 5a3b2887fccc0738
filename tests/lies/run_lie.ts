/**
 * Tells a lie to a client, and then the truth again.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { ClientEvents } from "../../client/mod.ts";
import { startLyingService } from "./lying_service.ts";
import type { Command, Remote } from "./remote.ts";
import { assertUnlinked, numberOf, type Seen, type Step } from "./seen.ts";
import type { Demand, Lie } from "./table.ts";

/** What a client told, in order. */
type Told = readonly { [N in keyof ClientEvents]: [N, ClientEvents[N]] }[keyof ClientEvents][];

const HOUR_MS = 3_600_000;
let clients = 0;

/**
 * Runs a lie. Whatever it is, the client must bear it: nothing is thrown, nothing that was seen is linked, and within an
 * hour of the service's being honest again everything has arrived once, but for what the lie's demand says is dropped.
 */
export async function runLie(remote: Remote, lie: Lie): Promise<void> {
  const { before = 0, later = 0, events = 3, rounds = 2, pause = 0, client } = lie;
  await using service = await startLyingService({ application: lie.service });
  const { test, url } = service;
  const id = ++clients;
  const ask = (name: Command["name"], more: Record<string, unknown> = {}) =>
    remote.ask({ ...more, name, id });
  const told = async () => (await ask("told") as { told: Told }).told;
  const pass = async (milliseconds: number) => {
    test.clock.now += milliseconds;
    await ask("clock", { now: test.clock.now });
  };
  let logged = 0;
  const log = async (count: number) => {
    await ask("log", { events: Array.from({ length: count }, () => ({ number: logged++ })) });
  };

  const mirror = lie.mirror ? `${url}/mirror/v1/apps/notes/keys` : undefined;
  const declared = lie.declared
    ? await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json()
    : undefined;
  const keyPin = lie.pinned
    ? (await (await test.fetch("https://telemetry.example/v1/apps/notes/keys", {})).json())["token-keys"].at(
      -1,
    ).chain
    : undefined;
  const options = {
    endpoint: url,
    ...mirror && { mirror },
    ...declared && { declared },
    ...keyPin && { keyPin },
  };
  await ask("make", { url, now: test.clock.now, options });
  if (before > 0) {
    await log(before);
    await ask("flush");
    assertEquals(sentOf(await told()), before, "before the lie");
    await pass(later * 1000);
  }
  const start = (await told()).length;
  const begun = service.seen.length;
  service.lie = lie.tell;
  await log(events);
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await pass(pause * 1000);
    await ask("flush");
  }
  const stored = await ask("stored") as Record<string, string>;
  assertDemand(client, { told: (await told()).slice(start), seen: service.seen.slice(begun), stored });

  service.lie = undefined;
  await pass(HOUR_MS);
  await ask("flush");
  const { told: all, thrown } = await ask("told") as { told: Told; thrown: string[] };
  assertEquals(thrown, []);
  assertUnlinked(service.seen);
  const dropped = droppedOf(all);
  if (client.dropped !== "any") assertEquals(dropped, client.dropped ?? {}, "dropped");
  const { bound = [], waiting = [] } = await ask("inspect") as Record<string, unknown[]>;
  assertEquals([bound, waiting], [[], []], `what is left after an hour of honesty: ${JSON.stringify(all)}`);
  const numbers = (await test.records()).flatMap(({ events }) => events.map(numberOf)).sort((a, b) => a - b);
  assertEquals(numbers, [...new Set(numbers)], "an event is stored twice");
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  assert(
    numbers.length >= logged - lost - (client.untrue ?? 0),
    `${numbers.length} of ${logged} events are stored`,
  );
  assertEquals(sentOf(all), logged - lost, "sent");
  await ask("close");
}

/** What there is to see while a lie is told. */
interface Scene {
  readonly told: Told;
  readonly seen: readonly Seen[];
  readonly stored: Readonly<Record<string, string>>;
}

function assertDemand(demand: Demand, { told, seen, stored }: Scene): void {
  const refused = told.flatMap(([name, event]) => name === "refused" ? [`${event.step} ${event.code}`] : []);
  for (const refusal of demand.refused ?? []) {
    assert(refused.includes(refusal), `told: ${refused.join(", ")}`);
  }
  const sent = "sent" in demand ? demand.sent : 0;
  if (sent !== undefined) assertEquals(sentOf(told), sent, "sent while the lie was told");
  if (demand.keepsTokens === false) {
    assertEquals(Object.keys(stored).filter((key) => key.startsWith("token/")), [], "tokens");
  }
  for (const [step, most] of Object.entries(demand.most ?? {}) as [Step, number][]) {
    const count = seen.filter((one) => one.step === step).length;
    assert(count <= most, `${count} requests for ${step}`);
  }
  demand.check?.(seen);
}

function sentOf(told: Told): number {
  return told.reduce((sum, [name, event]) => name === "sent" ? sum + event.events : sum, 0);
}

function droppedOf(told: Told): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, event] of told) {
    if (name === "dropped") counts[event.reason] = (counts[event.reason] ?? 0) + event.events;
  }
  return counts;
}
