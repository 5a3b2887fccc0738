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
      // What a pseudonym says in total is judged early, so that deno task demo --scenario leak need not wait for long.
      risk: { total: { minPseudonyms: 500 } },
      // Answered every night with differential privacy: epsilon 1 a day, 7 a week.
      releases: {
        budget: { epsilon: 7 },
        queries: {
          crashes_by_version: { event: "app_crash", among: "app_start", by: ["version"], epsilon: 0.5 },
          starts_by_runtime: {
            event: "client_start",
            by: ["platform", "runtime"],
            cells: "selected",
            epsilon: 0.5,
          },
        },
      },
      events: {
        client_start: {
          description: "The app started.",
          purpose: "How many people run which version on which platform.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
            runtime: { type: "version", majors: [2, 3], minors: 30 },
          },
        },
        app_start: {
          description: "The app was opened.",
          purpose: "How many people run which version: a crash rate is one of them.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            version: { type: "version", majors: [1, 3], minors: 9 },
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
          },
        },
        app_crash: {
          description: "The app crashed.",
          purpose: "How many people see crashes, by version.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            version: { type: "version", majors: [1, 3], minors: 9 },
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
          },
        },
        volume_changed: {
          description: "The volume was changed.",
          purpose: "A planted mistake: deno task demo --scenario leak shows how it is found and stopped.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          identifying: "Nobody needs the exact position of a slider; it is here to be caught.",
          risk: { minPseudonyms: 200 },
          fields: { level: { type: "integer", min: 0, max: 65_535 } },
        },
        settings_saved: {
          description: "Settings were saved.",
          purpose: "The other planted mistake: the four checksums of a device are an id in pieces.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            group: { type: "integer", min: 0, max: 3 },
            checksum: { type: "integer", min: 0, max: 255 },
          },
        },
        token_fetch: {
          description: "The app fetched anonymous tokens.",
          purpose: "Whether fetching tokens works, and how long it takes.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            ok: { type: "boolean" },
            platform: { type: "enum", values: ["linux", "darwin", "windows", "other"] },
            runtime: { type: "version", majors: [2, 3], minors: 30 },
            latency_ms: { type: "bucket", edges: [5, 10, 25, 50, 100, 250, 500, 1000, 2500] },
          },
        },
        page_view: {
          description: "A page was opened.",
          purpose: "How long pages take to load, and which colours to design for.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            load_ms: { type: "bucket", edges: [50, 100, 250, 500, 1000, 2500, 5000] },
            colours: { type: "enum", values: ["light", "dark"] },
          },
        },
        page_crash: {
          description: "The app met an error that it did not expect.",
          purpose: "How often it crashes, and whether soon after its start.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            kind: { type: "enum", values: ["error", "rejection"] },
            uptime_s: { type: "bucket", edges: [1, 10, 60, 600, 3600] },
          },
        },
        client_drops: {
          description: "The client dropped events instead of sending them.",
          purpose: "How much of what happens goes unseen, and why.",
          owner: "demo-team",
          review: "docs/demo_review.md",
          expires: "2027-11-01",
          fields: {
            reason: { type: "enum", values: ["queue_full", "too_old", "unknown", "storage_failed", "other"] },
            events: { type: "bucket", edges: [2, 5, 10, 50, 100] },
          },
        },
        log_upload: {
          description: "The app uploaded a log.",
          purpose: "Whether uploads work, how often they are tried again, and how long they take.",
          owner: "demo-team",
          review: "docs/demo_review.md",
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
