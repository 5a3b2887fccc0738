/**
 * A whole service on an SQLite file, through which a day of clients passes with a clock of its own. Curve arithmetic
 * that changes nothing of what is stored is left out: clients do not verify proofs, and take their tokens from the
 * service's secret key.
 *
 * @module
 */
import { SignJWT } from "jose";
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { shuffle } from "../../core/base/shuffle.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import type { Application, Deployment } from "../../core/config/types.ts";
import { runMaintenance } from "../../core/jobs/maintenance.ts";
import type { Sealer } from "../../core/keys/sealing.ts";
import type { Service } from "../../core/service.ts";
import { openStore } from "../../boot/open_store.ts";
import { claimId, useDigest } from "../../core/ledger/row_ids.ts";
import { BATCH_REQUEST_TYPE, encodeBatchRequest } from "../../core/token/batch.ts";
import { formatCredential } from "../../core/token/credential.ts";
import { computeMac, deriveMacKey, digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { deriveNonce } from "../../core/token/nonce.ts";
import { encodeTokenInput } from "../../core/token/token.ts";
import type { Suite } from "../../core/voprf/suite.ts";
import type { AccessLine } from "../../edge/access_log.ts";
import type { EdgeHandler } from "../../edge/deidentify.ts";
import { type SeededRandom, seededRandom } from "../support/base/seeded_random.ts";
import { type AssembledTest, assembleTest, SESSION_SECRET } from "../support/service/assembled.ts";
import { setRow } from "../support/store/rows.ts";
import { type Deed, type Habits, makeDay } from "./day.ts";

/** The application. */
export const APP = "notes";
/** The `iss` of every session. */
export const ISSUER = "https://login.example";
/** The day on which everything happens, since 1970. */
export const DAY = 20_834;

/** What is wrong with a build on purpose: the attacker has to find out. */
export interface Weaknesses {
  /** Records stay where they arrived: the hourly job does not run. */
  readonly unshuffled?: boolean;
  /** Records keep seconds instead of hours. */
  readonly fineTimes?: boolean;
  /** Clients use no salt, and the service keeps the nonces that it sees, and what binds them to pseudonyms. */
  readonly keptNonces?: boolean;
}

/** What a run is made of. */
export interface WorldOptions extends Habits, Weaknesses {
  readonly seed: number;
  /** Called before each hourly maintenance, and at the end. */
  readonly onHour?: (world: World, hour: number) => Promise<void>;
}

interface Token {
  readonly ordinal: number;
  readonly nonce: Uint8Array;
  readonly binding: Uint8Array;
  readonly keyId: Uint8Array;
  readonly macKey: Uint8Array;
  readonly uses: number[];
}

/** A service and its clients. */
export interface World {
  readonly service: Service;
  readonly sealer: Sealer;
  /** What the server wrote about requests. */
  readonly lines: AccessLine[];
  /** What only the clients know: whose pseudonym is whose. */
  readonly pseudonyms: readonly string[];
  /** What only the clients know: the nonces of claims, by the id of the claim in hex. */
  readonly nonces: ReadonlyMap<string, Uint8Array>;
  /** What nobody keeps: the pseudonyms in the order of their first logs. */
  readonly arrivals: ReadonlySet<string>;
  readonly close: () => Promise<void>;
}

/** The `sub` of a client: the attacker has the list of all users. */
export function subjectOf(client: number): string {
  return `user-${client}@example.org`;
}

/** Lets a day pass. The store is as the last hour left it. */
export async function runDay(options: WorldOptions): Promise<World> {
  const random = seededRandom(options.seed);
  // Its own, so that the clients' day stays the same whatever the service draws.
  const { bytes } = seededRandom(~options.seed);
  const clock = { seconds: DAY * 86_400 };
  // In memory where there is such a file system: thousands of single commits would wait for a disk.
  const inMemory = await Deno.stat("/dev/shm").then(({ isDirectory }) => isDirectory, () => false);
  const folder = await Deno.makeTempDir(inMemory ? { dir: "/dev/shm" } : {});
  const { service, handle, answers, close } = await assembleTest({
    deployment: deploymentOf(options),
    now: () => clock.seconds,
    random: bytes,
    sealKey: bytes(32),
    openStore: () => openStore(`${folder}/kv.sqlite3`),
    settings: { requestsPerSecond: 1e9 },
  });
  const crowd = new Crowd({ service, handle }, options, random);
  const world: World = {
    service,
    sealer: service.sealer,
    lines: answers,
    pseudonyms: crowd.pseudonyms,
    nonces: crowd.nonces,
    arrivals: crowd.arrivals,
    async close() {
      await close();
      await Deno.remove(folder, { recursive: true });
    },
  };
  await runMaintenance(service, NO_PAUSE);
  let hour = 0;
  for (const deed of makeDay(options, random)) {
    // The job runs seven minutes after each hour.
    for (; deed.at >= hour * 3_600 + 420; hour++) await passHour(world, clock, hour, options);
    clock.seconds = DAY * 86_400 + Math.floor(deed.at);
    await crowd.act(deed);
  }
  for (; hour <= 24; hour++) await passHour(world, clock, hour, options);
  return world;
}

const NO_PAUSE = { rowsPerCommit: 250, pause: () => Promise.resolve() };

async function passHour(
  world: World,
  clock: { seconds: number },
  hour: number,
  options: WorldOptions,
): Promise<void> {
  clock.seconds = DAY * 86_400 + hour * 3_600 + 420;
  await world.service.counterRows.flush();
  await world.service.risk.merge(clock.seconds);
  await options.onHour?.(world, hour);
  if (options.unshuffled !== true) await runMaintenance(world.service, NO_PAUSE);
}

function deploymentOf({ fineTimes }: Weaknesses): Deployment {
  const deployment = checkConfig({
    issuer: "telemetry.example",
    applications: {
      [APP]: {
        session: { issuer: ISSUER, key: { kind: "hs256", secretEnv: "SECRET" } },
        events: {
          note_saved: {
            description: "A note was saved.",
            purpose: "How often saving fails.",
            owner: "notes-team",
            expires: "2099-12-31",
            fields: {
              ok: { type: "boolean" },
              platform: { type: "enum", values: ["web", "phone", "desktop"] },
              latency_ms: { type: "bucket", edges: [10, 100, 1_000] },
            },
          },
        },
      },
    },
  }, { development: true });
  const app = deployment.applications.get(APP)!;
  const changed: Application = fineTimes === true ? { ...app, granularitySeconds: 1 } : app;
  return { ...deployment, applications: new Map([[APP, changed]]) };
}

/** All clients. */
class Crowd {
  readonly pseudonyms: string[];
  readonly nonces = new Map<string, Uint8Array>();
  readonly arrivals = new Set<string>();
  readonly #tokens = new Map<number, Token[]>();
  readonly #service: Service;
  readonly #handle: EdgeHandler;
  readonly #random: SeededRandom;
  readonly #keepNonces: boolean;

  constructor(
    { service, handle }: Pick<AssembledTest, "service" | "handle">,
    { clients, keptNonces = false }: WorldOptions,
    random: SeededRandom,
  ) {
    this.#service = service;
    this.#handle = handle;
    this.#random = random;
    this.#keepNonces = keptNonces;
    this.pseudonyms = Array.from({ length: clients }, () => toBase64url(random.bytes(16)));
  }

  async act(deed: Deed): Promise<void> {
    if (deed.kind === "issue") await this.#issue(deed.client);
    else await this.#send(deed);
  }

  async #issue(client: number): Promise<void> {
    const service = this.#service;
    const random = this.#random;
    const key = await service.ringOf(APP).issuing(service.now());
    const binding = random.bytes(32);
    const nonce = deriveNonce(binding, fromBase64url(this.#pseudonymOf(client)));
    const input = encodeTokenInput({
      tokenType: key.voprf.tokenType,
      nonce,
      challengeDigest: key.challengeDigest,
      tokenKeyId: key.keyId,
    });
    const suite: Suite = key.voprf;
    const { blindedElements } = suite.blind([input], random.bytes);
    await this.#post("tokens", {
      authorization: `Bearer ${await this.#signIn(subjectOf(client))}`,
      "content-type": BATCH_REQUEST_TYPE,
    }, encodeBatchRequest(suite, { truncatedKeyId: key.truncatedId, blindedElements }));
    const token: Token = {
      ordinal: key.ordinal,
      nonce,
      binding,
      keyId: key.keyId,
      macKey: deriveMacKey(suite.evaluate(key.secretKey, [input])[0]!),
      uses: shuffle(Array.from({ length: key.usesPerToken }, (_, use) => use), random.bytes),
    };
    this.#tokens.set(client, [...this.#tokens.get(client) ?? [], token]);
    if (!this.#keepNonces) return;
    for (const seen of [nonce, binding]) await setRow(service.store, ["n", random.bytes(8)], seen);
  }

  #signIn(subject: string): Promise<string> {
    return new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setIssuer(ISSUER).setAudience(APP)
      .setSubject(subject).setExpirationTime(this.#service.now() + 3_600).sign(utf8(SESSION_SECRET));
  }

  async #send({ client, logged }: Deed): Promise<void> {
    const token = this.#tokens.get(client)?.find(({ uses }) => uses.length > 0);
    const use = token?.uses.pop();
    const pseudonym = this.#pseudonymOf(client);
    if (token === undefined || use === undefined) {
      throw new RangeError(`Client ${client} has no token left.`);
    }
    this.arrivals.add(pseudonym);
    this.nonces.set(claimId(token.ordinal, useDigest(token.nonce, use), use).toHex(), token.nonce);
    const salt = this.#keepNonces ? new Uint8Array(16) : this.#random.bytes(16);
    const body = bodyOf({ salt, pseudonym, binding: token.binding }, client, logged);
    const transcript = encodeTranscript({
      app: APP,
      contentEncoding: "",
      keyId: token.keyId,
      nonce: token.nonce,
      use,
      bodyDigest: digestBody(body),
    });
    const mac = computeMac(token.macKey, transcript);
    await this.#post("logs", {
      authorization: formatCredential({ keyId: token.keyId, nonce: token.nonce, use, mac }),
      "content-type": "application/json",
    }, body);
  }

  #pseudonymOf(client: number): string {
    const pseudonym = this.pseudonyms[client];
    if (pseudonym === undefined) throw new RangeError(`There is no client ${client}.`);
    return pseudonym;
  }

  async #post(route: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const url = `https://telemetry.example/v1/apps/${APP}/${route}`;
    const response = await this.#handle(new Request(url, { method: "POST", headers, body }), undefined);
    if (response.status !== 200) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    await response.body?.cancel();
  }
}

/** A body as the SDK writes it; what it measures depends on the client and the moment. */
export function bodyOf(
  { salt, pseudonym, binding }: { salt: Uint8Array; pseudonym: string; binding: Uint8Array },
  client: number,
  logged: readonly number[],
): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({
    salt: toBase64url(salt),
    pseudonym,
    binding: toBase64url(binding),
    events: logged.map((moment) => ({
      name: "note_saved",
      at: new Date((DAY * 86_400 + Math.floor(moment)) * 1000).toISOString().replace(".000", ""),
      fields: {
        ok: Math.floor(moment) % 20 !== 0,
        platform: ["web", "phone", "desktop"][client % 3],
        latency_ms: Math.floor(moment * 7) % 4,
      },
    })),
  }));
}
