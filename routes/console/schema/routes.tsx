/**
 * `GET /console/apps/{app}/schema`.
 *
 * @module
 */
import { Hono } from "hono";
import type { ConsoleEnv } from "../frame/env.ts";
import type { ConsolePage } from "../frame/page.ts";
import { SchemaPage } from "./page.tsx";

/** What an application collects. */
export const schemaPage: ConsolePage = {
  name: "schema",
  title: "Schema",
  path: "/console/apps/:app/schema",
  forAnalysts: true,
  routes: ({ service }, show) =>
    new Hono<ConsoleEnv>().get("/console/apps/:app/schema", function showSchema(c) {
      const app = service.appOf(c.req.param("app"));
      const suppressions = service.suppressionsOf(app.id);
      const page = <SchemaPage app={app} suppressions={suppressions} now={service.now()} />;
      return show(c, { title: `Schema of ${app.id}`, app: app.id }, page);
    }),
};
