import { DEFAULT_GRANULARITY_SECONDS, DEFAULT_PSEUDONYM_SECONDS } from "../schema/bounds.ts";
import { schemaDocument } from "../schema/document.ts";
import { NO_SUPPRESSIONS } from "../schema/event.ts";
import type { Config } from "./types.ts";

/**
 * The schema of one application of a configuration, with nothing suppressed: what an app in the same repository is
 * compiled with. It brings the whole configuration along, without any secret; a page imports the JSON that
 * `deno task schema types` writes instead.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { declaredSchema } from "@dit/service/config";
 * import config from "./dit.config.ts";
 *
 * const client = new DitClient({ endpoint, app: "demo", session, declared: declaredSchema(config, "demo") });
 * ```
 *
 * @throws {RangeError} If the configuration has no application of this name.
 */
export function declaredSchema<const C extends Config>(
  { applications }: C,
  app: Extract<keyof C["applications"], string>,
): Record<string, unknown> {
  const found = Object.hasOwn(applications, app) ? applications[app] : undefined;
  if (found === undefined) throw new RangeError(`Cannot find the application ${app}`);
  const {
    events,
    pseudonymSeconds = DEFAULT_PSEUDONYM_SECONDS,
    granularitySeconds = DEFAULT_GRANULARITY_SECONDS,
  } = found;
  // At the beginning of all time no event has expired.
  return schemaDocument(
    { id: app, pseudonymSeconds: pseudonymSeconds || undefined, granularitySeconds, events },
    NO_SUPPRESSIONS,
    0,
  );
}
