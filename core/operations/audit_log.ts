/**
 * The audit log of what operators did: append-only, in the order in which it happened, each entry holding the SHA-256 of
 * the one before it. An entry that is changed, removed or inserted in the store breaks the chain after it; that the end
 * was cut off is shown by the numbers and digests that went to the service's log lines.
 *
 * An action is written down before it is done, so that none is ever without an entry, and what came of it afterwards, in
 * an entry of its own.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { AUDIT_ENTRIES, AUDIT_HEADS } from "./families.ts";
import type { Store } from "../store/store.ts";
import type { RandomSource } from "../base/random.ts";
import { visibleName, visibleText } from "../base/visible_text.ts";

/** How an operator reached the service; `service`: it does by itself what nobody asked for at that moment. */
export type Via = "console" | "command" | "api" | "service";

/** Who acts. */
export interface Actor {
  /**
   * By what they are known, and behind it the name: `token:admin` by a token of the settings, `email:` by an address that
   * the identity provider has verified, `sub:` by its subject. Others are what the service does by itself.
   */
  readonly name: string;
  /** What else lets them in than their name: `group:keepers`, or `*`, everybody whom the identity provider lets in. */
  readonly by?: string | undefined;
  /** How they reached the service. */
  readonly via: Via;
}

/** An action about to be done. */
export interface Action {
  /** Who: the name of an {@linkcode Actor}; before 0.2.0 without what it is known by. */
  readonly operator: string;
  /** What else lets them in. */
  readonly by?: string | undefined;
  /** How the operator reached the service. */
  readonly via: Via;
  /** What, such as `POST /admin/v1/apps/demo/keys/rotate`. */
  readonly action: string;
  /** What was sent with it, as text. */
  readonly details?: string | undefined;
  /** The code of the refusal of what was only attempted: they may not. */
  readonly refused?: string | undefined;
}

/** What became of an action. */
export interface Outcome {
  /** The number of the action's entry. */
  readonly of: number;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
}

/** An entry of the audit log. */
export type AuditEntry = (Action | Outcome) & {
  /** Its place in the audit log, from 1. */
  readonly number: number;
  /** Unix seconds. */
  readonly atSeconds: number;
  /** SHA-256 of the entry before it, in hex; zeros for the first. */
  readonly previous: string;
  /** SHA-256 of this entry as it is stored, in hex. */
  readonly digest: string;
};

interface AuditHead {
  readonly number: number;
  readonly digest: string;
}

const START: AuditHead = { number: 0, digest: "00".repeat(32) };

/** What an audit log is written with. */
export interface AuditLogOptions {
  /** Makes two equal entries differ. */
  readonly random: RandomSource;
  /** Unix seconds. */
  readonly now: () => number;
  /** Hears of every entry, to write its number and digest where the store's owner cannot. */
  readonly onEntry?: ((entry: AuditEntry) => void) | undefined;
}

/** Appends to the audit log and reads it. */
export class AuditLog {
  readonly #store: Store;
  readonly #options: AuditLogOptions;

  /** That of `store`. */
  constructor(store: Store, options: AuditLogOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Appends an entry behind all others.
   * @throws {Refusal} `store_unavailable`: then the action must not be done.
   */
  async append(content: Action | Outcome): Promise<AuditEntry> {
    const { random, now, onEntry } = this.#options;
    const salt = random(8).toHex();
    const { result } = await this.#store.update<AuditHead, AuditEntry>(AUDIT_HEADS.key(), async (
      head,
      commit,
      overtaken,
    ) => {
      // A commit that landed may be repeated on the way and come back as failed: what is there tells.
      if (overtaken !== undefined && await this.#isThere(overtaken)) return overtaken;
      const { number: last, digest: previous } = head.value ?? START;
      const number = last + 1;
      const bytes = utf8(JSON.stringify({ number, atSeconds: now(), previous, salt, ...content }));
      const entry = readEntry(bytes);
      const key = AUDIT_ENTRIES.key(number);
      commit.check({ key, stamp: null })
        .set(key, bytes)
        .set(head.key, { number, digest: entry.digest });
      return entry;
    });
    onEntry?.(result);
    return result;
  }

  /**
   * Does `work` between an entry that says so and one that says what came of it: `done`, or the code of its refusal.
   *
   * @param actor Who does it.
   * @param action What it is called, and what was asked for.
   * @returns What `work` gives.
   * @throws {Refusal} `store_unavailable` when it could not be written down: then it was not done. Or what `work` throws.
   */
  async record<T>(
    { name, by, via }: Actor,
    action: Pick<Action, "action" | "details">,
    work: () => Promise<T>,
  ): Promise<T> {
    const { number: of } = await this.append({ operator: name, by, via, ...action });
    let outcome = "done";
    try {
      return await work();
    } catch (error) {
      outcome = error instanceof Refusal ? error.code : "internal";
      throw error;
    } finally {
      // An action whose outcome could not be written says that nobody knows; the answer tells the operator themselves.
      await this.append({ of, outcome }).catch(() => {});
    }
  }

  /** At most `limit` entries before the number `before`, newest first. */
  async latest(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = [];
    const selector = AUDIT_ENTRIES.range([0], [before]);
    for await (const { value } of this.#store.list<Uint8Array>(selector, { limit, reverse: true })) {
      entries.push(readEntry(value));
    }
    return entries;
  }

  /** Reads the whole audit log. Gives its length and digest, or the number of the first entry that is not as it was. */
  async verify(): Promise<{ intact: true; entries: number; digest: string } | { intact: false; at: number }> {
    let last = START;
    for await (const { key, value } of this.#store.list<Uint8Array>(AUDIT_ENTRIES.all())) {
      const number = last.number + 1;
      const entry = key[1] === number ? readEntry(value) : undefined;
      if (entry?.number !== number || entry.previous !== last.digest) return { intact: false, at: number };
      last = entry;
    }
    const head = (await this.#store.get<AuditHead>(AUDIT_HEADS.key())).value ?? START;
    // Entries that came while this one read are behind `last`; an older head than `last` cannot be.
    if (head.number < last.number || (head.number === last.number && head.digest !== last.digest)) {
      return { intact: false, at: last.number + 1 };
    }
    if (head.number > last.number && await this.#isMissing(last.number + 1)) {
      return { intact: false, at: last.number + 1 };
    }
    return { intact: true, entries: last.number, digest: last.digest };
  }

  /** All entries as they are stored, the oldest first: what a chain is checked by (audit_chain.ts). */
  async *lines(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const { value } of this.#store.list<Uint8Array<ArrayBuffer>>(AUDIT_ENTRIES.all())) yield value;
  }

  async #isThere({ number, digest }: AuditEntry): Promise<boolean> {
    const { value } = await this.#store.get<Uint8Array>(AUDIT_ENTRIES.key(number));
    return value !== null && sha256(value).toHex() === digest;
  }

  async #isMissing(number: number): Promise<boolean> {
    return (await this.#store.get(AUDIT_ENTRIES.key(number))).value === null;
  }
}

/** An entry in which nothing is hidden, for whoever reads it; its digest is that of the entry as it is stored. */
export function visibleEntry(entry: AuditEntry): AuditEntry {
  if (!("action" in entry)) return entry;
  const { operator, by, action, details } = entry;
  return {
    ...entry,
    operator: visibleName(operator),
    by: by && visibleName(by),
    action: visibleText(action),
    details: details && visibleText(details),
  };
}

function readEntry(bytes: Uint8Array): AuditEntry {
  const { salt: _salt, ...entry } = JSON.parse(new TextDecoder().decode(bytes));
  return { ...entry, digest: sha256(bytes).toHex() };
}
