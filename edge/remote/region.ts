/**
 * Regions: each is a deployment with its own store and its own keys. A log whose key belongs to another region is sent
 * on once, stripped, and answered as if it were local; it is never stored where it landed.
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import type { Application } from "../../core/config/types.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import { type Credential, formatCredential } from "../../core/token/credential.ts";
import { type ContentEncoding, logPath } from "../../core/token/mac.ts";
import { HOP_HEADER } from "../http/headers.ts";
import { readBoundedBytes } from "../http/read_body.ts";
import { readRegionKeys } from "./region_keys.ts";

/** Seconds that another region's directory is used before it is asked for again. */
const REFRESH_SECONDS = 60;
/** Seconds after which a directory is too old to be served while it is asked for again. */
const STALE_SECONDS = 3_600;
/** Another region is asked about an unknown key id at most this often: anybody can make ids up. */
const UNKNOWN_REFRESH_SECONDS = 5;
const FORWARD_MS = 10_000;
const DIRECTORY_MS = 3_000;
const MAX_ANSWER_BYTES = 128 * 1024;
/** Logs on their way to one region at once: a region that hangs must not hold every place here. */
const MAX_FORWARDING = 256;
/** Answer headers that go back to the client. */
const ANSWER_HEADERS = ["content-type", "dit-replayed", "retry-after", "www-authenticate"];
/** Refusals that this region has already ruled out: they come from something else that answers in the region's place. */
const FOREIGN_STATUS = [404, 405, 415, 431];

/** What regions are made of. */
export interface RegionsOptions {
  /** The other regions' URLs by name. */
  readonly others: ReadonlyMap<string, string>;
  /** The secret of the hop. */
  readonly token: string;
  /** Reaches the other regions. */
  readonly fetch: typeof fetch;
  /** Milliseconds after which a region that does not answer a log counts as unreachable; 10,000 by default. */
  readonly forwardMs?: number;
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

/** What is known of one region's directory of one application. */
interface KnownDirectory {
  readonly keys: readonly PublishedKey[];
  /** When it was last read; -Infinity if never. */
  readonly readAtSeconds: number;
  /** When it was last asked for. */
  readonly askedAtSeconds: number;
}

const NOTHING_KNOWN: KnownDirectory = { keys: [], readAtSeconds: -Infinity, askedAtSeconds: -Infinity };

/** What this region knows of the others. */
export class Regions {
  readonly #directories = new Map<string, KnownDirectory>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #forwarding = new Map<string, number>();

  /** Nothing is asked of another region before it is needed. */
  constructor(private readonly options: RegionsOptions) {}

