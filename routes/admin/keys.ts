/**
 * The operators' routes to keys: `GET /admin/v1/keys`, `POST /admin/v1/keys/reseal`,
 * `POST /admin/v1/apps/{app}/keys/rotate` and `POST /admin/v1/apps/{app}/keys/revoke`.
 *
 * @module
 */
import { Hono } from "hono";
import { listKeys } from "../../core/keys/listed_keys.ts";
import { reseal, revoke, rotate } from "../../core/operations/actions/keys.ts";
import type { Service } from "../../core/service.ts";
import type { OperatorEnv } from "../../edge/auth/operator.ts";
import { described } from "../openapi/describe.ts";
import { LIST_KEYS, RESEAL_KEYS, REVOKE_KEYS, ROTATE_KEYS } from "../openapi/operator_operations.ts";
import { explanation, revocation } from "../openapi/shapes.ts";
import { readJson } from "./read_json.ts";

const EXPECTED_EXPLANATION = 'Send nothing, or {"reason": "..."}.';
const EXPECTED_REVOCATION = 'Send {"epoch": <number>, "through-generation": <number>}.';

/** The router of keys; whoever reaches it has shown a token, and changes something only with the admin token. */
export function adminKeysRoutes(service: Service): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get("/admin/v1/keys", described(LIST_KEYS), async function showKeys(c) {
      return c.json({ keys: await listKeys(service.rotation, service.now()) });
    })
    .post("/admin/v1/keys/reseal", described(RESEAL_KEYS), async function resealKeys(c) {
      const given = await readJson(c.req.raw, explanation, EXPECTED_EXPLANATION);
      return c.json(await reseal(service, c.get("operator"), { reason: given?.reason }));
    })
    .post("/admin/v1/apps/:app/keys/rotate", described(ROTATE_KEYS), async function rotateKeys(c) {
      const given = await readJson(c.req.raw, explanation, EXPECTED_EXPLANATION);
      const order = { app: c.req.param("app"), reason: given?.reason };
      return c.json(await rotate(service, c.get("operator"), order));
    })
    .post("/admin/v1/apps/:app/keys/revoke", described(REVOKE_KEYS), async function revokeEpoch(c) {
      const { "through-generation": throughGeneration, ...given } = await readJson(
        c.req.raw,
        revocation,
        EXPECTED_REVOCATION,
      );
      const order = { app: c.req.param("app"), throughGeneration, ...given };
      return c.json(await revoke(service, c.get("operator"), order));
    });
}
