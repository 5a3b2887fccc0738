/**
 * Several logs of one token in one request, apart from the client so that an app with short queues does not carry it.
 *
 * @module
 */
import { fromBase64url, utf8 } from "../core/base/bytes.ts";
import { encodeLogBatch, LOG_BATCH_TYPE } from "../core/token/log_batch.ts";
import type { LogBatches, LogOutcome } from "./base/types.ts";
import { type Answer, isCode, parseJson, refusalCode } from "./http/network.ts";
import { post } from "./queue/request.ts";

/**
 * Sends what a client holds of one token in one request, up to 15 logs: pass it as `logBatches`. For apps that are offline
 * for long, or log much at once.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { logBatches } from "@dit/service/log_batches";
 *
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, logBatches });
 * ```
 */
export const logBatches: LogBatches = {
  hasRoom: (logs, isHidden) => logs < (isHidden ? MAX_HIDDEN : MAX_LOGS),
  requestOf(logs, isHidden) {
    const body = encodeLogBatch(logs.map(({ keyId, nonce, use, mac, contentEncoding, body }) => ({
      credential: { keyId: fromBase64url(keyId), nonce: fromBase64url(nonce), use, mac: fromBase64url(mac) },
      contentEncoding,
      body: fromBase64url(body),
    })));
    return post({ "content-type": LOG_BATCH_TYPE }, body, isHidden);
  },
  answersTo({ length }, { status, body }, report) {
    const { outcomes } = Object(parseJson(body));
    if (status !== 200 || !Array.isArray(outcomes) || outcomes.length !== length) return undefined;
    const answers = outcomes.map(answerOf);
    for (const one of answers) {
      if (one.status !== 200) report("refused", { step: "logs", code: refusalCode(one) });
    }
    return answers;
  },
};

/** Most logs of a request: a body has 16 KiB at most, a request 256, and all of a hidden page's together 64. */
const MAX_LOGS = 15;
const MAX_HIDDEN = 3;

function answerOf(outcome: unknown): LogOutcome & Answer {
  const { status, code, replayed, "retry-after": wait } = Object(outcome);
  return {
    status: Number.isInteger(status) ? status : 0,
    headers: new Headers({ "retry-after": `${Number(wait)}`, "dit-replayed": replayed === true ? "?1" : "" }),
    body: utf8(JSON.stringify(outcome)),
    code: isCode(code) ? code : undefined,
  };
}