  /**
   * The keys of all other regions, as far as they are known, without those whose ids `own` has: a directory with one
   * key under two names is refused by every client. Waits for a region only when nothing is known of it.
   */
  async keysOf(
    app: Application,
    own: readonly PublishedKey[],
    nowSeconds: number,
  ): Promise<PublishedKey[]> {
    await this.#refresh(app, nowSeconds, (known) => {
      if (nowSeconds - known.askedAtSeconds < REFRESH_SECONDS) return "keep";
      return nowSeconds - known.readAtSeconds < STALE_SECONDS ? "ask" : "wait";
    });
    const seen = new Set(own.map((key) => toBase64url(key.keyId)));
    const keys: PublishedKey[] = [];
    for (const name of this.options.others.keys()) {
      for (const key of this.#known(name, app.id).keys) {
        const id = toBase64url(key.keyId);
        if (key.redeemUntil <= nowSeconds || seen.has(id)) continue;
        seen.add(id);
        keys.push(key);
      }
    }
    return keys;
  }

  /**
   * The other region that a key belongs to; undefined when it belongs to none.
   * @throws {Refusal} `store_unavailable` when it may belong to one that cannot be asked: the client tries again.
   */
  async homeOf(app: Application, keyId: Uint8Array, nowSeconds: number): Promise<string | undefined> {
    // A key never changes its region, so a directory is never too old to find it in.
    const known = this.#find(app.id, keyId);
    if (known !== undefined) return known;
    await this.#refresh(
      app,
      nowSeconds,
      ({ askedAtSeconds }) => nowSeconds - askedAtSeconds < UNKNOWN_REFRESH_SECONDS ? "keep" : "wait",
    );
    const found = this.#find(app.id, keyId);
    if (found !== undefined) return found;
    for (const name of this.options.others.keys()) {
      const { readAtSeconds, askedAtSeconds } = this.#known(name, app.id);
      if (readAtSeconds < askedAtSeconds) throw unreachable();
    }
    return undefined;
  }

  /**
   * Sends a log on to its home region and gives that region's answer.
   * @throws {Refusal} `store_unavailable` when the region cannot be reached: nothing is lost, the client tries again.
   */
  async forward(region: string, log: ForwardedLog): Promise<Response> {
    const url = this.options.others.get(region);
    const forwarding = this.#forwarding.get(region) ?? 0;
    if (url === undefined || forwarding >= MAX_FORWARDING) throw unreachable();
    this.#forwarding.set(region, forwarding + 1);
    try {
      return await this.#send(url + logPath(log.app), log);
    } finally {
      this.#forwarding.set(region, this.#forwarding.get(region)! - 1);
    }
  }

  async #send(url: string, log: ForwardedLog): Promise<Response> {
    const { token, fetch, forwardMs = FORWARD_MS } = this.options;
    const headers = new Headers({
      "content-type": "application/json",
      authorization: formatCredential(log.credential),
      [HOP_HEADER]: token,
    });
    if (log.contentEncoding !== "") headers.set("content-encoding", log.contentEncoding);
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(url, {
        method: "POST",
        headers,
        body: log.body,
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

  #known(name: string, app: string): KnownDirectory {
    return this.#directories.get(`${name} ${app}`) ?? NOTHING_KNOWN;
  }

  #find(app: string, keyId: Uint8Array): string | undefined {
    const wanted = toBase64url(keyId);
    return this.options.others.keys().find((name) =>
      this.#known(name, app).keys.some((key) => toBase64url(key.keyId) === wanted)
    );
  }

  /** Asks every region for which `decide` says so, all at once, and waits for those for which it says that. */
  async #refresh(
    app: Application,
    nowSeconds: number,
    decide: (known: KnownDirectory) => "keep" | "ask" | "wait",
  ): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const name of this.options.others.keys()) {
      const place = `${name} ${app.id}`;
      const decision = decide(this.#known(name, app.id));
      if (decision === "keep") continue;
      const asking = this.#asking.get(place) ??
        this.#ask(name, app, nowSeconds).finally(() => this.#asking.delete(place));
      this.#asking.set(place, asking);
      if (decision === "wait") waiting.push(asking);
    }
    await Promise.all(waiting);
  }

  /** Never rejects: of a region that does not answer, what is known stays known. */
  async #ask(name: string, app: Application, nowSeconds: number): Promise<void> {
    const place = `${name} ${app.id}`;
    let known: KnownDirectory = { ...this.#known(name, app.id), askedAtSeconds: nowSeconds };
    try {
      const response = await this.options.fetch(`${this.options.others.get(name)}/v1/apps/${app.id}/keys`, {
        headers: { [HOP_HEADER]: this.options.token },
        redirect: "error",
        signal: AbortSignal.timeout(DIRECTORY_MS),
      });
      const body = await readBoundedBytes(response.body, MAX_ANSWER_BYTES);
      if (response.ok) {
        const keys = readRegionKeys(new TextDecoder().decode(body), name, app);
        known = { keys, readAtSeconds: nowSeconds, askedAtSeconds: nowSeconds };
      }
    } catch {
      // Kept as it was.
    }
    this.#directories.set(place, known);
  }
}

/** Whether an answer is one of the protocol's, and not that of a proxy, of another service or of a wrong URL. */
function isServiceAnswer({ status, headers }: Response): boolean {
  const type = headers.get("content-type");
  if (status === 200) return type === "application/json";
  return status >= 400 && type === "application/problem+json" && !FOREIGN_STATUS.includes(status);
}

function unreachable(): Refusal {
  return new Refusal("store_unavailable", "The region of this log's key cannot be reached now; try again.", {
    retryAfterSeconds: 5,
  });
}

/** The refusal of a log that was sent on and whose key is not here either. */
export function refuseSecondHop(): Refusal {
  return new Refusal("store_unavailable", "The key of this log is not in the region that it was sent to.", {
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
