/**
 * `POST /v1/apps/{app}/logs`: anonymous logs (docs/protocol.md, section 5).
 *
 * @module
 */
import { Hono } from "hono";
import { DecodeError, equalPublic } from "../../core/base/bytes.ts";
import type { Application } from "../../core/config/types.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { Server } from "../../core/service.ts";
import { MAX_BODY_BYTES, readBody } from "../../core/schema/body.ts";
import { encodeRecord } from "../../core/schema/record.ts";
import type { Suppressions } from "../../core/schema/event.ts";
import { validateEvents, type Validation } from "../../core/schema/validate.ts";
import { type Credential, parseCredential } from "../../core/token/credential.ts";
import type { ContentEncoding } from "../../core/token/mac.ts";
import { digestBody } from "../../core/token/body_digest.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { HOP_HEADER } from "../../edge/http/headers.ts";
import { refuseSecondHop, type Regions } from "../../edge/remote/region.ts";
import { described } from "../openapi/describe.ts";
import { SEND_LOG } from "../openapi/client_operations.ts";

/** The router of logs. A body has to arrive within `bodyDeadlineMs`. */
export function logsRoutes(service: Server, regions?: Regions, bodyDeadlineMs?: number): Hono {
  return new Hono().post("/v1/apps/:app/logs", described(SEND_LOG), async function acceptLog(c) {
    const app = service.appOf(c.req.param("app"));
    const contentEncoding = requireMediaType(c.req.raw.headers);
    const credential = requireCredential(c.req.raw.headers);
    const body = await readBoundedBody(c.req.raw, MAX_BODY_BYTES, bodyDeadlineMs);
    const nowSeconds = service.now();
    if (regions !== undefined && !await isOwnKey(service, app.id, credential.keyId, nowSeconds)) {
      const home = await regions.homeOf(app, credential.keyId, nowSeconds);
      if (home !== undefined && c.req.raw.headers.has(HOP_HEADER)) throw refuseSecondHop();
      if (home !== undefined) {
        return await regions.forward(home, { app: app.id, credential, contentEncoding, body });
      }
    }
    let validation: Validation | undefined;
    let pseudonym: string | undefined;
    const { replayed } = await service.redeemer.redeem(
      { app: app.id, credential, body: { contentEncoding, bodyDigest: digestBody(body) } },
      () => {
        const log = readBody(body, contentEncoding, app.pseudonymSeconds !== undefined);
        validation = validate(app, service.suppressionsOf(app.id), log.events, nowSeconds);
        ({ pseudonym } = log);
        return { record: encodeRecord(pseudonym, validation.accepted) };
      },
      nowSeconds,
    );
    const { accepted, rejected } = validation!;
    if (!replayed) {
      service.counters.logged(app.id, credential.use, accepted.length, rejected.map(({ code }) => code));
      service.risk.observe(app.id, pseudonym, accepted, nowSeconds);
    }
    return c.json({ accepted: accepted.length, rejected }, 200, {
      "cache-control": "no-store",
      ...(replayed ? { "dit-replayed": "?1" } : {}),
    });
  });
}

async function isOwnKey(
  service: Server,
  app: string,
  keyId: Uint8Array,
  nowSeconds: number,
): Promise<boolean> {
  return (await service.publishedKeys(app, nowSeconds)).some((key) => equalPublic(key.keyId, keyId));
}

function requireMediaType(headers: Headers): ContentEncoding {
  if (headers.get("content-type")?.toLowerCase() !== "application/json") {
    throw new Refusal("media_type", "The content type is not application/json without parameters.");
  }
  const encoding = headers.get("content-encoding")?.toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "gzip") {
    throw new Refusal("media_type", "The content encoding is neither absent nor gzip.");
  }
  return encoding;
}

function requireCredential(headers: Headers): Credential {
  const header = headers.get("authorization");
  if (header === null) {
    throw new Refusal("credential_missing", "There is no Authorization header of the DIT scheme.");
  }
  try {
    return parseCredential(header);
  } catch (error) {
    if (error instanceof DecodeError) throw new Refusal("credential_malformed", `${error.message}.`);
    throw error;
  }
}

function validate(
  app: Application,
  suppressions: Suppressions,
  events: Parameters<typeof validateEvents>[2],
  nowSeconds: number,
): Validation {
  const validation = validateEvents(app.events, suppressions, events, nowSeconds, app.granularitySeconds);
  if (validation.accepted.length > 0) return validation;
  const members = { rejected: validation.rejected };
  if (validation.rejected.every(({ code }) => code === "collection_stopped")) {
    throw new Refusal("collection_stopped", "Every event of this body is stopped; stop sending them.", {
      members,
    });
  }
  throw new Refusal("events_invalid", "No event of this body is valid.", { members });
}
