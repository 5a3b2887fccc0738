/**
 * On a log server: the id by which an ACS elsewhere tells its store from others. A backup has it too, and so the store
 * that is restored from it.
 *
 * @module
 */
import { toBase64url } from "../../base/bytes.ts";
import type { RandomSource } from "../../base/random.ts";
import type { Store } from "../../store/store.ts";
import { STORE_IDS } from "../families.ts";

const STORE_ID_LENGTH = 16;

/**
 * Makes the function that gives the store's id, base64url of 16 bytes. The first process ever makes it; it is read once.
 * The function throws the refusal `store_unavailable`.
 */
export function storeIdReader(store: Store, random: RandomSource): () => Promise<string> {
  let known: string | undefined;
  return async function readStoreId() {
    known ??= (await store.update<string, string>(STORE_IDS.key(), ({ key, value }, commit) => {
      if (value !== null) return value;
      const fresh = toBase64url(random(STORE_ID_LENGTH));
      commit.set(key, fresh);
      return fresh;
    })).result;
    return known;
  };
}
