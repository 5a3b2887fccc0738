/**
 * How the chain of keys goes on in a store that was put back from a backup. Since the backup it may have grown in what
 * clients saw, and nothing that was published may get a second value: so it goes on from what was published, or, where
 * nobody kept that, starts anew under numbers that no chain before it can have come to.
 *
 * @module
 */
import { equalPublic } from "../base/bytes.ts";
import { LINK_LENGTH, nextLink } from "../token/key_chain.ts";
import { KEY_CHAINS, KEY_LEAVES } from "./families.ts";
import type { ChainContext, ChainStretch, LeafRow } from "./key_chain.ts";
import type { KeyLink } from "./key_row.ts";

/** How far a chain that starts anew is ahead of the one before it, whatever the clock says. */
const RESTART_STEP = 1_024;
/** Most links by which a chain may be taken up: they are written in one commit. */
const MAX_TAKEN_UP = 500;

/** Has the next key start a chain anew. Where there is none, there is nothing to do. */
export async function restartChain(
  { store, region }: ChainContext,
  app: string,
  nowSeconds: number,
): Promise<void> {
  await store.update<KeyLink, void>(KEY_CHAINS.key(app, region), (head, commit) => {
    if (head.value === null) return;
    const number = Math.max(nowSeconds, head.value.number + RESTART_STEP);
    commit.set(head.key, { number, link: new Uint8Array(LINK_LENGTH) });
  });
}

/**
 * Takes a chain up where it was published last.
 * @returns Whether that is the same chain: what was published contains the head of the restored one.
 */
export async function takeUpChain(
  { store, region }: ChainContext,
  app: string,
  published: ChainStretch,
): Promise<boolean> {
  const { result } = await store.update<KeyLink, boolean>(KEY_CHAINS.key(app, region), (head, commit) => {
    const known = head.value;
    let isSame = false;
    let { before, first: number } = published;
    const newer: (LeafRow & KeyLink)[] = [];
    for (const leaf of published.leaves) {
      const link = nextLink(before, leaf);
      if (known?.number === number) isSame = equalPublic(known.link, link);
      if (known !== null && number > known.number) newer.push({ number, link, before, leaf });
      before = link;
      number++;
    }
    if (!isSame || newer.length > MAX_TAKEN_UP) return false;
    for (const { number, before, leaf } of newer) {
      commit.set(KEY_LEAVES.key(app, region, number), { before, leaf });
    }
    const last = newer.at(-1);
    if (last !== undefined) commit.set(head.key, { number: last.number, link: last.link });
    return true;
  });
  return result;
}
