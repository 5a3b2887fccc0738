/**
 * A client whose schema has what captures log, and what a test hears of it.
 *
 * @module
 */
import type { DitClient as Client } from "../../../client/mod.ts";
import { DitClient } from "../../../client/mod.ts";
import { defineConfig, type EventsOf } from "../../../core/config/mod.ts";
import type { EventSchemas } from "../../../core/schema/event.ts";
import { startService, testConfig, type TestService } from "./client_service.ts";

const about = {
  description: "What a capture saw.",
  purpose: "How often that is.",
  owner: "notes-team",
  expires: "2099-12-31",
};

/** The schema of an app with every capture. */
export const capturedConfig = defineConfig({
  issuer: testConfig.issuer,
  applications: {
    notes: {
      session: testConfig.applications.notes.session,
      events: {
        uncaught_error: {
          ...about,
          fields: {
            class: { type: "enum", values: ["TypeError", "SyncError", "other"] },
            place: { type: "integer", min: 0, max: 15, optional: true },
            channel: { type: "enum", values: ["beta", "stable"], optional: true },
          },
        },
        route_shown: {
          ...about,
          fields: { route: { type: "enum", values: ["home", "note", "settings", "other"] } },
        },
        app_started: { ...about, fields: {} },
        app_crashed: { ...about, fields: {} },
        page_lcp: { ...about, fields: { ms: { type: "bucket", edges: [2500, 4000] } } },
        page_inp: { ...about, fields: { ms: { type: "bucket", edges: [200, 500] } } },
        page_cls: { ...about, fields: { shift: { type: "bucket", edges: [0.1, 0.25] } } },
      },
    },
  },
});

/** The events of that app. */
export type CapturedEvents = EventsOf<typeof capturedConfig, "notes">;

/** An event that arrived, and its fields. */
export type Captured = readonly [event: string, fields: unknown];

/** A client and what arrived at its service. */
export interface CapturedClient extends AsyncDisposable {
  readonly client: Client<CapturedEvents>;
  /** Sends what waits: what the service has stored. */
  readonly arrived: () => Promise<readonly Captured[]>;
  /** Why events were dropped. */
  readonly dropped: readonly string[];
}

/** Starts a service that collects what captures log. */
export async function startCaptured(): Promise<TestService> {
  const events: EventSchemas = capturedConfig.applications.notes.events;
  const test = await startService({ events, tokensPerClient: 64 });
  test.clock.now = Date.now();
  return test;
}

/** The events that it has stored, and their fields. */
export async function capturedBy({ records }: TestService): Promise<readonly Captured[]> {
  return (await records()).flatMap(({ events }) => events.map(({ name, fields }) => [name, fields] as const));
}

/** Makes a client, with such a service in memory behind it. */
export async function captureWith(consent?: "required"): Promise<CapturedClient> {
  const test = await startCaptured();
  const client = new DitClient<CapturedEvents>({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    fetch: test.fetch,
    delaySeconds: 1_000,
    ...(consent === undefined ? {} : { consent }),
  });
  const dropped: string[] = [];
  client.on("dropped", ({ reason }) => dropped.push(reason));
  return {
    client,
    dropped,
    async arrived() {
      await client.flush();
      return await capturedBy(test);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await test.close();
    },
  };
}
