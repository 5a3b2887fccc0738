/**
 * An ACS elsewhere, over HTTP (docs/protocol.md, section 8): every call has a deadline, every answer a bound, and nothing
 * that comes back is believed before it was checked.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { z } from "zod";
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import type { Deployment } from "../../core/config/types.ts";
import { Refusal, type RefusalCode } from "../../core/base/errors.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import { epochAt, stateAt } from "../../core/keys/epoch.ts";
import type { RedeemedUse } from "../../core/acs/redeem.ts";
import type { Redemption } from "../../core/acs/redeemer.ts";
import type { RemoteAcs } from "../../core/acs/remote/port.ts";
import {
  BATCH_REQUEST_TYPE,
  BATCH_RESPONSE_TYPE,
  MAX_BATCH,
  maxResponseLength,
} from "../../core/token/batch.ts";
import { computeMac, encodeTranscript } from "../../core/token/mac.ts";
import { CLIENT_HEADER } from "../http/headers.ts";
import { readBoundedBytes } from "../http/read_body.ts";
import { readRegionKeys } from "./region_keys.ts";

/** Most bytes of a directory. */
const MAX_DIRECTORY_BYTES = 128 * 1024;
const DEADLINE_MS = 5_000;
const REFRESH_SECONDS = 30;
const RENEW_SECONDS = 1;
const RETRY_SECONDS = 5;

/** Refusals of the ACS that are the client's to hear. Every other one is a mistake between the two servers. */
const PASSED_ON: readonly RefusalCode[] = [
  "batch_invalid",
  "key_not_issuing",
  "quota_exhausted",
  "key_unknown",
  "key_expired",
  "mac_invalid",
  "use_out_of_range",
  "use_taken",
  "overloaded",
  "store_unavailable",
];

const problem = z.object({ code: z.string().max(64), detail: z.string().max(500) });
const directoryMembers = z.object({
  issuer: z.string(),
  app: z.string(),
  "epoch-seconds": z.int(),
  "uses-per-token": z.int().min(1),
  "max-batch": z.int(),
  "tokens-per-client": z.int().min(1),
});
const redeemed = z.strictObject({ status: z.enum(["accepted", "replayed"]), mac_key: z.string() });

/** The ACS and this server do not fit together; the message says why and repeats no secret. */
export class AcsError extends Error {
  override readonly name = "AcsError";
}

/** What an ACS client is made of. */
export interface AcsClientOptions {
  /** Where the ACS is mounted, without a slash at the end. */
  readonly url: string;
  /** The service token of an application. */
  readonly tokenOf: (app: string) => string;
  /** This server's own configuration, which has to agree with the ACS's. */
  readonly deployment: Deployment;
  /** The region of both. */
  readonly region: string;
  /** Reaches the ACS. */
  readonly fetch: typeof fetch;
  /** Milliseconds for a whole answer; 5000 by default. */
  readonly deadlineMs?: number | undefined;
}

interface Known {
  readonly keys: readonly PublishedKey[];
  readonly etag: string;
  readonly readAtSeconds: number;
  /** When it could not be read again. */
  readonly failedAtSeconds?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An ACS at a URL. */
export class AcsClient implements RemoteAcs {
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<Known>>();

  /** Asks nothing yet. */
  constructor(private readonly options: AcsClientOptions) {}

  /** See {@linkcode RemoteAcs.evaluate}. */
  async evaluate(
    app: string,
    client: string,
    request: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const headers = { "content-type": BATCH_REQUEST_TYPE, [CLIENT_HEADER]: client };
    const answer = await this.#post(app, "evaluate", headers, request);
    if (answer.headers.get("content-type") !== BATCH_RESPONSE_TYPE) {
      throw new AcsError("The ACS answered a batch with something else.");
    }
    return answer.body;
  }

  /** See {@linkcode RemoteAcs.redeem}. */
  async redeem({ app, credential, body }: Redemption): Promise<RedeemedUse> {
    const { keyId, nonce, use, mac } = credential;
    const transcript = encodeTranscript({ app, ...body, keyId, nonce, use });
    const request = JSON.stringify({
      key: toBase64url(keyId),
      nonce: toBase64url(nonce),
      use,
      mac: toBase64url(mac),
      transcript: toBase64url(transcript),
    });
    const answer = await this.#post(app, "redeem", { "content-type": "application/json" }, utf8(request));
    const parsed = redeemed.safeParse(parseJson(answer.body));
    if (!parsed.success) throw new AcsError("The ACS answered a redemption with something else.");
    const macKey = fromBase64url(parsed.data.mac_key, 32);
    if (!timingSafeEqual(computeMac(macKey, transcript), mac)) {
      throw new AcsError("The ACS gave the MAC key of another token.");
    }
    return { outcome: parsed.data.status, macKey };
  }

