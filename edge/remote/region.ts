/**
 * Regions: each is a deployment with its own store and its own keys. A log whose key belongs to another region is sent
 * on once, stripped, and answered as if it were local; it is never stored where it landed.
 *
 * @module
 */
import type { SentLog } from "../../core/acs/accept_log.ts";
import { equalPublic } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Application } from "../../core/config/types.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import { formatCredential } from "../../core/token/credential.ts";
import { logPath } from "../../core/token/mac.ts";
import { HOP_HEADER } from "../http/headers.ts";
import { readBoundedBytes } from "../http/read_body.ts";
import { RegionDirectories, type RegionDirectoriesOptions, unreachable } from "./region_directories.ts";

const FORWARD_MS = 10_000;
const MAX_ANSWER_BYTES = 128 * 1024;
/** Logs on their way to one region at once: a region that hangs must not hold every place here. */
const MAX_FORWARDING = 256;
/** Answer headers that go back to the client. */
const ANSWER_HEADERS = ["content-type", "dit-replayed", "retry-after", "www-authenticate"];
/** Refusals that this region has already ruled out: they come from something else that answers in the region's place. */
const FOREIGN_STATUS = [404, 405, 415, 431];

/** What regions are made of. */
export interface RegionsOptions extends RegionDirectoriesOptions {
  /** Milliseconds after which a region that does not answer a log counts as unreachable; 10,000 by default. */
  readonly forwardMs?: number | undefined;
}

/** The other regions, as this one uses them. */
export class Regions {
  readonly #options: RegionsOptions;
  readonly #directories: RegionDirectories;
  readonly #forwarding = new Map<string, number>();

  /** Nothing is asked of another region before it is needed. */
  constructor(options: RegionsOptions) {
    this.#options = options;
    this.#directories = new RegionDirectories(options);
  }

  /** See {@linkcode RegionDirectories.keysOf}. */
  keysOf(app: Application, own: readonly PublishedKey[], nowSeconds: number): Promise<PublishedKey[]> {
    return this.#directories.keysOf(app, own, nowSeconds);
  }

  /**
   * Whether a key is one of another region's.
   * @throws {Refusal} `store_unavailable` when it may be one of a region that cannot be asked.
   */
  async isElsewhere(app: Application, keyId: Uint8Array, nowSeconds: number): Promise<boolean> {
    return await this.#directories.homeOf(app, keyId, nowSeconds) !== undefined;
  }

  /**
   * Sends a log on to the region of its key and gives that region's answer; undefined when the key is one of this
   * region's `own`, or nobody's. A log that was sent here (`isHop`) is never sent on again.
   * @throws {Refusal} `store_unavailable` when the region cannot be reached: nothing is lost, the client tries again.
   */
  async forwardHome(
    log: SentLog,
    { own, isHop }: { readonly own: readonly PublishedKey[]; readonly isHop: boolean },
  ): Promise<Response | undefined> {
    const { app, credential: { keyId }, nowSeconds } = log;
    if (own.some((key) => equalPublic(key.keyId, keyId))) return undefined;
    const home = await this.#directories.homeOf(app, keyId, nowSeconds);
    if (home === undefined) return undefined;
    if (isHop) throw refuseSecondHop();
    return await this.#forward(home, log);
  }

  async #forward(region: string, log: SentLog): Promise<Response> {
    const url = this.#options.others.get(region);
    const forwarding = this.#forwarding.get(region) ?? 0;
    if (url === undefined || forwarding >= MAX_FORWARDING) throw unreachable();
    this.#forwarding.set(region, forwarding + 1);
    try {
      return await this.#send(url + logPath(log.app.id), log);
    } finally {
      this.#forwarding.set(region, (this.#forwarding.get(region) ?? 1) - 1);
    }
  }

  async #send(url: string, { credential, contentEncoding, body: sent }: SentLog): Promise<Response> {
    const { token, fetch, forwardMs = FORWARD_MS } = this.#options;
    const headers = new Headers({
      "content-type": "application/json",
      authorization: formatCredential(credential),
      [HOP_HEADER]: token,
    });
    if (contentEncoding !== "") headers.set("content-encoding", contentEncoding);
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(url, {
        method: "POST",
        headers,
        body: sent,
        redirect: "error",
        signal: AbortSignal.timeout(forwardMs),
      });
      body = await readBoundedBytes(response.body, MAX_ANSWER_BYTES);
    } catch {
      throw unreachable();
    }
    if (!isServiceAnswer(response)) throw unreachable();
    const kept = new Headers({ "cache-control": "no-store" });
    for (const name of ANSWER_HEADERS) {
      const value = response.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    return new Response(body, { status: response.status, headers: kept });
  }
}

/** Whether an answer is one of the protocol's, and not that of a proxy, of another service or of a wrong URL. */
function isServiceAnswer({ status, headers }: Response): boolean {
  const type = headers.get("content-type");
  if (status === 200) return type === "application/json";
  return status >= 400 && type === "application/problem+json" && !FOREIGN_STATUS.includes(status);
}

/** The refusal of a log that was sent on and whose key is not here either. */
function refuseSecondHop(): Refusal {
  return new Refusal("store_unavailable", "The key of this log is not in the region that it was sent to.", {
    retryAfterSeconds: 5,
  });
}

/** Parses `DIT_REGIONS`: `eu=https://eu.example,us=https://us.example`. Gives undefined when it is malformed. */
export function parseRegions(text: string): Map<string, string> | undefined {
  const regions = new Map<string, string>();
  for (const part of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const match = /^([a-z][a-z0-9-]{0,31})=(https?:\/\/[^\s?#]+)$/.exec(part);
    const [, name, url] = match ?? [];
    if (name === undefined || url === undefined || !URL.canParse(url) || regions.has(name)) return undefined;
    regions.set(name, url.replace(/\/+$/, ""));
  }
  return regions;
}
