/**
 * What this region knows of the keys of the others: each one's directory, read now and then, so that a log finds the
 * region of its key, and a client the keys of all regions in one place.
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Application } from "../../core/config/types.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import { epochAt } from "../../core/keys/epoch.ts";
import { HOP_HEADER } from "../http/headers.ts";
import { parseJson } from "../http/parse_json.ts";
import { readBoundedBytes } from "../http/read_body.ts";
import { readRegionKeys } from "./region_keys.ts";

/** Seconds that another region's directory is used before it is asked for again. */
const REFRESH_SECONDS = 60;
/** Seconds after which a directory is too old to be served while it is asked for again. */
const STALE_SECONDS = 3_600;
/** Another region is asked about an unknown key id at most this often: anybody can make ids up. */
const UNKNOWN_REFRESH_SECONDS = 5;
const DIRECTORY_MS = 3_000;
const MAX_DIRECTORY_BYTES = 128 * 1024;

/** How other regions are reached. */
export interface RegionDirectoriesOptions {
  /** The other regions' URLs by name. */
  readonly others: ReadonlyMap<string, string>;
  /** The secret of the hop. */
  readonly token: string;
  /** Reaches the other regions. */
  readonly fetch: typeof fetch;
}

/** Most epochs whose keys are published ahead (docs/protocol.md, section 7). */
const MAX_HORIZON = 8;

/** What is known of one region's directory of one application. */
interface KnownDirectory {
  readonly keys: readonly PublishedKey[];
  /** When it was last read; -Infinity if never. */
  readonly readAtSeconds: number;
  /** When it was last asked for. */
  readonly askedAtSeconds: number;
}

const NOTHING_KNOWN: KnownDirectory = { keys: [], readAtSeconds: -Infinity, askedAtSeconds: -Infinity };

/** The directories of the other regions. */
export class RegionDirectories {
  readonly #options: RegionDirectoriesOptions;
  readonly #directories = new Map<string, KnownDirectory>();
  readonly #asking = new Map<string, Promise<void>>();

  /** Nothing is asked of another region before it is needed. */
  constructor(options: RegionDirectoriesOptions) {
    this.#options = options;
  }

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
    const last = epochAt(app, nowSeconds) + MAX_HORIZON;
    for (const name of this.#options.others.keys()) {
      for (const key of this.#known(name, app.id).keys) {
        const id = toBase64url(key.keyId);
        // One that clients would refuse would have them refuse all: a region's clock may be ahead.
        if (key.redeemUntil <= nowSeconds || key.epoch > last || seen.has(id)) continue;
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
    for (const name of this.#options.others.keys()) {
      const { readAtSeconds, askedAtSeconds } = this.#known(name, app.id);
      if (readAtSeconds < askedAtSeconds) throw unreachable();
    }
    return undefined;
  }

  #known(name: string, app: string): KnownDirectory {
    return this.#directories.get(`${name} ${app}`) ?? NOTHING_KNOWN;
  }

  #find(app: string, keyId: Uint8Array): string | undefined {
    const wanted = toBase64url(keyId);
    return this.#options.others.keys().find((name) =>
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
    for (const name of this.#options.others.keys()) {
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
      const response = await this.#options.fetch(`${this.#options.others.get(name)}/v1/apps/${app.id}/keys`, {
        headers: { [HOP_HEADER]: this.#options.token },
        redirect: "error",
        signal: AbortSignal.timeout(DIRECTORY_MS),
      });
      const body = await readBoundedBytes(response.body, MAX_DIRECTORY_BYTES);
      if (response.ok) {
        const keys = readRegionKeys(parseJson(body)?.value, name, app);
        known = { keys, readAtSeconds: nowSeconds, askedAtSeconds: nowSeconds };
      }
    } catch {
      // Kept as it was.
    }
    this.#directories.set(place, known);
  }
}

/** The refusal of what needs a region that does not answer. */
export function unreachable(): Refusal {
  return new Refusal("store_unavailable", "The region of this log's key cannot be reached now; try again.", {
    retryAfterSeconds: 5,
  });
}
