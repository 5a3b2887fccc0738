/**
 * The histories of keys of an ACS elsewhere, passed on as they are: what is in them is for clients to check.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { KeyHistory } from "../../core/keys/key_chain.ts";
import { type AcsExchange, refusalOf } from "./acs_exchange.ts";

/** Most bytes of a history. */
const MAX_HISTORY_BYTES = 256 * 1024;
const REFRESH_SECONDS = 30;

interface Asked {
  readonly atSeconds: number;
  readonly history: Promise<KeyHistory>;
}

/** This process's view of them, one an application. */
export class AcsHistories {
  readonly #exchange: AcsExchange;
  readonly #asked = new Map<string, Asked>();

  /** Asks nothing yet. */
  constructor(exchange: AcsExchange) {
    this.#exchange = exchange;
  }

  /** An application's; one that failed is asked for anew with the next request. */
  async of(app: string, nowSeconds: number): Promise<KeyHistory> {
    let asked = this.#asked.get(app);
    if (asked === undefined || Math.abs(nowSeconds - asked.atSeconds) >= REFRESH_SECONDS) {
      asked = { atSeconds: nowSeconds, history: this.#ask(app) };
      this.#asked.set(app, asked);
    }
    try {
      return await asked.history;
    } catch (error) {
      if (this.#asked.get(app) === asked) this.#asked.delete(app);
      throw error;
    }
  }

  async #ask(app: string): Promise<KeyHistory> {
    const answer = await this.#exchange(`/v1/apps/${app}/keys/history`, {}, MAX_HISTORY_BYTES);
    if (answer.status === 404) throw new Refusal("route_unknown", "The ACS keeps no history of its keys.");
    if (answer.status !== 200) throw refusalOf(answer);
    return { body: answer.body, etag: `"${toBase64url(sha256(answer.body))}"` };
  }
}
