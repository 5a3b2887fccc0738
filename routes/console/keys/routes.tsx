/**
 * The console's pages and actions on keys. Actions go through the admin API of this process, which writes them to the
 * trail like everybody else's.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { Refusal } from "../../../core/base/errors.ts";
import type { Show } from "../app.tsx";
import type { ConsoleEnv, ConsoleOptions } from "../frame/env.ts";
import { KeysPage, readKeys, RevokePage, RotatePage } from "./page.tsx";
import { actAsOperator } from "../frame/act.ts";

/** The router of keys. */
export function keyRoutes(options: ConsoleOptions, show: Show): Hono<ConsoleEnv> {
  const { service } = options;
  const pageOf = (c: Context<ConsoleEnv>, title: string) => {
    const application = service.appOf(c.req.param("app")!);
    return {
      application,
      props: { title: `${title} of ${application.id}`, page: "keys", app: application.id } as const,
    };
  };
  return new Hono<ConsoleEnv>()
    .get("/console/apps/:app/keys", async function showKeys(c) {
      const { application, props } = pageOf(c, "Keys");
      const view = await readKeys(service, application);
      return show(
        c,
        props,
        <KeysPage application={application} view={view} now={service.now()} session={c.get("session")} />,
      );
    })
    .get("/console/apps/:app/keys/rotate", (c) => {
      const { application, props } = pageOf(c, "Rotate the key");
      return show(c, props, <RotatePage app={application.id} session={c.get("session")} />);
    })
    .post("/console/apps/:app/keys/rotate", async function rotate(c) {
      const { application } = pageOf(c, "");
      await actAsOperator(c, options, `/admin/v1/apps/${application.id}/keys/rotate`, {});
      return c.redirect(`/console/apps/${application.id}/keys`, 303);
    })
    .get("/console/apps/:app/keys/revoke/:epoch/:generation", (c) => {
      const { application, props } = pageOf(c, "Revoke keys");
      const [epoch, generation] = [readNumber(c, "epoch"), readNumber(c, "generation")];
      return show(
        c,
        props,
        <RevokePage app={application.id} epoch={epoch} generation={generation} session={c.get("session")} />,
      );
    })
    .post("/console/apps/:app/keys/revoke/:epoch/:generation", async function revoke(c) {
      const { application } = pageOf(c, "");
      await actAsOperator(c, options, `/admin/v1/apps/${application.id}/keys/revoke`, {
        epoch: readNumber(c, "epoch"),
        "through-generation": readNumber(c, "generation"),
      });
      return c.redirect(`/console/apps/${application.id}/keys`, 303);
    });
}

function readNumber(c: Context<ConsoleEnv>, name: string): number {
  const text = c.req.param(name) ?? "";
  if (!/^[0-9]{1,9}$/.test(text)) throw new Refusal("route_unknown", "There is no such key.");
  return Number(text);
}
