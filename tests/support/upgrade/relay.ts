// deno-lint-ignore-file no-console -- the port is told to whoever started this.
/**
 * Runs the routes of a program that lies in some folder on a store, at a clock that stands still:
 * `relay.ts <folder of the program> <store> <Unix seconds>`. It tells its port, and ends when its standard input does.
 * An older program is run by the same file, so it uses only what that one has too.
 *
 * @module
 */
const [root = "", store = "", seconds = ""] = Deno.args;

// deno-lint-ignore no-explicit-any -- two programs, of which one is not this one
const load = (path: string): Promise<any> => import(`file://${root}/${path}`);

const { assemble } = await load("boot/assemble.ts");
const { openStore } = await load("boot/open_store.ts");
const { readSettings } = await load("boot/settings.ts");
const { mistakesOf } = await load("boot/start_errors.ts");
const { checkConfig } = await load("core/config/check/check.ts");
const { runMaintenance } = await load("core/jobs/maintenance.ts");

const SECRET = "a session secret of tests, longer than 32 bytes";
/** Seals the keys of the store of tests, and of nothing else. */
const SEAL_KEY = new Uint8Array(32).fill(9);
const environment: Record<string, string> = { DIT_KV: store, DIT_SEAL_KEYS: SEAL_KEY.toBase64() };
const admin = Uint8Array.fromHex(
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("admin-token"))).toHex(),
);
const config = {
  issuer: "telemetry.example",
  applications: {
    load: {
      session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } },
      tokensPerClient: 16,
      events: {
        ping: {
          description: "A client that loads the service.",
          purpose: "To be counted by a test.",
          owner: "tests",
          expires: "2099-12-31",
          fields: { ok: { type: "boolean" }, latency_ms: { type: "bucket", edges: [10] } },
        },
      },
    },
  },
};

try {
  const { app, service, close } = await assemble({
    settings: readSettings((name: string) => environment[name]),
    deployment: checkConfig(config, { development: true }),
    secrets: {
      sealKeys: [SEAL_KEY],
      named: () => SECRET,
      operators: {
        adminTokenSha256: admin,
        readerTokenSha256: undefined,
        analystTokenSha256: undefined,
        oidc: undefined,
      },
    },
    openStore: () => openStore(store),
    ports: {
      now: () => Number(seconds),
      // The older one does without.
      steady: () => performance.now() / 1_000,
      random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
      fetch,
      log: () => {},
      onInternalError: (error: unknown) => console.error(error),
    },
    stopped: new AbortController().signal,
  });
  await runMaintenance(service);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => app.fetch(request),
  );
  console.log(server.addr.port);
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await server.shutdown();
  await close();
} catch (error) {
  console.error(mistakesOf(error)?.join("\n") ?? error);
  Deno.exit(1);
}
