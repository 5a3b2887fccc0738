/**
 * `GET /console/apps/{app}/keys`, and the rotation and revocation of keys.
 *
 * @module
 */
import { Hono } from "hono";
import { Refusal } from "../../../core/base/errors.ts";
import { confirmTime } from "../../../core/operations/actions/confirm_time.ts";
import { type KeyHolder, replace, revoke, rotate } from "../../../core/operations/actions/keys.ts";
import { nextReplacement, type WantedKey } from "../../../core/keys/replacement.ts";
import { hasKeys, type Server } from "../../../core/service.ts";
import { reasonOfForm } from "../frame/confirm.tsx";
import type { ConsoleEnv, ConsoleOptions, Show } from "../frame/env.ts";
import type { ConsolePage } from "../frame/page.ts";
import { ConfirmTimePage, ReplacePage, RevokePage, RotatePage } from "./confirm.tsx";
import { KeysPage } from "./page.tsx";
import { readKeys } from "./view.ts";

/** The keys of an application. */
export const keysPage: ConsolePage = {
  name: "keys",
  title: "Keys",
  path: "/console/apps/:app/keys",
  ofWhole: ["/console/apps/:app/keys/confirm-time"],
  routes: keyRoutes,
};

const ROTATE = "/console/apps/:app/keys/rotate";
const REPLACE = "/console/apps/:app/keys/replace";
const CONFIRM_TIME = "/console/apps/:app/keys/confirm-time";
const REVOKE = "/console/apps/:app/keys/revoke/:epoch/:generation";

function keyRoutes({ service }: ConsoleOptions, show: Show): Hono<ConsoleEnv> {
  return new Hono<ConsoleEnv>()
    .get("/console/apps/:app/keys", async function showKeys(c) {
      const application = service.appOf(c.req.param("app"));
      const about = { application, now: service.now(), session: c.get("session") };
      const view = await readKeys(service, application);
      const shown = { title: `Keys of ${application.id}`, app: application.id };
      return show(c, shown, <KeysPage {...about} view={view} timeHeld={service.time.held} />);
    })
    .get(ROTATE, async function askToRotate(c) {
      const application = service.appOf(c.req.param("app"));
      const { id: app } = application;
      const next = await nextReplacement(keyHolder(service).rotation, application, service.now());
      const shown = { title: `Rotate the key of ${app}`, app };
      return show(c, shown, <RotatePage app={app} next={next} session={c.get("session")} />);
    })
    .post(ROTATE, async function rotateKey(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const order = { app, key: keyOfForm(c.get("form")), reason: reasonOfForm(c) };
      await rotate(keyHolder(service), c.get("session").operator, order);
      return c.redirect(`/console/apps/${app}/keys`, 303);
    })
    .get(REPLACE, function askToReplace(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const shown = { title: `Replace keys of ${app}`, app };
      return show(c, shown, <ReplacePage app={app} session={c.get("session")} />);
    })
    .post(REPLACE, async function replaceKeys(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      await replace(keyHolder(service), c.get("session").operator, { app, reason: reasonOfForm(c) });
      return c.redirect(`/console/apps/${app}/keys`, 303);
    })
    .get(CONFIRM_TIME, function askForTime(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const shown = { title: "Confirm the time", app };
      return show(c, shown, <ConfirmTimePage app={app} now={service.now()} session={c.get("session")} />);
    })
    .post(CONFIRM_TIME, async function confirmShownTime(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const order = { seconds: number(c.get("form").seconds ?? "", 12), reason: reasonOfForm(c) };
      await confirmTime(service, c.get("session").operator, order);
      return c.redirect(`/console/apps/${app}/keys`, 303);
    })
    .get(REVOKE, function askToRevoke(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const which = {
        app,
        epoch: number(c.req.param("epoch")),
        generation: number(c.req.param("generation")),
      };
      const shown = { title: `Revoke keys of ${app}`, app };
      return show(c, shown, <RevokePage {...which} session={c.get("session")} />);
    })
    .post(REVOKE, async function revokeEpoch(c) {
      const { id: app } = service.appOf(c.req.param("app"));
      const epoch = number(c.req.param("epoch"));
      const throughGeneration = number(c.req.param("generation"));
      const order = { app, epoch, throughGeneration, reason: reasonOfForm(c) };
      await revoke(keyHolder(service), c.get("session").operator, order);
      return c.redirect(`/console/apps/${app}/keys`, 303);
    });
}

/** A log server's pages have no way to the keys of its ACS. */
function keyHolder(service: Server): KeyHolder {
  if (!hasKeys(service)) throw new Refusal("route_unknown", "There is no such route.");
  return service;
}

/** The key that the form's page was about: a form that is sent again makes no other. */
function keyOfForm(
  { epoch, generation }: Readonly<Record<string, string | undefined>>,
): WantedKey | undefined {
  if (epoch === undefined || generation === undefined) return undefined;
  return { epoch: number(epoch), generation: number(generation) };
}

function number(text: string, digits = 9): number {
  if (!/^[0-9]+$/.test(text) || text.length > digits) {
    throw new Refusal("route_unknown", "There is no such key.");
  }
  return Number(text);
}
