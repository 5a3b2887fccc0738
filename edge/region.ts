/**
 * Regions: each is a deployment with its own store and its own keys. A log whose key belongs to another region is sent
 * on once, stripped, and answered as if it were local; it is never stored where it landed.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { PublishedKey } from "../core/keys/directory.ts";
import { storeUnavailable } from "../core/store/kv.ts";
import { type Credential, formatCredential } from "../core/token/credential.ts";
import { type ContentEncoding, logPath } from "../core/token/mac.ts";
import { tokenKeyId } from "../core/token/token.ts";
import { readBoundedBytes } from "./read_body.ts";

/** The header with which one region tells another that it sends something on. */
export const HOP_HEADER = "dit-hop";
/** Seconds that another region's directory is used before it is asked for again. */
const REFRESH_SECONDS = 60;
/** Another region is asked about an unknown key id at most this often: anybody can make ids up. */
const UNKNOWN_REFRESH_SECONDS = 5;
const FORWARD_MS = 10_000;
const DIRECTORY_MS = 3_000;
const MAX_ANSWER_BYTES = 128 * 1024;
/** Answer headers that go back to the client. */
const ANSWER_HEADERS = ["content-type", "cache-control", "dit-replayed", "retry-after", "www-authenticate"];

/** What regions are made of. */
export interface RegionsOptions {
  /** This region's name. */
  readonly own: string;
  /** The other regions' URLs by name. */
  readonly others: ReadonlyMap<string, string>;
  /** The secret of the hop. */
  readonly token: string;
  /** Reaches the other regions. */
  readonly fetch: typeof fetch;
}

/** A log on its way. */
export interface ForwardedLog {
  /** The application's id. */
  readonly app: string;
  /** What its Authorization header says. */
  readonly credential: Credential;
  /** Its encoding. */
  readonly contentEncoding: ContentEncoding;
  /** The bytes as they were sent. */
  readonly body: Uint8Array<ArrayBuffer>;
}

interface CachedDirectory {
  readonly keys: readonly PublishedKey[];
  readonly readAtSeconds: number;
}

/** What this region knows of the others. */
export class Regions {
  readonly #directories = new Map<string, CachedDirectory>();
  readonly #reading = new Map<string, Promise<void>>();

  /** Nothing is asked of another region before it is needed. */
  constructor(private readonly options: RegionsOptions) {}

  /** The keys of all other regions, as far as they could be had. */
  async keysOf(app: string, nowSeconds: number): Promise<PublishedKey[]> {
    const names = [...this.options.others.keys()];
    const lists = await Promise.all(names.map((name) => this.#keys(name, app, nowSeconds, REFRESH_SECONDS)));
    return lists.flat().filter((key) => key.redeemUntil > nowSeconds);
  }

  /** The other region that a key belongs to, if it is known to belong to one. */
  async homeOf(app: string, keyId: Uint8Array, nowSeconds: number): Promise<string | undefined> {
    const wanted = toBase64url(keyId);
    for (const maxAge of [REFRESH_SECONDS, UNKNOWN_REFRESH_SECONDS]) {
      for (const name of this.options.others.keys()) {
        const keys = await this.#keys(name, app, nowSeconds, maxAge);
        if (keys.some((key) => toBase64url(key.keyId) === wanted)) return name;
      }
    }
    return undefined;
  }

  /**
   * Sends a log on to its home region and gives that region's answer.
   * @throws {Refusal} `store_unavailable` when the region cannot be reached: nothing is lost, the client tries again.
   */
  async forward(region: string, log: ForwardedLog): Promise<Response> {
    const { others, token, fetch } = this.options;
    const headers = new Headers({
      "content-type": "application/json",
      authorization: formatCredential(log.credential),
      [HOP_HEADER]: token,
    });
    if (log.contentEncoding !== "") headers.set("content-encoding", log.contentEncoding);
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(others.get(region)! + logPath(log.app), {
        method: "POST",
        headers,
        body: log.body,
        redirect: "error",
        signal: AbortSignal.timeout(FORWARD_MS),
      });
      body = await readBoundedBytes(response.body, MAX_ANSWER_BYTES);
    } catch {
      throw storeUnavailable();
    }
    const kept = new Headers();
    for (const name of ANSWER_HEADERS) {
      const value = response.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    return new Response(body, { status: response.status, headers: kept });
  }

  async #keys(
    name: string,
    app: string,
    nowSeconds: number,
    maxAgeSeconds: number,
  ): Promise<readonly PublishedKey[]> {
    const place = `${name} ${app}`;
    const cached = this.#directories.get(place);
    if (cached === undefined || nowSeconds - cached.readAtSeconds >= maxAgeSeconds) {
      const reading = this.#reading.get(place) ??
        this.#read(name, app, nowSeconds).finally(() => this.#reading.delete(place));
      this.#reading.set(place, reading);
      await reading;
    }
    return this.#directories.get(place)?.keys ?? [];
  }

  /** A region that does not answer keeps what is known of it, and is not asked again at once. */
  async #read(name: string, app: string, nowSeconds: number): Promise<void> {
    const place = `${name} ${app}`;
    let keys = this.#directories.get(place)?.keys ?? [];
    try {
      const response = await this.options.fetch(`${this.options.others.get(name)}/v1/apps/${app}/keys`, {
        headers: { [HOP_HEADER]: this.options.token },
        redirect: "error",
        signal: AbortSignal.timeout(DIRECTORY_MS),
      });
      const body = await readBoundedBytes(response.body, MAX_ANSWER_BYTES);
      if (response.ok) keys = parseKeys(new TextDecoder().decode(body), name);
    } catch {
      // Kept as it was.
    }
    this.#directories.set(place, { keys, readAtSeconds: nowSeconds });
  }
}

/** The keys that a region's directory lists as its own; throws on anything malformed. */
function parseKeys(text: string, region: string): PublishedKey[] {
  const listed = (JSON.parse(text) as { "token-keys": Record<string, unknown>[] })["token-keys"];
  return listed.filter((key) => key.region === region).map((key) => {
    const publicKey = fromBase64url(key["token-key"] as string);
    const times = [key.epoch, key.generation, key["not-before"], key["issue-until"], key["redeem-until"]];
    if (!times.every((time) => Number.isSafeInteger(time))) {
      throw new TypeError("A key's dates are no numbers");
    }
    const [epoch, generation, notBefore, issueUntil, redeemUntil] = times as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      publicKey,
      keyId: tokenKeyId(publicKey),
      region,
      epoch,
      generation,
      notBefore,
      issueUntil,
      redeemUntil,
      voprf: { tokenType: key["token-type"] as number },
    };
  });
}

/** The refusal of a log that was sent on and whose key is not here either. */
export function refuseSecondHop(): Refusal {
  return new Refusal("store_unavailable", "The key of this log is in none of the regions that were asked.", {
    retryAfterSeconds: 5,
  });
}

/** Parses `DIT_REGIONS`: `eu=https://eu.example,us=https://us.example`. Gives undefined when it is malformed. */
export function parseRegions(text: string): Map<string, string> | undefined {
  const regions = new Map<string, string>();
  for (const part of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const match = /^([a-z][a-z0-9-]{0,31})=(https?:\/\/[^\s?#]+)$/.exec(part);
    if (match === null || !URL.canParse(match[2]!) || regions.has(match[1]!)) return undefined;
    regions.set(match[1]!, match[2]!.replace(/\/+$/, ""));
  }
  return regions;
}
