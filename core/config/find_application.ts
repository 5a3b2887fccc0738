/**
 * Applications by their names.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import type { Application, Deployment } from "./types.ts";

/**
 * The application of that name.
 * @throws {Refusal} `app_unknown`.
 */
export function findApplication({ applications }: Deployment, id: string): Application {
  const app = applications.get(id);
  if (app === undefined) throw new Refusal("app_unknown", "There is no such application.");
  return app;
}
