/**
 * The operators' routes to keys: `GET /admin/v1/keys`, `POST /admin/v1/keys/reseal`, and
 * `POST /admin/v1/apps/{app}/keys/rotate`, `.../revoke` and `.../replace`.
 *
 * @module
 */
import { Hono } from "hono";
import { listKeys } from "../../core/keys/listed_keys.ts";
import { replace, reseal, revoke, rotate } from "../../core/operations/actions/keys.ts";
import type { Service } from "../../core/service.ts";
import { isTheirs, type OperatorEnv } from "../../edge/auth/operator.ts";
import {
  LIST_KEYS,
  REPLACE_KEYS,
  RESEAL_KEYS,
  REVOKE_KEYS,
  ROTATE_KEYS,
} from "../../edge/operations/operators.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of keys, behind the check of a token; changes take the admin token. */
export function adminKeysRoutes(service: Service): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get(LIST_KEYS.path, async function showKeys(c) {
      const keys = await listKeys(service.rotation, service.now());
      return c.json({ keys: keys.filter(({ app }) => isTheirs(c.get("operator"), app)) });
    })
    .post(RESEAL_KEYS.path, async function resealKeys(c) {
      const { body } = await readRequest(c, RESEAL_KEYS);
      return c.json(await reseal(service, c.get("operator"), { reason: body?.reason }));
    })
    .post(ROTATE_KEYS.path, async function rotateKeys(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { body } = await readRequest(c, ROTATE_KEYS);
      const order = { app, ...body };
      return c.json(await rotate(service, c.get("operator"), order));
    })
    .post(REVOKE_KEYS.path, async function revokeEpoch(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { body } = await readRequest(c, REVOKE_KEYS);
      const { "through-generation": throughGeneration, ...given } = body;
      const order = { app, throughGeneration, ...given };
      return c.json(await revoke(service, c.get("operator"), order));
    })
    .post(REPLACE_KEYS.path, async function replaceKeys(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { body } = await readRequest(c, REPLACE_KEYS);
      const order = { app, leastGeneration: body?.["least-generation"], reason: body?.reason };
      return c.json(await replace(service, c.get("operator"), order));
    });
}
