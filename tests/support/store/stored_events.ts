/**
 * What a development service stored, as its operator may export it.
 *
 * @module
 */
import { formatDay } from "../../../core/base/time.ts";

/** An event as it is stored. */
export interface StoredEvent {
  readonly name: string;
  readonly at: string;
  readonly fields: Record<string, unknown>;
}

/** All events of the application `demo`. `folder` is where the service runs and keeps `.dit/`. */
export async function exportEvents(url: string, folder: string): Promise<StoredEvent[]> {
  const token = (await Deno.readTextFile(`${folder}/.dit/admin_token`)).trim();
  const today = Math.floor(Date.now() / 86_400_000);
  const events: StoredEvent[] = [];
  for (const day of [today - 1, today]) {
    const response = await fetch(`${url}/admin/v1/apps/demo/logs/${formatDay(day)}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The export was answered ${response.status}: ${text}`);
    for (const line of text.split("\n")) if (line !== "") events.push(...JSON.parse(line).events);
  }
  return events;
}
