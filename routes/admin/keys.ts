/**
 * The operator's routes to keys: `GET /admin/v1/keys`, `POST /admin/v1/keys/reseal`,
 * `POST /admin/v1/apps/{app}/keys/rotate` and `POST /admin/v1/apps/{app}/keys/revoke`.
 *
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import { KeyOperations } from "../../core/keys/operations.ts";
import type { Service } from "../../core/service.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";
import { described } from "../openapi/describe.ts";
import { LIST_KEYS, RESEAL_KEYS, REVOKE_KEYS, ROTATE_KEYS } from "../openapi/operator_operations.ts";

const revocation = z.strictObject({
  epoch: z.int().min(0),
  "through-generation": z.int().min(0).max(1_000_000),
  // For the trail, which keeps what was sent.
  reason: z.string().max(300).optional(),
});

/** The router of keys; whoever reaches it has shown the admin token. */
export function adminKeysRoutes(service: Service): Hono {
  const { rotation, deployment, now } = service;
  const operations = new KeyOperations(rotation, deployment, now);
  return new Hono()
    .get("/admin/v1/keys", described(LIST_KEYS), async (c) => c.json(await operations.list()))
    .post("/admin/v1/keys/reseal", described(RESEAL_KEYS), async (c) => c.json(await operations.reseal()))
    .post("/admin/v1/apps/:app/keys/rotate", described(ROTATE_KEYS), async function rotateKeys(c) {
      const app = service.appOf(c.req.param("app"));
      const made = await operations.rotate(app.id);
      service.ringOf(app.id).forget();
      return c.json(made);
    })
    .post("/admin/v1/apps/:app/keys/revoke", described(REVOKE_KEYS), async function revokeEpoch(c) {
      const app = service.appOf(c.req.param("app"));
      const request = revocation.safeParse(parseJson(await readBoundedBody(c.req.raw, 1_024)));
      if (!request.success) {
        throw new Refusal("body_malformed", 'Send {"epoch": <number>, "through-generation": <number>}.');
      }
      const { epoch, "through-generation": throughGeneration } = request.data;
      const revoked = await operations.revoke(app.id, epoch, throughGeneration);
      service.ringOf(app.id).forget();
      return c.json(revoked);
    });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
