import type { RandomSource, Suite } from "../core/voprf/suite.ts";
import type { Clock } from "./clock.ts";
import type { Fetch } from "./http.ts";
import type { ClientStorage } from "./storage.ts";
import type { Report, SessionSource } from "./types.ts";

/** What the parts of one client share. Nothing of it is global. */
export interface Surroundings {
  /** `{endpoint}/v1/apps/{app}`, without a slash at its end. */
  readonly url: string;
  readonly app: string;
  readonly session: SessionSource;
  readonly suite: Suite;
  readonly storage: ClientStorage;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly report: Report;
  readonly gzip: boolean;
}
