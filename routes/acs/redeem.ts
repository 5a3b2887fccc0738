/**
 * `POST /acs/v1/apps/{app}/redeem`: redemption for other servers, which keep the records (docs/protocol.md, section 8).
 *
 * @module
 */
import { Hono } from "hono";
import { redeem } from "../../core/acs/redeem.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import type { Service } from "../../core/service.ts";
import { requireServiceToken } from "../../edge/auth/service_token.ts";
import { REDEEM } from "../../edge/operations/other_servers.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of redemption for other servers. */
export function redeemRoutes(service: Service): Hono {
  return new Hono().post(REDEEM.path, async function redeemUse(c) {
    const app = service.appOf(c.req.param("app"));
    requireServiceToken(app, c.req.raw.headers);
    const { body: { key: keyId, nonce, use, mac, transcript } } = await readRequest(c, REDEEM);
    const credential = { keyId, nonce, use, mac };
    const { outcome, macKey } = await redeem(service, {
      app,
      credential,
      transcript,
      nowSeconds: service.now(),
    });
    return c.json({ status: outcome, mac_key: toBase64url(macKey) }, 200, { "cache-control": "no-store" });
  });
}
