/**
 * Checks a configuration as a whole: every mistake is found at once, each with one sentence that says what to do.
 *
 * @module
 */
import { z } from "zod";
import { measuredEvents, SKETCH_MEMORY, sketchParameters } from "../../privacy/risk/dimensions.ts";
import {
  DEFAULT_GRANULARITY_SECONDS,
  DEFAULT_PSEUDONYM_SECONDS,
  GRANULARITIES,
  isRotation,
} from "../../schema/bounds.ts";
import type { EventSchemas } from "../../schema/event.ts";
import type { Application, ApplicationConfig, Config, Deployment, Written } from "../types.ts";
import { events } from "./events.ts";
import { MAX_BATCH } from "../../token/batch.ts";
import { DEFAULT_SUITE, SUITE_NAMES } from "../../voprf/suites.ts";
import {
  BESIDE_OTHERS,
  byName,
  checkPart,
  integer,
  isMembers,
  offer,
  oneOf,
  say,
  sentencesOf,
  text,
} from "./json.ts";
import { releases } from "./releases.ts";
import { applicationRisk } from "./risk.ts";
import { checkUnlinkable, unlinkablePreset } from "./unlinkable.ts";

/** A configuration with mistakes; `mistakes` has one sentence for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** Lists the mistakes. */
  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join("\n"));
  }
}

/** What the checks need to know of the surroundings. */
export interface CheckOptions {
  /** In development an epoch may be as short as 10 s. */
  readonly development: boolean;
}

const DAY = 86_400;
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?$/;
const APP_ID = /^[a-z][a-z0-9-]{0,62}$/;

const algorithm = z.enum(
  ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
  "name one of RS256, PS256, ES256, ES384, EdDSA",
);

const secretEnv = z.string("name an environment variable").regex(
  /^[A-Z][A-Z0-9_]*$/,
  "name an environment variable in capitals",
);

/** A URL that is https, but in development. */
const url = ({ development }: CheckOptions, what: string) =>
  z.url(
    development
      ? { protocol: /^https?$/, error: `give the URL of ${what}` }
      : { protocol: /^https$/, error: `give the https URL of ${what}` },
  );

const alerts = (options: CheckOptions) =>
  z.strictObject({
    webhook: z.strictObject({ url: url(options, "a webhook"), secretEnv }, "describe the webhook"),
  }, "say where alerts go: { webhook: { url, secretEnv } }");

const sessionKey = (options: CheckOptions) =>
  z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("hs256"),
      secretEnv,
    }),
    z.strictObject({
      kind: z.literal("public-key"),
      algorithm,
      pem: z.string("give a public key").startsWith(
        "-----BEGIN PUBLIC KEY-----",
        "give a public key in PEM (SPKI)",
      ),
    }),
    z.strictObject({
      kind: z.literal("jwks"),
      url: url(options, "a JWKS"),
      algorithms: z.array(algorithm, "allow at least one algorithm").min(1, "allow at least one algorithm"),
    }),
  ], 'choose kind "hs256", "public-key" or "jwks"');

const session = (options: CheckOptions) =>
  z.strictObject({
    issuer: text("write the iss that a session's JWT carries"),
    audience: text("write the aud that a session's JWT contains").optional(),
    key: sessionKey(options),
    maxAgeSeconds: integer(1, 400 * DAY).optional(),
  }, "describe how a client's session is verified");

/** Whether a value may be an epoch's length: one that may not is named by its own check. */
function isEpoch(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number > 0 && value as number <= 30 * DAY;
}

const application = (options: CheckOptions) =>
  z.strictObject({
    suite: z.enum(SUITE_NAMES, `choose ${offer(SUITE_NAMES)}`).optional(),
    epochSeconds: integer(options.development ? 10 : 3_600, 30 * DAY).optional(),
    overlapEpochs: integer(0, 8).optional(),
    horizonEpochs: integer(1, 8).optional(),
    usesPerToken: integer(1, 1_024).optional(),
    unlinkable: z.boolean("write true or false").optional(),
    tokensPerClient: integer(1, 1_024).optional(),
    maxBatch: integer(1, MAX_BATCH).optional(),
    session: session(options),
    pseudonymSeconds: z.unknown().refine(
      (value) => value === false || isRotation(value),
      "write false or a multiple of 86400 (whole days), 400 days at most",
    ).optional(),
    granularitySeconds: oneOf(GRANULARITIES, {
      direction: "up",
      as: "coarser",
      beyond: "none is coarser",
    }).optional(),
    retentionDays: integer(1, 400).optional(),
    expectedClients: integer(1, 10 ** 10).optional(),
    minCrowd: integer(1, 10 ** 6).optional(),
    serviceTokenSha256: z.string("give a SHA-256 in hex").regex(
      /^[0-9a-f]{64}$/,
      "give the SHA-256 of the token as 64 lower-case hex digits, never the token itself",
    ).optional(),
    events,
    // What these two may say depends on the events and on how long a pseudonym lasts.
    risk: z.unknown().optional(),
    releases: z.unknown().optional(),
  }, "describe the application").superRefine(checkUnlinkable, BESIDE_OTHERS)
    .superRefine(checkPeople, BESIDE_OTHERS);

