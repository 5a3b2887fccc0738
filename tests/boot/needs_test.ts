import { LaunchError } from "../../boot/launch_error.ts";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { needsOf } from "../../boot/needs.ts";
import { permissionFlags, PermissionsError, requirePermissions } from "../../boot/permissions.ts";
import { readSettings } from "../../boot/settings.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import { demoConfig } from "../support/processes/service_process.ts";

const TOKEN = "t".repeat(40);
const PRODUCTION = {
  DIT_KV: "/srv/dit/kv.sqlite3",
  DIT_SEAL_KEYS: new Uint8Array(32).toBase64(),
};

/** What a service needs with these variables, and an application changed so. */
function needs(variables: Record<string, string>, changes: Record<string, unknown> = {}, more = {}) {
  const get = (name: string) => ({ ...PRODUCTION, ...variables } as Record<string, string>)[name];
  const settings = readSettings(get);
  return needsOf(settings, checkConfig({ ...demoConfig(changes) as object, ...more }, settings), get);
}

Deno.test("needsOf() is the store's own files, the address and the secret where nothing else is set", () => {
  const files = ["", "-wal", "-shm", "-journal", ".lock"].map((ending) => `/srv/dit/kv.sqlite3${ending}`);
  assertEquals(needs({}), {
    net: ["0.0.0.0:8000"],
    read: [...files, "/srv/dit/kv.sqlite3.backup"],
    write: files,
    env: ["DIT_SESSION_SECRET"],
    sys: ["statfs"],
  });
});

Deno.test("needsOf() listens where HOST and PORT say, in IPv6 too", () => {
  assertEquals(needs({ HOST: "::", PORT: "9000" }).net, ["[::]:9000"]);
  assertEquals(needs({ HOST: "192.0.2.7", PORT: "0" }).net, ["192.0.2.7:0"]);
});

Deno.test("needsOf() reaches the servers that settings and configuration name, each on its port alone", () => {
  const { net, read, write, env, sys } = needs({
    DIT_KV: "https://kv.example/store",
    DIT_REGION: "eu",
    DIT_REGIONS: "eu=https://eu.example,us=https://us.example:8443",
    DIT_REGION_TOKEN: TOKEN,
    DIT_OIDC_ISSUER: "https://id.example/realm",
    DIT_OIDC_CLIENT_ID: "console",
    DIT_OIDC_ADMINS: "email:a@b.example",
  }, {
    session: {
      issuer: "https://demo.example",
      key: { kind: "jwks", url: "https://keys.example/jwks.json", algorithms: ["ES256"] },
    },
  }, { alerts: { webhook: { url: "https://hooks.example/x", secretEnv: "HOOK_SECRET" } } });
  assertEquals(net.toSorted(), [
    "0.0.0.0:8000",
    "hooks.example:443",
    "id.example:443",
    "keys.example:443",
    "kv.example:443",
    "us.example:8443",
  ]);
  assertEquals([read, write, sys], [[], [], []]);
  assertEquals(env.toSorted(), ["DENO_KV_ACCESS_TOKEN", "HOOK_SECRET"]);
});

Deno.test("needsOf() reaches every server of a PostgreSQL URL, and reads where its client looks for a password", () => {
  const DIT_KV = "postgres://dit@one.example,two.example:5433/dit?target_session_attrs=read-write";
  const { net, read, write } = needs({ DIT_KV, PGPASSFILE: "/run/secrets/pgpass" });
  assertEquals(net, ["0.0.0.0:8000", "one.example:5432", "two.example:5433"]);
  assertEquals(read, ["/run/secrets/pgpass"]);
  assertEquals(write, []);
  const both = needs({
    DIT_KV,
    DIT_KV_READ: "postgres://dit@three.example/dit?sslrootcert=/etc/root.pem&sslmode=verify-full",
  });
  assertEquals(both.net.toSorted(), [
    "0.0.0.0:8000",
    "one.example:5432",
    "three.example:5432",
    "two.example:5433",
  ]);
  assertEquals(both.read, ["/etc/root.pem"]);
});

Deno.test("needsOf() lets an ACS reach no key set, and a log server its ACS", () => {
  const key = { kind: "jwks", url: "https://keys.example/jwks.json", algorithms: ["ES256"] };
  const session = { issuer: "https://demo.example", key };
  assertEquals(needs({ DIT_ROLE: "acs" }, { session }).net, ["0.0.0.0:8000"]);
  const acs = { DIT_ROLE: "logs", DIT_ACS_URL: "https://acs.example", DIT_ACS_TOKEN: TOKEN };
  assertEquals(needs(acs).net, ["0.0.0.0:8000", "acs.example:443"]);
});

Deno.test("permissionFlags() names each value once, and no flag without one", () => {
  const given = { net: ["a:1", "a:1", "b:2"], read: ["/a/b/c"], write: [], env: ["X"], sys: [] };
  assertThrows(() => permissionFlags({ ...given, read: ["/a,b/c"] }), LaunchError, "/a,b/c");
  assertEquals(permissionFlags(given), ["--allow-net=a:1,b:2", "--allow-read=/a/b/c", "--allow-env=X"]);
});

Deno.test("requirePermissions() says what is missing and how it is given, and is content with what is there", async () => {
  const nothing = { net: [], read: [], write: [], env: [], sys: [] };
  await requirePermissions({ ...nothing, net: ["127.0.0.1:8000"], read: ["/tmp"], env: ["DIT_KV"] });
  const error = await assertRejects(
    () => requirePermissions({ ...nothing, net: ["127.0.0.1:8000", "keys.example:443", "us.example:443"] }),
    PermissionsError,
  );
  assertEquals(error.mistakes, [
    "The service may not reach keys.example:443, us.example:443, which its settings need: start it with " +
    "deno task start, which allows that, or add --allow-net=keys.example:443,us.example:443.",
  ]);
});
