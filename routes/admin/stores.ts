/**
 * The operators' routes to the stores of log servers: `GET /admin/v1/stores` and `POST /admin/v1/apps/{app}/stores/unpin`.
 *
 * @module
 */
import { Hono } from "hono";
import { listStorePins } from "../../core/acs/store_pins.ts";
import { unpinStore } from "../../core/operations/actions/unpin_store.ts";
import type { Service } from "../../core/service.ts";
import { isTheirs, type OperatorEnv } from "../../edge/auth/operator.ts";
import { LIST_STORES, UNPIN_STORE } from "../../edge/operations/stores.ts";
import { readRequest } from "../../edge/read_request.ts";

/** The router of the stores of log servers, behind the check of a token; unpinning takes the admin token. */
export function adminStoresRoutes(service: Service): Hono<OperatorEnv> {
  return new Hono<OperatorEnv>()
    .get(LIST_STORES.path, async function showStores(c) {
      const stores = await listStorePins(service.store);
      return c.json({ stores: stores.filter(({ app }) => isTheirs(c.get("operator"), app)) });
    })
    .post(UNPIN_STORE.path, async function unpin(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const { body } = await readRequest(c, UNPIN_STORE);
      return c.json(await unpinStore(service, c.get("operator"), { app, ...body }));
    });
}