function checkApplicationId(id: string): string[] {
  return APP_ID.test(id) ? [] : ['name it with a-z, 0-9 and "-", a letter first, at most 63 characters'];
}

/** Checks a configuration and fills in its defaults. Throws {@linkcode ConfigError} with every mistake at once. */
export function checkConfig(config: unknown, options: CheckOptions): Deployment {
  const schema = z.strictObject({
    issuer: z.string("write the deployment's host name").regex(
      HOST,
      "write the deployment's host name in lower case, without https://",
    ),
    alerts: alerts(options).optional(),
    applications: byName({
      definition: application(options),
      sentence: "list the applications",
      checkName: checkApplicationId,
    }).refine((applications) => Object.keys(applications).length > 0, "list at least one application"),
  }, "export a configuration made with defineConfig as default");
  const mistakes = sentencesOf(schema, config);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const checked = config as Config;
  const deployment: Deployment = {
    issuer: checked.issuer,
    alerts: checked.alerts,
    applications: new Map(
      Object.entries(checked.applications).map(([id, definition]) => [id, fillIn(id, definition)]),
    ),
  };
  if (sketchParameters(measuredEvents(deployment)) === undefined) {
    throw new ConfigError([
      `applications: remove fields of the events with many: their combinations are more than ${
        SKETCH_MEMORY / 2 ** 20
      } MiB of risk sketches can measure.`,
    ]);
  }
  return deployment;
}

/** What counts people needs a pseudonym to count them by. */
function checkPeople(written: Written, context: z.RefinementCtx<unknown>): void {
  const { pseudonymSeconds = DEFAULT_PSEUDONYM_SECONDS, epochSeconds = DAY, unlinkable } = written;
  if (pseudonymSeconds === false || unlinkable === true) return refusePeople(written, context);
  // A token serves the pseudonym of the period in which its key's epoch begins: an epoch must not lie in two.
  if (
    isRotation(pseudonymSeconds) && isEpoch(epochSeconds) && pseudonymSeconds % epochSeconds !== 0
  ) {
    say(
      context,
      ["pseudonymSeconds"],
      `write a multiple of epochSeconds, which is ${epochSeconds}, or false`,
    );
  }
  if (written.risk !== undefined) checkPart(context, ["risk"], applicationRisk, written.risk);
  if (written.releases === undefined) return;
  // A rotation that is none has been named.
  const rotation = isRotation(pseudonymSeconds) ? pseudonymSeconds : DEFAULT_PSEUDONYM_SECONDS;
  const { success } = events.safeParse(written.events);
  const asked = releases({
    events: success ? written.events as EventSchemas : undefined,
    rotationDays: rotation / DAY,
    retentionDays: typeof written.retentionDays === "number" ? written.retentionDays : 30,
  });
  checkPart(context, ["releases"], asked, written.releases);
}

function refusePeople(written: Written, context: z.RefinementCtx<unknown>): void {
  const places: string[][] = [];
  if (written.risk !== undefined) places.push(["risk"]);
  if (written.releases !== undefined) places.push(["releases"]);
  for (const [name, event] of Object.entries(isMembers(written.events) ? written.events : {})) {
    if (isMembers(event) && event.risk !== undefined) places.push(["events", name, "risk"]);
  }
  for (const place of places) {
    say(context, place, "remove it: without a pseudonym nobody can tell people from events");
  }
}

function fillIn(id: string, written: ApplicationConfig): Application {
  const config = { ...written, ...unlinkablePreset(written) };
  const pseudonymSeconds = config.pseudonymSeconds ?? DEFAULT_PSEUDONYM_SECONDS;
  return {
    id,
    suite: config.suite ?? DEFAULT_SUITE,
    epochSeconds: config.epochSeconds ?? DAY,
    overlapEpochs: config.overlapEpochs ?? 1,
    horizonEpochs: config.horizonEpochs ?? 3,
    usesPerToken: config.usesPerToken ?? 64,
    tokensPerClient: config.tokensPerClient ?? 2,
    maxBatch: config.maxBatch ?? 32,
    session: config.session,
    pseudonymSeconds: pseudonymSeconds === false ? undefined : pseudonymSeconds,
    granularitySeconds: config.granularitySeconds ?? DEFAULT_GRANULARITY_SECONDS,
    retentionDays: config.retentionDays ?? 30,
    expectedClients: config.expectedClients ?? 10_000,
    minCrowd: config.minCrowd ?? 20,
    serviceTokenSha256: config.serviceTokenSha256,
    risk: config.risk ?? {},
    releases: config.releases,
    events: config.events,
  };
}
