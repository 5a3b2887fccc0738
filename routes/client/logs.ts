/**
 * `POST /v1/apps/{app}/logs`: anonymous logs (docs/protocol.md, section 5).
 *
 * @module
 */
import { Hono } from "hono";
import { acceptLog, type SentLog } from "../../core/acs/accept_log.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Server } from "../../core/service.ts";
import { HOP_HEADER } from "../../edge/http/headers.ts";
import { SEND_LOG } from "../../edge/operations/client.ts";
import type { Regions } from "../../edge/remote/region.ts";
import { isLogBatch, type LogBatchOptions, sendLogBatch } from "./log_batch.ts";
import { readLog } from "./read_log.ts";

/** The router of logs. */
export function logsRoutes(options: LogBatchOptions): Hono {
  const { service, regions, bodyDeadlineMs } = options;
  return new Hono().post(SEND_LOG.path, async function sendLog(c) {
    if (isLogBatch(c.req.raw.headers)) return await sendLogBatch(c, options);
    const app = service.appOf(c.req.param("app"));
    const sent = await readLog(c, {
      deadlineMs: bodyDeadlineMs,
      expect: (credential) => expectLog({ service, regions }, { app, credential }),
    });
    if (regions !== undefined) {
      const log = { app, ...sent, nowSeconds: service.now() };
      const own = await service.publishedKeys(app.id, log.nowSeconds);
      const answer = await regions.forwardHome(log, { own, isHop: c.req.raw.headers.has(HOP_HEADER) });
      if (answer !== undefined) return answer;
    }
    // Other regions may have been asked meanwhile, and took their time: keys end by the clock of now.
    const log = { app, ...sent, nowSeconds: service.now() };
    const { accepted, rejected, replayed } = await acceptLog(service, log);
    return c.json({ accepted, rejected }, 200, {
      "cache-control": "no-store",
      ...(replayed ? { "dit-replayed": "?1" } : {}),
    });
  });
}

/** Refuses a log by its credential alone, unless its key is another region's, which knows better. */
async function expectLog(
  { service, regions }: { readonly service: Server; readonly regions: Regions | undefined },
  { app, credential }: Pick<SentLog, "app" | "credential">,
): Promise<void> {
  const nowSeconds = service.now();
  try {
    await service.redeemer.expect({ app: app.id, credential }, nowSeconds);
  } catch (error) {
    const isUnknown = error instanceof Refusal && error.code === "key_unknown";
    if (!isUnknown || await regions?.isElsewhere(app, credential.keyId, nowSeconds) !== true) throw error;
  }
}
