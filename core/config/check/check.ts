/**
 * Checks a configuration as a whole: every mistake is found at once, each with one sentence that says what to do.
 *
 * @module
 */
import { z } from "zod";
import { measuredEvents, SKETCH_MEMORY, sketchParameters } from "../../privacy/risk/dimensions.ts";
import { checkEvents } from "./events.ts";
import { checkReleases } from "./releases.ts";
import { checkRisk } from "./risk.ts";
import { isMembers, type Members } from "./json.ts";
import type { Application, ApplicationConfig, Config, Deployment } from "../types.ts";

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

function integer(min: number, max: number): z.ZodInt {
  const message = `write a whole number from ${min} to ${max}`;
  // Aborting keeps a value that is out of range from being named a second time by a later check.
  return z.int(message).min(min, { error: message, abort: true }).max(max, { error: message, abort: true });
}

const text = (what: string) => z.string(`write ${what}`).min(1, `write ${what}`);

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
    issuer: text("the iss that a session's JWT carries"),
    audience: text("the aud that a session's JWT contains").optional(),
    key: sessionKey(options),
    maxAgeSeconds: integer(1, 400 * DAY).optional(),
  }, "describe how a client's session is verified");

function isRotation(value: unknown): boolean {
  if (value === false) return true;
  return typeof value === "number" && value >= DAY && value <= 400 * DAY && value % DAY === 0;
}

const application = (options: CheckOptions) =>
  z.strictObject({
    suite: z.enum(["ristretto255-SHA512", "P384-SHA384"], "choose ristretto255-SHA512 or P384-SHA384")
      .optional(),
    epochSeconds: integer(options.development ? 10 : 3_600, 30 * DAY).optional(),
    overlapEpochs: integer(0, 8).optional(),
    horizonEpochs: integer(1, 8).optional(),
    usesPerToken: integer(1, 1_024).optional(),
    tokensPerClient: integer(1, 1_024).optional(),
    maxBatch: integer(1, 256).optional(),
    session: session(options),
    pseudonymSeconds: z.unknown().refine(
      isRotation,
      "write false or a multiple of 86400 (whole days), 400 days at most",
    ).optional(),
    granularitySeconds: integer(60, DAY).refine((value) => DAY % value === 0, "write a divisor of 86400")
      .optional(),
    retentionDays: integer(1, 400).optional(),
    expectedClients: integer(1, 10 ** 10).optional(),
    minCrowd: integer(1, 10 ** 6).optional(),
    serviceTokenSha256: z.string("give a SHA-256 in hex").regex(
      /^[0-9a-f]{64}$/,
      "give the SHA-256 of the token as 64 lower-case hex digits, never the token itself",
    ).optional(),
    // Checked below, with more to say than a schema has.
    events: z.unknown().optional(),
    risk: z.unknown().optional(),
    releases: z.unknown().optional(),
  }, "describe the application");

/** Checks a configuration and fills in its defaults. Throws {@linkcode ConfigError} with every mistake at once. */
export function checkConfig(config: unknown, options: CheckOptions): Deployment {
  const schema = z.strictObject({
    issuer: z.string("write the deployment's host name").regex(
      HOST,
      "write the deployment's host name in lower case, without https://",
    ),
    alerts: alerts(options).optional(),
    applications: z.record(z.string(), application(options), "list the applications").refine(
      (applications) => Object.keys(applications).length > 0,
      "list at least one application",
    ),
  }, "export a configuration made with defineConfig as default");
  const parsed = schema.safeParse(config);
  const mistakes = parsed.success ? [] : parsed.error.issues.map(describe);
  // These checks are ours, and run whatever else is wrong.
  const applications = isMembers(config) && isMembers(config.applications) ? config.applications : {};
  for (const [id, definition] of Object.entries(applications)) {
    if (!APP_ID.test(id)) {
      mistakes.push(
        `applications.${id}: name it with a-z, 0-9 and "-", a letter first, at most 63 characters.`,
      );
    }
    if (isMembers(definition)) {
      mistakes.push(...checkEvents(`applications.${id}.events`, definition.events));
      mistakes.push(...checkPeople(`applications.${id}`, definition));
    }
  }
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
function checkPeople(path: string, definition: Members): string[] {
  const { risk, releases, pseudonymSeconds } = definition;
  if (pseudonymSeconds !== false) {
    // A rotation that is none has been named.
    const rotation = typeof pseudonymSeconds === "number" && isRotation(pseudonymSeconds)
      ? pseudonymSeconds
      : 7 * DAY;
    return [
      ...(risk === undefined ? [] : checkRisk(`${path}.risk`, risk)),
      ...(releases === undefined
        ? []
        : checkReleases(`${path}.releases`, releases, definition.events, rotation / DAY)),
    ];
  }
  const events = isMembers(definition.events) ? Object.entries(definition.events) : [];
  return [
    ...(risk === undefined ? [] : [`${path}.risk`]),
    ...(releases === undefined ? [] : [`${path}.releases`]),
    ...events.filter(([, event]) => isMembers(event) && event.risk !== undefined)
      .map(([name]) => `${path}.events.${name}.risk`),
  ].map((place) => `${place}: remove it: without a pseudonym nobody can tell people from events.`);
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.length === 0 ? "dit.config.ts" : issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return `${path}: remove ${issue.keys.map((key) => `"${key}"`).join(", ")}, which no setting is called.`;
  }
  return `${path}: ${issue.message}.`;
}

function fillIn(id: string, config: ApplicationConfig): Application {
  const pseudonymSeconds = config.pseudonymSeconds ?? 7 * DAY;
  return {
    id,
    suite: config.suite ?? "ristretto255-SHA512",
    epochSeconds: config.epochSeconds ?? DAY,
    overlapEpochs: config.overlapEpochs ?? 1,
    horizonEpochs: config.horizonEpochs ?? 3,
    usesPerToken: config.usesPerToken ?? 64,
    tokensPerClient: config.tokensPerClient ?? 4,
    maxBatch: config.maxBatch ?? 32,
    session: config.session,
    pseudonymSeconds: pseudonymSeconds === false ? undefined : pseudonymSeconds,
    granularitySeconds: config.granularitySeconds ?? 3_600,
    retentionDays: config.retentionDays ?? 30,
    expectedClients: config.expectedClients ?? 10_000,
    minCrowd: config.minCrowd ?? 20,
    serviceTokenSha256: config.serviceTokenSha256,
    risk: config.risk ?? {},
    releases: config.releases,
    events: config.events,
  };
}
