/**
 * The directory that a client trusts: fetched, checked against everything seen before, and kept while it is fresh.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../core/bytes.ts";
import type { Clock } from "./clock.ts";
import { type Directory, keyName, MAX_DIRECTORY_BYTES, parseDirectory } from "./directory.ts";
import { type Answer, exchange, type Fetch, freshFor, problemCode } from "./http.ts";
import { DIRECTORY, type DirectoryRecord, readRecord, writeRecord } from "./records.ts";
import type { ClientStorage } from "./storage.ts";
import type { Report } from "./types.ts";

const LEAST_FRESH = 60_000;
const MOST_FRESH = 86_400_000;

/** What a directory cache needs of its client. */
export interface DirectoryCacheOptions {
  readonly url: string;
  readonly app: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly storage: ClientStorage;
  readonly report: Report;
  readonly verifyKeys: ((directory: Directory) => boolean | Promise<boolean>) | undefined;
}

/** Fetches and keeps the directory of one application. */
export class DirectoryCache {
  #directory: Directory | undefined;
  #text: string | undefined;
  #freshUntil = 0;
  #fetchedAt = 0;

  /** Nothing is fetched yet. */
  constructor(private readonly options: DirectoryCacheOptions) {}

  /**
   * The directory: the one at hand while it is fresh, else a new one, else (no good answer) the one at hand.
   * `renew` fetches in any case.
   */
  async get(renew = false): Promise<Directory | undefined> {
    await this.#load();
    const now = this.options.clock.milliseconds();
    const fresh = this.#directory !== undefined && this.#fetchedAt <= now && now < this.#freshUntil;
    if (renew || !fresh) await this.#refresh();
    return this.#directory;
  }

  /** Takes over what is stored, by this client before or by another tab. */
  async #load(): Promise<void> {
    const record = await this.options.storage.transaction((entries) =>
      readRecord<DirectoryRecord>(entries, DIRECTORY)
    );
    if (record === undefined || record.text === this.#text) return;
    try {
      this.#directory = parseDirectory(record.text, this.options.app);
    } catch {
      return;
    }
    this.#text = record.text;
    this.#fetchedAt = record.fetchedAt;
    this.#freshUntil = record.freshUntil;
    this.options.clock.offset = record.clockOffset;
  }

  async #refresh(): Promise<void> {
    const { fetch, url, report } = this.options;
    let answer: Answer;
    try {
      answer = await exchange(fetch, url, { method: "GET" }, MAX_DIRECTORY_BYTES);
    } catch {
      return report("refused", { step: "directory", code: "no_answer" });
    }
    if (answer.status !== 200) {
      return report("refused", {
        step: "directory",
        code: problemCode(answer) ?? `status_${answer.status}`,
      });
    }
    const reason = await this.#accept(answer);
    if (reason !== undefined) report("directory_refused", { reason });
  }

  /** Checks and keeps a directory; the reason why not otherwise. */
  async #accept(answer: Answer): Promise<string | undefined> {
    const { app, clock, verifyKeys } = this.options;
    const etag = answer.headers.get("etag");
    // A validator that is not the hash of the body could be a cookie. A browser hides it unless it is exposed.
    if (etag !== null && etag.replace(/^W\//, "") !== `"${toBase64url(sha256(answer.body))}"`) {
      return "etag_not_the_hash";
    }
    let text: string;
    let directory: Directory;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(answer.body);
      directory = parseDirectory(text, app);
    } catch {
      return "malformed";
    }
    if (verifyKeys !== undefined) {
      try {
        if (!await verifyKeys(directory)) return "not_verified";
      } catch {
        return "not_verified";
      }
    }
    return await this.#keep(directory, text, answer, () => clock.correct(answer.headers));
  }

  async #keep(
    directory: Directory,
    text: string,
    answer: Answer,
    correctClock: () => void,
  ): Promise<string | undefined> {
    const { clock, storage, report } = this.options;
    const fetchedAt = clock.milliseconds();
    const freshUntil = fetchedAt + freshFor(answer.headers, LEAST_FRESH, MOST_FRESH);
    const result = await storage.transaction((entries) => {
      const before = readRecord<DirectoryRecord>(entries, DIRECTORY)?.seen ?? {};
      const compared = compareKeys(before, directory);
      if ("reason" in compared) return compared;
      correctClock();
      const now = clock.seconds();
      const seen = Object.fromEntries(Object.entries(compared.seen).filter(([, key]) => now < key.until));
      writeRecord<DirectoryRecord>(entries, DIRECTORY, {
        text,
        fetchedAt,
        freshUntil,
        clockOffset: clock.offset,
        seen,
      });
      return compared;
    });
    if ("reason" in result) return result.reason;
    this.#directory = directory;
    this.#text = text;
    this.#fetchedAt = fetchedAt;
    this.#freshUntil = freshUntil;
    for (const key of result.replacements) report("key_replaced", key);
    return undefined;
  }
}

type Seen = DirectoryRecord["seen"];
type Replacement = { region: string; epoch: number; generation: number };

/** Compares a directory with every key seen before: one name must never have two values. */
export function compareKeys(
  before: Seen,
  directory: Directory,
): { reason: string } | { seen: Seen; replacements: Replacement[] } {
  const seen: Record<string, { id: string; until: number }> = { ...before };
  const replacements: Replacement[] = [];
  for (const key of directory.keys) {
    const name = keyName(key);
    const known = Object.hasOwn(before, name) ? before[name] : undefined;
    if (known !== undefined && known.id !== key.keyId) return { reason: "key_changed" };
    if (known === undefined && key.generation > 0) {
      const { region, epoch, generation } = key;
      replacements.push({ region, epoch, generation });
    }
    seen[name] = { id: key.keyId, until: Math.max(known?.until ?? 0, key.redeemUntil) };
  }
  return { seen, replacements };
}
