/**
 * `POST /acs/v1/apps/{app}/redeem` and `/redeemed`: redemption for other servers, which keep the records
 * (docs/protocol.md, section 8).
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { findRedeemed, redeem, type RedeemInput } from "../../core/acs/redeem.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import type { Service } from "../../core/service.ts";
import { requireServiceToken } from "../../edge/auth/service_token.ts";
import { STORE_HEADER } from "../../edge/http/headers.ts";
import { FIND_REDEEMED, REDEEM } from "../../edge/operations/other_servers.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of redemption for other servers. */
export function redeemRoutes(service: Service): Hono {
  async function readUse(c: Context, operation: typeof REDEEM | typeof FIND_REDEEMED): Promise<RedeemInput> {
    const app = service.appOf(c.req.param("app") ?? "");
    requireServiceToken(app, c.req.raw.headers);
    const { headers, body } = await readRequest(c, operation);
    const { key: keyId, nonce, use, mac, transcript } = body;
    return {
      app,
      storeId: headers[STORE_HEADER],
      credential: { keyId, nonce, use, mac },
      transcript,
      nowSeconds: service.now(),
    };
  }
  return new Hono()
    .post(REDEEM.path, async function redeemUse(c) {
      const { outcome, macKey, notBefore, redeemUntil } = await redeem(service, await readUse(c, REDEEM));
      const answer = {
        status: outcome,
        mac_key: toBase64url(macKey),
        not_before: notBefore,
        redeem_until: redeemUntil,
      };
      return c.json(answer, 200, { "cache-control": "no-store" });
    })
    .post(FIND_REDEEMED.path, async function showRedeemed(c) {
      const macKey = await findRedeemed(service, await readUse(c, FIND_REDEEMED));
      const found = macKey === undefined
        ? { redeemed: false }
        : { redeemed: true, mac_key: toBase64url(macKey) };
      return c.json(found, 200, { "cache-control": "no-store" });
    });
}
