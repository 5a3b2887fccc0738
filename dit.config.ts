import { defineConfig } from "./core/config/mod.ts";

// What this deployment runs. Replace `demo` with your own application; docs/operating.md explains every setting.
export default defineConfig({
  issuer: "telemetry.example",
  applications: {
    demo: {
      session: {
        issuer: "https://demo.example",
        // In development a secret is made in .dit/ and POST /dev/session signs with it.
        key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" },
      },
      expectedClients: 1_000_000,
      events: {
        client_start: {
          description: "The app started.",
          purpose: "How many people run which version on which platform.",
          owner: "demo-team",
          expires: "2027-11-01",
          fields: {
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
            runtime: { type: "version", majors: [2, 3], minors: 30 },
          },
        },
        token_fetch: {
          description: "The app fetched anonymous tokens.",
          purpose: "Whether fetching tokens works, and how long it takes.",
          owner: "demo-team",
          expires: "2027-11-01",
          fields: {
            ok: { type: "boolean" },
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
            runtime: { type: "version", majors: [2, 3], minors: 30 },
            latency_ms: { type: "bucket", edges: [5, 10, 25, 50, 100, 250, 500, 1000, 2500] },
          },
        },
        log_upload: {
          description: "The app uploaded a log.",
          purpose: "Whether uploads work, how often they are tried again, and how long they take.",
          owner: "demo-team",
          expires: "2027-11-01",
          fields: {
            ok: { type: "boolean" },
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
            runtime: { type: "version", majors: [2, 3], minors: 30 },
            retries: { type: "integer", min: 0, max: 5 },
            latency_ms: { type: "bucket", edges: [5, 10, 25, 50, 100, 250, 500, 1000, 2500] },
          },
        },
      },
    },
  },
});
