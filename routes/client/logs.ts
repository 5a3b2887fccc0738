/**
 * `POST /v1/apps/{app}/logs`: anonymous logs (docs/protocol.md, section 5).
 *
 * @module
 */
import { Hono } from "hono";
import { type AcceptedLog, acceptLog, type SentLog } from "../../core/acs/accept_log.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Server } from "../../core/service.ts";
import type { SendLog } from "../../edge/direct_logs.ts";
import { bodyWaitOf } from "../../edge/http/body_wait.ts";
import { forwardedLog, refusedLog, storedLog } from "../../edge/log_answer.ts";
import { type LogMessage, messageOfStripped } from "../../edge/log_message.ts";
import { SEND_LOG } from "../../edge/operations/client.ts";
import type { Regions } from "../../edge/remote/region.ts";
import { isLogBatch, type LogBatchOptions, sendLogBatch } from "./log_batch.ts";
import { readLog } from "./read_log.ts";

/** The router of logs. */
export function logsRoutes(options: LogBatchOptions): Hono {
  return new Hono().post(SEND_LOG.path, async function answerLog(c) {
    if (isLogBatch(c.req.raw.headers)) return await sendLogBatch(c, options);
    const message = messageOfStripped(c.req.raw, c.req.param("app"), bodyWaitOf(c));
    const became = await acceptMessage(options, message);
    if (became instanceof Response) return became;
    const { accepted, rejected, replayed } = became;
    return c.json({ accepted, rejected }, 200, {
      "cache-control": "no-store",
      ...(replayed ? { "dit-replayed": "?1" } : {}),
    });
  });
}

/** Makes the function that answers logs which come the short way: as the router would, and without it. */
export function logSender(options: LogBatchOptions): SendLog {
  return async function sendLog(message) {
    try {
      const became = await acceptMessage(options, message);
      return became instanceof Response ? forwardedLog(became) : storedLog(became);
    } catch (error) {
      if (!(error instanceof Refusal)) options.onInternalError?.(error);
      return refusedLog(error);
    }
  };
}

/** What becomes of a log; the answer of another region where it is at home there. Throws the refusals. */
async function acceptMessage(
  { service, regions, bodyDeadlineMs }: LogBatchOptions,
  message: LogMessage,
): Promise<AcceptedLog | Response> {
  const app = service.appOf(message.app);
  const sent = await readLog(message, {
    deadlineMs: bodyDeadlineMs,
    expect: (credential) =>
      regions === undefined
        ? service.redeemer.expect({ app: app.id, credential }, service.now())
        : expectLog({ service, regions }, { app, credential }),
  });
  if (regions !== undefined) {
    const log = { app, ...sent, nowSeconds: service.now() };
    const own = await service.publishedKeys(app.id, log.nowSeconds);
    const answer = await regions.forwardHome(log, { own, isHop: message.hop !== "none" });
    if (answer !== undefined) return answer;
  }
  // Other regions may have been asked meanwhile, and took their time: keys end by the clock of now.
  return await acceptLog(service, { app, ...sent, nowSeconds: service.now() });
}

/** Refuses a log by its credential alone, unless its key is another region's, which knows better. */
async function expectLog(
  { service, regions }: { readonly service: Server; readonly regions: Regions },
  { app, credential }: Pick<SentLog, "app" | "credential">,
): Promise<void> {
  const nowSeconds = service.now();
  try {
    await service.redeemer.expect({ app: app.id, credential }, nowSeconds);
  } catch (error) {
    const isUnknown = error instanceof Refusal && error.code === "key_unknown";
    if (!isUnknown || !await regions.isElsewhere(app, credential.keyId, nowSeconds)) throw error;
  }
}
