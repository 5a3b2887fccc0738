/**
 * All that a process tells whoever scrapes it.
 *
 * @module
 */
import type { Counters } from "./counters.ts";
import { type GaugedServer, readGauges } from "./gauges.ts";
import type { Exposition } from "./prometheus.ts";
import type { Standing } from "./standing.ts";

/** What it is read from. */
export interface ExposedServer extends GaugedServer {
  /** What this process has counted. */
  readonly counters: Pick<Counters, "exported" | "durations">;
  /** What has to be read of the store and the machine. */
  readonly standing: Pick<Standing, "host" | "keyEnds" | "jobSuccesses" | "refresh">;
}

/** Reads it, as far as it can be read in a moment. Its members survive a structured clone. */
export async function readExposition(server: ExposedServer): Promise<Exposition> {
  await server.standing.refresh();
  const { counters } = server;
  const { bounds, routes } = counters.durations;
  return { counts: counters.exported(), durations: { bounds, routes }, gauges: readGauges(server) };
}
