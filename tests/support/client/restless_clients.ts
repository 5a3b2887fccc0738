// deno-lint-ignore-file no-console -- what nobody expects is said.
/**
 * Clients that go on through everything: each fetches a batch under a name of its own, uses its tokens up, and fetches
 * the next one. The same bytes are sent until it is known what became of them.
 *
 * @module
 */
import { decodeBatchResponse } from "../../../core/token/batch.ts";
import { deriveMacKey } from "../../../core/token/mac.ts";
import { nobleRistretto255 as suite } from "../../../core/voprf/noble.ts";
import { present } from "../base/present.ts";
import type { Sent } from "../store/exactly_once.ts";
import { type Answer, type LoadToken, prepareBatch, sendUntilKnown, signMarkedLog } from "./load_client.ts";

/** Clients under way. */
export interface RestlessClients {
  /** Every log so far, with its answer. */
  readonly sent: Sent;
  /** Every answer to a log so far, by status and code, counted. */
  readonly heard: ReadonlyMap<string, number>;
  /** Every answer to a token request so far, by status and code, counted. */
  readonly heardOfTokens: ReadonlyMap<string, number>;
  /** Logs accepted so far. Throws what a client has stumbled over. */
  readonly accepted: () => number;
  /** Lets each client finish its log, and waits for all of them. */
  readonly stop: () => Promise<void>;
}

/** How they go on. */
export interface RestlessOptions {
  /** Where each attempt goes. */
  readonly url: () => string;
  /** Clients at once. */
  readonly clients: number;
  /** Tokens of a batch. */
  readonly batch: number;
  /** Uses of a token. */
  readonly uses: number;
  /** Milliseconds between two logs of a client. */
  readonly pauseMs: number;
  /** Signs a name in. */
  readonly signIn: (subject: string) => Promise<string>;
}

/** Refusals after which a token request is good all the same, at another moment or with another session. */
const MENDED_BY_TIME = ["session_invalid", "overloaded", "request_timeout"];

/** Starts them. */
export function startRestlessClients(
  { url, clients, batch: size, uses, pauseMs, signIn }: RestlessOptions,
): RestlessClients {
  const sent: Sent = new Map();
  const heard = new Map<string, number>();
  const heardOfTokens = new Map<string, number>();
  const hearIn = (counts: Map<string, number>) => (answer: Answer) => {
    const name = answer.code === undefined ? String(answer.status) : `${answer.status} ${answer.code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  const hear = hearIn(heard);
  const hearOfTokens = hearIn(heardOfTokens);
  let running = true;

  /** A request under a new name, or undefined: nobody has answered with the keys. */
  async function prepare() {
    try {
      return await prepareBatch(url(), crypto.randomUUID(), size);
    } catch {
      return undefined;
    }
  }

  async function fetchBatch(): Promise<LoadToken[]> {
    const batch = await prepare();
    if (batch === undefined) return [];
    const subject = crypto.randomUUID();
    for (let attempt = 0; running || attempt === 0; attempt++) {
      // As the client does after each 401: the session of before may be of a key that has been withdrawn, and a clock that
      // is being moved takes a good one for expired.
      const { answer, body } = await ask(url(), await signIn(subject), batch.body);
      hearOfTokens(answer);
      if (answer.status === 200) {
        const authenticators = suite.finalize({ ...batch, ...decodeBatchResponse(suite, body, size) });
        return authenticators.map((authenticator, index) => {
          return { keyId: batch.keyId, ...present(batch.bound[index]), macKey: deriveMacKey(authenticator) };
        });
      }
      const { status, code } = answer;
      // A batch that was granted is granted again, never counted again.
      const isFinal = status >= 400 && status < 500 && !MENDED_BY_TIME.includes(code ?? "");
      if (isFinal || code === "quota_exhausted") {
        throw new Error(`A token request was refused: ${status} ${code}`);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** attempt, 500)));
    }
    return [];
  }

  async function run(): Promise<void> {
    while (running) {
      const tokens = await fetchBatch();
      if (tokens.length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
      for (const token of tokens) {
        for (let use = 0; running && use < uses; use++) {
          const log = signMarkedLog(token, use);
          sent.set(log, undefined);
          sent.set(log, await sendUntilKnown(url, log, hear));
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
    }
  }

  const done = Promise.all(Array.from({ length: clients }, run));
  let failure: unknown;
  done.catch((error) => failure = error);
  return {
    sent,
    heard,
    heardOfTokens,
    accepted() {
      if (failure !== undefined) throw failure;
      return heard.get("200") ?? 0;
    },
    async stop() {
      running = false;
      await done;
    },
  };
}

/** Sends a token request once. */
async function ask(
  url: string,
  session: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ answer: Answer; body: Uint8Array<ArrayBuffer> }> {
  const nothing = new Uint8Array();
  try {
    const response = await fetch(`${url}/v1/apps/load/tokens`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${session}`,
        "content-type": "application/private-token-amortized-batch-request",
      },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const answer = { status: response.status, replayed: response.headers.get("dit-replayed") === "?1" };
    if (response.ok) return { answer, body: await response.bytes() };
    const { code, detail } = await response.json();
    // Why a session was no good is not in its code.
    if (code === "session_invalid") console.log(detail);
    return { answer: { ...answer, code }, body: nothing };
  } catch {
    return { answer: { status: 0, replayed: false }, body: nothing };
  }
}
