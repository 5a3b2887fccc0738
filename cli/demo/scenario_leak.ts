// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task demo --scenario leak`: an event whose only field is the exact position of a slider. The monitor finds that
 * it singles people out, says so, and stops it. Then an id in four pieces, each of which many share: it is told of.
 *
 * @module
 */
import { type AlertRow, alertText } from "../../core/privacy/risk/alerts.ts";
import { ALL_EVENTS } from "../../core/privacy/risk/suppressions.ts";
import { dayOf, formatDay } from "../../core/base/time.ts";
import { callAdmin, CommandError } from "../admin_api.ts";
import { type DemoClient, openScenario, Population } from "./population.ts";

/** Clients that send before the monitor is looked at again. */
const STEP = 100;
const MAX_CLIENTS = 2_000;
/** The same for what clients say in total, of which more are waited for. */
const TOTAL_STEP = 300;
/** Between two merges in development, and what a schema may be older. */
const MERGE_MS = 2_500;

function moveSlider(client: DemoClient): void {
  const [level = 0] = crypto.getRandomValues(new Uint16Array(1));
  client.log("volume_changed", { level });
}

/** An id of 32 bits in four events, a byte each: none of them is anybody's own. */
function saveSettings(client: DemoClient): void {
  for (const [group, checksum] of crypto.getRandomValues(new Uint8Array(4)).entries()) {
    client.log("settings_saved", { group, checksum });
  }
}

/** What was told of an event; of what clients say in total, since then. */
async function stopAlert(event: string, sinceSeconds = 0): Promise<AlertRow | undefined> {
  const { alerts }: { alerts: AlertRow[] } = await (await callAdmin("/admin/v1/apps/demo/risk")).json();
  return alerts.find((alert) => alert.kind === "stop" && alert.event === event && alert.at >= sinceSeconds);
}

/** Sends until an alarm is raised about `event`. */
async function sendUntilAlarm(population: Population, { event, from, step, log }: {
  readonly event: string;
  readonly from: number;
  readonly step: number;
  readonly log: (client: DemoClient) => void;
}): Promise<{ readonly clients: number; readonly alert: AlertRow | undefined }> {
  const sinceSeconds = Math.floor(Date.now() / 1000);
  for (let clients = from; clients < from + MAX_CLIENTS;) {
    await population.send(clients, step, log);
    clients += step;
    await pause();
    const alert = await stopAlert(event, sinceSeconds);
    console.log(
      `   ${clients - from} clients have sent: ${alert === undefined ? "too few to judge" : "ALARM"}`,
    );
    if (alert !== undefined) return { clients, alert };
  }
  return { clients: from + MAX_CLIENTS, alert: undefined };
}

/** How many stored events have the slider's position, and how many have not. */
async function countLevels(): Promise<{ levels: number; without: number }> {
  const day = formatDay(dayOf(Date.now() / 1000));
  const text = await (await callAdmin(`/admin/v1/apps/demo/logs/${day}`)).text();
  const events = text.split("\n").filter((line) => line !== "").flatMap((line) => JSON.parse(line).events);
  const levels = events.filter(({ fields }) => "level" in fields).length;
  return { levels, without: events.length - levels };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, MERGE_MS));
}

/** Gives whether the id in pieces was found. */
async function showPieces(population: Population, from: number): Promise<boolean> {
  console.log(
    "\nAnother mistake hides: settings_saved carries a checksum of one byte, and each of the 256 is many people's. But\n" +
      "a client saves four groups of settings, and the four checksums together are its own.\n",
  );
  const { alert } = await sendUntilAlarm(population, {
    event: ALL_EVENTS,
    from,
    step: TOTAL_STEP,
    log: saveSettings,
  });
  if (alert === undefined) return false;
  console.log(
    `\n  ${
      alertText(alert)
    }\n\nNothing is stopped for it unasked: risk: { total: { action: "stop-event" } } would stop all ` +
      "events of the application.",
  );
  return true;
}

/**
 * Runs the scenario, on a running service or on one of its own. Gives whether the leak was found and stopped.
 * @throws {CommandError} When the running service has stopped the field before: then there is nothing to see.
 */
export async function showLeak(running?: string): Promise<boolean> {
  const service = await openScenario(running);
  try {
    if (await stopAlert("volume_changed") !== undefined) {
      throw new CommandError("This service has raised the alarm before: run the scenario on an empty store.");
    }
    console.log(
      "The schema has a mistake: volume_changed carries a slider's exact position, one of 65,536, and so almost\n" +
        "everybody has a value of their own.\n",
    );
    const population = await Population.of(service.url);
    const { clients, alert } = await sendUntilAlarm(population, {
      event: "volume_changed",
      from: 0,
      step: STEP,
      log: moveSlider,
    });
    if (alert === undefined) return false;
    console.log(`\n  ${alertText(alert)}\n`);
    const schema = await (await fetch(`${service.url}/v1/apps/demo/schema`)).json();
    const { fields } = schema.events.find(({ name }: { name: string }) => name === "volume_changed");
    console.log(`What every client reads from now on: "level": ${JSON.stringify(fields.level)}\n`);
    const before = await countLevels();
    await population.send(clients, STEP, moveSlider);
    const after = await countLevels();
    console.log(`   ${STEP} more clients have moved the slider.`);
    console.log(
      `\n${after.levels - before.levels} of their positions were stored; ${
        after.without - before.without
      } of their ` +
        `events arrived without.\nA person would lift the stop with a reason, in the console or with: ` +
        `deno task risk lift --app demo --event volume_changed --field level --reason "..."`,
    );
    const isStopped = after.levels === before.levels && after.without - before.without === STEP;
    return await showPieces(population, clients + STEP) && isStopped;
  } finally {
    await service.stop();
  }
}
