/**
 * An ACS and a log server in one process that share nothing but requests, and a whole service beside them, all with one
 * clock; tokens of both, and logs that those sign.
 *
 * @module
 */
import { concat, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { ConfirmedTime } from "../../../core/clock/confirmed_time.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig, Deployment } from "../../../core/config/types.ts";
import { exportDay } from "../../../core/operations/export.ts";
import type { SigningKey } from "../../../core/keys/key_ring.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { storeIdReader } from "../../../core/acs/remote/store_id.ts";
import type { Redeemer, Redemption } from "../../../core/acs/redeemer.ts";
import { createLogServer, type Server, type Service } from "../../../core/service.ts";
import { CLAIMS } from "../../../core/ledger/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { dayOf } from "../../../core/base/time.ts";
import { computeMac, deriveMacKey, digestBody, encodeTranscript } from "../../../core/token/mac.ts";
import { encodeTokenInput } from "../../../core/token/token.ts";
import { AcsClient } from "../../../edge/remote/acs_client.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { type BoundNonce, boundNonce } from "../client/bound_nonce.ts";
import { type AssembledTest, type AssembledTestOptions, assembleTest } from "./assembled.ts";
import { NOW, platformRandom, SEAL_KEY } from "./keys.ts";

/** The service token of an application. */
export function serviceToken(app: string): string {
  return `token-of-the-service-of-${app}-${"x".repeat(16)}`;
}

/** Two applications, each with a service token of its own. */
export function splitDeployment(changes: Partial<ApplicationConfig> = {}): Deployment {
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } } as const;
  const application = (id: string): ApplicationConfig => ({
    session,
    tokensPerClient: 4,
    events: {},
    serviceTokenSha256: tokenDigest(serviceToken(id)).toHex(),
    ...changes,
  });
  const applications = { notes: application("notes"), vault: application("vault") };
  return checkConfig({ issuer: "telemetry.example", applications }, { development: true });
}

/** A service with keys of its own on a database in memory. */
export async function openService(
  clock: { seconds: number },
  deployment: Deployment = splitDeployment(),
  kv?: Deno.Kv,
): Promise<Service> {
  return (await assembleOn(clock, deployment, { openStore: kv && (() => Promise.resolve(storeOver(kv))) }))
    .service;
}

async function assembleOn(
  clock: { seconds: number },
  deployment: Deployment,
  options: Pick<AssembledTestOptions, "openStore" | "settings">,
): Promise<AssembledTest> {
  const assembled = await assembleTest({
    ...options,
    deployment,
    now: () => clock.seconds,
    sealKey: SEAL_KEY,
  });
  await runMaintenance(assembled.service);
  return assembled;
}

/** What stands between the log server and its ACS; it may count, change, lose or delay. */
export type Network = (request: Request, reach: (request: Request) => Promise<Response>) => Promise<Response>;

/** An ACS and a log server. */
export interface Split extends AsyncDisposable {
  /** Unix seconds of both. */
  readonly clock: { seconds: number };
  /** The ACS. */
  readonly acs: Service;
  /** The log server. */
  readonly logs: Server;
  /** What its store lies on. */
  readonly logsKv: Deno.Kv;
  /** Set it to stand between the two. */
  network: Network;
  /** Reaches the ACS past the network. */
  readonly reachAcs: (path: string, init?: RequestInit) => Promise<Response>;
  /** Errors of the ACS that nobody expected. */
  readonly internalErrors: unknown[];
  /** Another log server on the same store, as after a restart. */
  readonly openLogServer: (kv?: Deno.Kv, choices?: LogServerChoices) => Server;
}

/** A deadline that no test waits for: only a test of a deadline has one that a busy machine may miss. */
const NEVER_MS = 120_000;

/** What a test may choose of a log server. */
interface LogServerChoices {
  /** Tells the ACS which store it has; that of the first one by default. */
  readonly storeId?: () => Promise<string>;
  /** Milliseconds that it gives its store. */
  readonly storeMs?: number;
  /** Milliseconds that it gives its ACS. */
  readonly acsMs?: number;
}

