// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task demo --scenario leak`: an event whose only field is the exact position of a slider. The monitor finds that
 * it singles people out, says so, and stops it.
 *
 * @module
 */
import { type AlertRow, alertText } from "../../core/privacy/risk/alerts.ts";
import { dayOf, formatDay } from "../../core/base/time.ts";
import { callAdmin, CommandError } from "../admin_api.ts";
import { type DemoClient, openScenario, Population } from "./population.ts";

/** Clients that send before the monitor is looked at again. */
const STEP = 100;
const MAX_CLIENTS = 2_000;
/** Between two merges in development, and what a schema may be older. */
const MERGE_MS = 2_500;

function moveSlider(client: DemoClient): void {
  const [level = 0] = crypto.getRandomValues(new Uint16Array(1));
  client.log("volume_changed", { level });
}

async function stopAlert(): Promise<AlertRow | undefined> {
  const { alerts }: { alerts: AlertRow[] } = await (await callAdmin("/admin/v1/apps/demo/risk")).json();
  return alerts.find(({ kind }) => kind === "stop");
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

/**
 * Runs the scenario, on a running service or on one of its own. Gives whether the leak was found and stopped.
 * @throws {CommandError} When the running service has stopped the field before: then there is nothing to see.
 */
export async function showLeak(running?: string): Promise<boolean> {
  const service = await openScenario(running);
  try {
    if (await stopAlert() !== undefined) {
      throw new CommandError("This service has raised the alarm before: run the scenario on an empty store.");
    }
    console.log(
      "The schema has a mistake: volume_changed carries a slider's exact position, one of 65,536, and so almost\n" +
        "everybody has a value of their own.\n",
    );
    const population = await Population.of(service.url);
    let clients = 0;
    let alert: AlertRow | undefined;
    while (alert === undefined && clients < MAX_CLIENTS) {
      await population.send(clients, STEP, moveSlider);
      clients += STEP;
      await pause();
      alert = await stopAlert();
      console.log(`   ${clients} clients have sent: ${alert === undefined ? "too few to judge" : "ALARM"}`);
    }
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
    return after.levels === before.levels && after.without - before.without === STEP;
  } finally {
    await service.stop();
  }
}