  /** See {@linkcode RemoteAcs.keys}: what is known is kept as long as one of its keys issues and none better is had. */
  async keys(app: string, nowSeconds: number, renew = false): Promise<readonly PublishedKey[]> {
    const known = this.#known.get(app);
    const age = nowSeconds - (known?.readAtSeconds ?? -Infinity);
    const horizon = this.#horizon(app, nowSeconds);
    const due = age < 0 || age >= (renew ? RENEW_SECONDS : REFRESH_SECONDS) ||
      // At the turn of an epoch a key is added: all that serve the directory look at once.
      (age >= RENEW_SECONDS && !known!.keys.some((key) => key.epoch === horizon));
    const failedAgo = nowSeconds - (known?.failedAtSeconds ?? -Infinity);
    const waits = failedAgo >= 0 && failedAgo < RETRY_SECONDS;
    if (known !== undefined && (!due || waits)) return current(known, nowSeconds);
    let reading = this.#reading.get(app);
    if (reading === undefined) {
      reading = this.#read(app, known, nowSeconds).finally(() => this.#reading.delete(app));
      this.#reading.set(app, reading);
    }
    try {
      return current(await reading, nowSeconds);
    } catch (error) {
      if (!known?.keys.some((key) => stateAt(key, nowSeconds) === "issuing")) throw error;
      this.#known.set(app, { ...known, failedAtSeconds: nowSeconds });
      return current(known, nowSeconds);
    }
  }

  #horizon(app: string, nowSeconds: number): number {
    const application = this.options.deployment.applications.get(app)!;
    return epochAt(application, nowSeconds) + application.horizonEpochs;
  }

  async #read(app: string, known: Known | undefined, nowSeconds: number): Promise<Known> {
    const headers = known === undefined ? {} : { "if-none-match": known.etag };
    const answer = await this.#exchange(`/v1/apps/${app}/keys`, { headers }, MAX_DIRECTORY_BYTES);
    let fresh: Known;
    if (answer.status === 304 && known !== undefined) {
      fresh = { keys: known.keys, etag: known.etag, readAtSeconds: nowSeconds };
    } else if (answer.status === 200) {
      fresh = { ...this.#readDirectory(app, answer), readAtSeconds: nowSeconds };
    } else throw refusalOf(answer);
    this.#known.set(app, fresh);
    return fresh;
  }

  #readDirectory(app: string, answer: Answer): Pick<Known, "keys" | "etag"> {
    const { deployment, region } = this.options;
    const etag = `"${toBase64url(sha256(answer.body))}"`;
    if (answer.headers.get("etag") !== etag) {
      throw new AcsError("The ETag of the ACS's directory is not its hash.");
    }
    const application = deployment.applications.get(app)!;
    const text = new TextDecoder().decode(answer.body);
    const members = directoryMembers.safeParse(parseJson(answer.body));
    if (!members.success) throw new AcsError("The ACS's directory is malformed.");
    const own = {
      issuer: deployment.issuer,
      app,
      "epoch-seconds": application.epochSeconds,
      "max-batch": application.maxBatch,
    };
    for (const [name, value] of Object.entries(own)) {
      if (members.data[name as keyof typeof own] === value) continue;
      throw new AcsError(`The ACS's configuration of ${app} has another ${name} than this server's.`);
    }
    const limits = {
      usesPerToken: members.data["uses-per-token"],
      tokensPerClient: members.data["tokens-per-client"],
    };
    const keys = readRegionKeys(text, region, application).map((key) => ({ ...key, ...limits }));
    if (keys.length === 0) throw new AcsError(`The ACS has no keys of ${app} in region ${region}.`);
    return { keys, etag };
  }

  async #post(
    app: string,
    call: "evaluate" | "redeem",
    headers: Record<string, string>,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<Answer> {
    const authorization = `Bearer ${this.options.tokenOf(app)}`;
    const init = { method: "POST", headers: { ...headers, authorization }, body };
    const answer = await this.#exchange(`/acs/v1/apps/${app}/${call}`, init, maxResponseLength(MAX_BATCH));
    if (answer.status !== 200) {
      const refusal = refusalOf(answer);
      // The ACS knows better which keys there are: the next look at them is a new one.
      if (refusal instanceof Refusal && /^key_/.test(refusal.code)) this.#expire(app);
      throw refusal;
    }
    return answer;
  }

  #expire(app: string): void {
    const known = this.#known.get(app);
    if (known !== undefined) {
      this.#known.set(app, { ...known, readAtSeconds: known.readAtSeconds - REFRESH_SECONDS });
    }
  }

  async #exchange(path: string, init: RequestInit, maxBytes: number): Promise<Answer> {
    const { url, fetch, deadlineMs = DEADLINE_MS } = this.options;
    try {
      const response = await fetch(url + path, {
        ...init,
        redirect: "error",
        signal: AbortSignal.timeout(deadlineMs),
      });
      return {
        status: response.status,
        headers: response.headers,
        body: await readBoundedBytes(response.body, maxBytes),
      };
    } catch {
      throw unreachable();
    }
  }
}

function current(known: Known, nowSeconds: number): readonly PublishedKey[] {
  return known.keys.filter((key) => stateAt(key, nowSeconds) !== "over");
}

function unreachable(): Refusal {
  return new Refusal("store_unavailable", "The ACS did not answer in time; send the same bytes again.", {
    retryAfterSeconds: 1,
  });
}

/** What the client hears of a refusal: the same, or (a mistake between the servers) nothing of it. */
function refusalOf({ status, headers, body }: Answer): Error {
  const parsed = problem.safeParse(parseJson(body));
  const code = parsed.data?.code as RefusalCode | undefined;
  if (code !== undefined && PASSED_ON.includes(code)) {
    const seconds = Number(headers.get("retry-after") ?? NaN);
    const details = Number.isInteger(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
    return new Refusal(code, parsed.data!.detail, details);
  }
  // A proxy in between, or a fault of the ACS: whether it did anything is unknown.
  if (status >= 500 || status === 408 || status === 429) return unreachable();
  return new AcsError(`The ACS refused this server: ${code ?? `status ${status}`}.`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