/** Starts both. */
export async function startSplit(changes: Partial<ApplicationConfig> = {}): Promise<Split> {
  const clock = { seconds: NOW };
  const deployment = splitDeployment(changes);
  const { service: acs, handle, internalErrors, close } = await assembleOn(clock, deployment, {
    settings: { role: "acs" },
  });
  const reach = (request: Request) => handle(request, "127.0.0.1");
  const logsKv = await Deno.openKv(":memory:");
  const sealer = await Sealer.of([platformRandom(32)], platformRandom);
  // What dies or hangs instead of the store is the same store to the ACS.
  const ownId = storeIdReader(storeOver(logsKv), platformRandom);
  await ownId();
  const now = () => clock.seconds;
  const openLogServer = (
    kv: Deno.Kv = logsKv,
    { storeMs, acsMs, storeId = ownId }: LogServerChoices = {},
  ): Server => {
    const store = storeOver(kv, { deadlineMs: storeMs ?? NEVER_MS });
    return createLogServer({
      deployment,
      store,
      time: new ConfirmedTime({ store, now, steady: now }),
      sealer,
      region: "local",
      version: "0.0.0",
      random: platformRandom,
      now,
      committer: { maxInFlight: 1 },
      acs: new AcsClient({
        url: "https://acs.example",
        tokenOf: serviceToken,
        storeId,
        deployment,
        region: "local",
        fetch: (input, init) => split.network(new Request(input, init), reach),
        deadlineMs: acsMs ?? NEVER_MS,
      }),
    });
  };
  const split: Split = {
    clock,
    acs,
    logs: openLogServer(),
    logsKv,
    network: (request, next) => next(request),
    reachAcs: (path, init) => reach(new Request(`https://acs.example${path}`, init)),
    internalErrors,
    openLogServer,
    async [Symbol.asyncDispose]() {
      await close();
      await split.logs.committer.drain();
      logsKv.close();
    },
  };
  return split;
}

/** A token, as a client holds it. */
export interface HeldToken extends BoundNonce {
  readonly app: string;
  readonly keyId: Uint8Array;
  readonly macKey: Uint8Array;
}

/** A token of the key that issues now. What a client computes by blinding is here computed with the secret key. */
export async function makeToken(acs: Service, app = "notes"): Promise<HeldToken> {
  return makeTokenOf(await acs.ringOf(app).issuing(acs.now()), app);
}

/** A token of a key. */
export function makeTokenOf(key: SigningKey, app = "notes"): HeldToken {
  const bound = boundNonce();
  const input = encodeTokenInput({
    tokenType: key.voprf.tokenType,
    nonce: bound.nonce,
    challengeDigest: key.challengeDigest,
    tokenKeyId: key.keyId,
  });
  const macKey = deriveMacKey(key.voprf.evaluate(key.secretKey, [input])[0]!);
  return { app, keyId: key.keyId, ...bound, macKey };
}

/** A log under a use of a token, ready to be redeemed. Another text is another log. */
export function signRedemption(token: HeldToken, use = 0, text = "a log"): Redemption {
  const body = { contentEncoding: "" as const, bodyDigest: digestBody(utf8(text)) };
  const { app, keyId, nonce, macKey } = token;
  const mac = computeMac(macKey, encodeTranscript({ app, ...body, keyId, nonce, use }));
  return { app, credential: { keyId, nonce, use, mac }, body };
}

/** The body of a redemption as another application server sends it; members replace the usual ones. */
export function redeemBody(redemption: Redemption, members: Record<string, unknown> = {}): string {
  const { app, credential: { keyId, nonce, use, mac }, body } = redemption;
  return JSON.stringify({
    key: toBase64url(keyId),
    nonce: toBase64url(nonce),
    use,
    mac: toBase64url(mac),
    transcript: toBase64url(encodeTranscript({ app, ...body, keyId, nonce, use })),
    ...members,
  });
}

/** A record that tells a log from all others. */
export function recordOf(text: string): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({ text }));
}

/** Redeems a use with a record, both steps of it; gives whether this very request had been accepted before. */
export async function redeemWith(
  redeemer: Redeemer,
  redemption: Redemption,
  record: Uint8Array,
  nowSeconds: number,
): Promise<{ replayed: boolean }> {
  const outcome = await redeemer.store(await redeemer.verify(redemption, nowSeconds), () => record);
  return { replayed: outcome === "replayed" };
}

/** The texts of all records that a store has of the day of {@linkcode NOW}. */
export async function storedTexts(server: Server, app = "notes"): Promise<string[]> {
  const chunks = await Array.fromAsync(exportDay(server, { app, day: dayOf(NOW) }));
  const lines = new TextDecoder().decode(concat(...chunks)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line).text).toSorted();
}

/** How many claims a store holds. */
export async function countClaims(server: Server): Promise<number> {
  return (await Array.fromAsync(server.store.list(CLAIMS.all()))).length;
}
