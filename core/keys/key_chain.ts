/**
 * The chain of an application's keys in a region (docs/protocol.md, section 7): a key gets its link in the commit that
 * makes it, under a check of the chain's head, so that no two processes can let it fork.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, toBase64url, utf8 } from "../base/bytes.ts";
import type { Application } from "../config/types.ts";
import type { Commit } from "../store/commit.ts";
import type { MaybeEntry } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { DEFAULT_PACE } from "../store/sweep.ts";
import { keyLeaf, LINK_LENGTH, nextLink } from "../token/key_chain.ts";
import type { Suite } from "../voprf/suite.ts";
import { KEY_CHAINS, KEY_LEAVES, SIGNING_KEYS } from "./families.ts";
import { isZeroed, type KeyLink, type KeyRow } from "./key_row.ts";

/** Most leaves of a history: those of eleven years of days. */
export const MAX_LEAVES = 4_096;

/** A key's leaf in the store, with the link before it. */
export interface LeafRow {
  /** The link of the key before it; zeros where the chain starts. */
  readonly before: Uint8Array;
  /** Its leaf. */
  readonly leaf: Uint8Array;
}

/** Where an application's keys are, and what they are made of. */
export interface ChainContext {
  /** The store. */
  readonly store: Store;
  /** The region. */
  readonly region: string;
  /** The cipher suites. */
  readonly suites: (name: Application["suite"]) => Pick<Suite, "tokenType">;
}

/** The head of a chain: the link of the key that was made last; null before there is one. */
export function readHead({ store, region }: ChainContext, app: string): Promise<MaybeEntry<KeyLink>> {
  return store.get<KeyLink>(KEY_CHAINS.key(app, region));
}

/** Gives a key the next link, in the commit that writes its row. */
export function linkKey(
  { suites }: Pick<ChainContext, "suites">,
  commit: Commit,
  head: MaybeEntry<KeyLink>,
  row: KeyRow,
): KeyRow {
  const { tokenType } = suites(row.suite);
  const leaf = keyLeaf(row.app, { ...row, tokenType, publicKey: toBase64url(row.publicKey) });
  const before = head.value?.link ?? new Uint8Array(LINK_LENGTH);
  // A chain starts at a number that no chain before it can have come to: it may have been in a store that is lost.
  const number = head.value === null ? row.notBefore : head.value.number + 1;
  const chain: KeyLink = { number, link: nextLink(before, leaf) };
  const leafRow: LeafRow = { before, leaf };
  commit.check(head)
    .set(KEY_CHAINS.key(row.app, row.region), chain)
    .set(KEY_LEAVES.key(row.app, row.region, number), leafRow);
  return { ...row, chain };
}

/** Links the keys that a program made which knew of no chain. */
export async function linkOldKeys(context: ChainContext, rows: readonly KeyRow[]): Promise<void> {
  for (const { app, region, epoch, generation } of rows.filter(isUnlinked)) {
    const key = SIGNING_KEYS.key(app, region, epoch, generation);
    await context.store.update<KeyLink, void>(KEY_CHAINS.key(app, region), async (head, commit) => {
      const entry = await context.store.get<KeyRow>(key);
      if (entry.value === null || !isUnlinked(entry.value)) return;
      commit.check(entry).set(key, linkKey(context, commit, head, entry.value));
    });
  }
}

function isUnlinked(row: KeyRow): boolean {
  return row.chain === undefined && !isZeroed(row);
}

/** A stretch of a chain up to its head. */
export interface ChainStretch {
  /** The number of the first leaf. */
  readonly first: number;
  /** The link before it. */
  readonly before: Uint8Array;
  /** The leaves. */
  readonly leaves: readonly Uint8Array[];
}

/** The newest leaves of a chain; undefined where there is none. */
export async function readStretch(
  { store, region }: ChainContext,
  app: string,
): Promise<ChainStretch | undefined> {
  const rows: LeafRow[] = [];
  let first = 0;
  const options = { limit: MAX_LEAVES, batchSize: MAX_LEAVES, reverse: true };
  for await (const { key, value } of store.list<LeafRow>(KEY_LEAVES.prefix(app, region), options)) {
    const number = key.at(-1) as number;
    // Before a gap lies a chain that came to its end when a backup was put back.
    if (rows.length > 0 && number !== first - 1) break;
    first = number;
    rows.unshift(value);
  }
  const [oldest] = rows;
  return oldest && { first, before: oldest.before, leaves: rows.map(({ leaf }) => leaf) };
}

/** Forgets leaves that no history lists any more. */
export async function forgetLeaves({ store }: ChainContext): Promise<void> {
  for await (const { key: [, app, region], value: { number } } of store.list<KeyLink>(KEY_CHAINS.all())) {
    const names: [string, string] = [app as string, region as string];
    await store.sweep(KEY_LEAVES.range(names, [...names, number - MAX_LEAVES + 1]), DEFAULT_PACE);
  }
}

/** A history as it is served. */
export interface KeyHistory {
  /** The JSON document. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** `"b64url(SHA-256(body))"` with its quotes. */
  readonly etag: string;
}

/** The document of a history: a chain's leaves in one text, so that a client can walk from a link that it knows. */
export function makeHistory(app: string, region: string, stretch: ChainStretch | undefined): KeyHistory {
  const { first = 0, before = new Uint8Array(LINK_LENGTH), leaves = [] } = stretch ?? {};
  const body = utf8(JSON.stringify({
    app,
    region,
    first,
    before: toBase64url(before),
    leaves: toBase64url(concat(...leaves)),
  }));
  return { body, etag: `"${toBase64url(sha256(body))}"` };
}

/** Histories of one process, each made anew when its chain has grown: anybody may ask, as often as they like. */
export class KeyHistories {
  readonly #context: ChainContext;
  readonly #made = new Map<string, { readonly number: number; readonly history: Promise<KeyHistory> }>();

  /** Reads nothing yet. */
  constructor(context: ChainContext) {
    this.#context = context;
  }

  /** An application's. */
  async of(app: string): Promise<KeyHistory> {
    const number = (await readHead(this.#context, app)).value?.number ?? -1;
    const known = this.#made.get(app);
    if (known?.number === number) return await known.history;
    const history = readStretch(this.#context, app).then((read) =>
      makeHistory(app, this.#context.region, read)
    );
    this.#made.set(app, { number, history });
    history.catch(() => this.#made.delete(app));
    return await history;
  }
}
