/**
 * A page of an app that captures what there is, for tests that press and break it.
 *
 * @module
 */
import { captureErrors } from "../../../client/capture/errors.ts";
import { captureLifecycle } from "../../../client/capture/lifecycle.ts";
import { captureNavigation } from "../../../client/capture/navigation.ts";
import { DitClient } from "../../../client/mod.ts";
import type { CapturedEvents } from "../client/captured_client.ts";

/** Makes a client that tells starts and crashes. */
function live(endpoint: string, jwt: string): void {
  const client = new DitClient<CapturedEvents>({
    endpoint,
    app: "notes",
    session: () => Promise.resolve(jwt),
    delaySeconds: 1_000,
  });
  const end = captureLifecycle(client, { start: { event: "app_started" }, crash: { event: "app_crashed" } });
  Object.assign(globalThis, { client, end });
}

/** Makes the client and begins every capture; what tests call is at the global object. */
function start(endpoint: string, jwt: string): void {
  const client = new DitClient<CapturedEvents>({
    endpoint,
    app: "notes",
    session: () => Promise.resolve(jwt),
    delaySeconds: 1_000,
  });
  const ends = [
    captureErrors(client, {
      event: "uncaught_error",
      classField: "class",
      classes: ["TypeError", "SyncError"],
      place: { field: "place", buckets: 16 },
    }),
    captureNavigation(client, {
      event: "route_shown",
      routeField: "route",
      routes: { home: "/", note: "/notes/:id", settings: "/settings/*" },
    }),
  ];
  const end = () => ends.forEach((one) => one());
  Object.assign(globalThis, { client, end });
}

Object.assign(globalThis, { live, start });
