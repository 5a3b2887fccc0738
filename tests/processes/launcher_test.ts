import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isReady } from "../../cli/cluster/service_process.ts";
import { discoverHosts } from "../../boot/launch/discover_hosts.ts";
import { serviceCommand } from "../../boot/launch/service_command.ts";
import { BATCH_REQUEST_TYPE } from "../../core/token/batch.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { TOKEN, until } from "../support/store/with_kv_endpoint.ts";
import { gone, launch, PRODUCTION, ps } from "../support/processes/launched.ts";
import { demoConfig, Folders } from "../support/processes/service_process.ts";

const ROOT = new URL("../../", import.meta.url);

/** The values of a permission in a command. */
function allowed(args: readonly string[], kind: string): string[] {
  const flag = args.find((arg) => arg.startsWith(`--allow-${kind}`)) ?? "";
  return flag.split("=", 2)[1]?.split(",") ?? [];
}

Deno.test("deno task start serves with store and configuration anywhere, on IPv6, and writes nothing into its code", async () => {
  await using folders = new Folders();
  const [here, store, config] = [
    await folders.make(),
    await folders.make(),
    await folders.make(demoConfig()),
  ];
  const code = await folders.make();
  // A copy that nobody may write; a service that tried would fail, whoever runs it.
  for (
    const name of ["boot", "cli", "client", "core", "edge", "examples", "routes", "deno.json", "deno.lock"]
  ) {
    await new Deno.Command("cp", { args: ["-r", new URL(name, ROOT).pathname, code] }).output();
  }
  for (const name of ["main.ts", "dit.config.ts"]) {
    await Deno.copyFile(new URL(name, ROOT), `${code}/${name}`);
  }
  const before = await listed(code);
  await using started = launch(here, {
    ...PRODUCTION,
    HOST: "::",
    DIT_KV: `${store}/below/kv.sqlite3`,
    DIT_CONFIG: `${config}/config.js`,
  }, { code: `${code}/` });
  await started.ready();
  const arguments_ = await ps("-p", String(await started.service()), "-o", "args=");
  assert(!/--allow-all| -A /.test(arguments_), arguments_);
  assertEquals([...Deno.readDirSync(here)], [], "written where it was started");
  assertEquals((await Deno.stat(`${store}/below/kv.sqlite3`)).mode! & 0o777, 0o600);
  started.launcher.kill("SIGTERM");
  assertEquals((await started.ended).code, 0, (await started.ended).printed);
  assertEquals(await listed(code), before, "written into the code");
  // The folder of the store is there now, and still not the service's: only its files are.
  await using again = launch(here, { ...PRODUCTION, DIT_KV: `${store}/below/kv.sqlite3` });
  await again.ready();
});

async function listed(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command("find", {
    args: [folder, "-newermt", "1970-01-02", "-printf", "%p %T@\n"],
  })
    .output();
  return new TextDecoder().decode(stdout).split("\n").toSorted().join("\n");
}

Deno.test("signals reach the service once, its exit code is passed on, and it outlives no launcher", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const env = { ...PRODUCTION, DIT_KV: `${folder}/kv.sqlite3`, PORT: String(freePort()) };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const) {
    await using started = launch(folder, env);
    await started.ready();
    const service = await started.service();
    started.launcher.kill(signal);
    const { code } = await started.ended;
    if (signal !== "SIGKILL") assertEquals(code, 0, signal);
    await gone(service);
  }
  await using started = launch(folder, env);
  await started.ready();
  Deno.kill(await started.service(), "SIGKILL");
  assertEquals((await started.ended).code, 137);
  await using wrong = launch(folder, { ...env, DIT_SEAL_KEYS: new Uint8Array(32).fill(8).toBase64() });
  const { code, printed } = await wrong.ended;
  assertEquals(code, 78);
  assertStringIncludes(printed, "DIT_SEAL_KEYS");
});

Deno.test("launcher and service end when deno task alone is ended by force", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const port = String(freePort());
  const task = new Deno.Command(Deno.execPath(), {
    args: ["task", "start"],
    cwd: ROOT,
    env: {
      ...PRODUCTION,
      DIT_KV: `${folder}/kv.sqlite3`,
      PORT: port,
      PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await until(() => isReady(`http://127.0.0.1:${port}`));
  } finally {
    const launcher = Number(await ps("--ppid", String(task.pid), "-o", "pid="));
    const service = Number(await ps("--ppid", String(launcher), "-o", "pid="));
    task.kill("SIGKILL");
    await task.status;
    assert(launcher > 0 && service > 0);
    await gone(launcher);
    await gone(service);
  }
});

Deno.test("the service may reach the key set of its configuration, and does", async () => {
  await using folders = new Folders();
  let asked = 0;
  await using keys = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    asked++;
    return Response.json({ keys: [] });
  });
  const url = `http://127.0.0.1:${keys.addr.port}/jwks.json`;
  const key = { kind: "jwks", url, algorithms: ["ES256"] };
  const folder = await folders.make(demoConfig({ session: { issuer: "https://demo.example", key } }));
  await using started = launch(folder, { DIT_ENV: "development", DIT_CONFIG: "config.js" });
  await started.ready();
  const head = { alg: "ES256", kid: "k1" };
  const claims = { iss: "https://demo.example", aud: "demo", sub: "a", iat: 1, exp: 9_999_999_999 };
  const jwt =
    [head, claims].map((part) =>
      new TextEncoder().encode(JSON.stringify(part)).toBase64({ alphabet: "base64url", omitPadding: true })
    ).join(".") + `.${"A".repeat(86)}`;
  const answer = await fetch(`${started.url}/v1/apps/demo/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": BATCH_REQUEST_TYPE },
    body: new Uint8Array(64),
  });
  await answer.body?.cancel();
  assert(asked > 0, `the key set was never asked for: ${answer.status}`);
});

Deno.test("a store and jobs that fail are told in lines of our own, without the store's URL, and counted", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  await using endpoint = await startKvEndpoint({ path: ":memory:", token: TOKEN });
  await using started = launch(folder, {
    ...PRODUCTION,
    DIT_KV: endpoint.url,
    DENO_KV_ACCESS_TOKEN: TOKEN,
    DIT_ADMIN_TOKEN_SHA256: tokenDigest("admin-token-of-tests").toHex(),
    DENO_CRON_TEST_SCHEDULE_OFFSET: "1000",
  }, { args: ["--processes", "1"] });
  await started.ready();
  endpoint.faults.unavailable = Infinity;
  await until(async () => {
    const answer = await fetch(`${started.url}/metrics`, {
      headers: { authorization: "Bearer admin-token-of-tests" },
    });
    return /^dit_faults_total\{kind="job"\} [1-9]/m.test(await answer.text());
  });
  endpoint.faults.unavailable = 0;
  started.launcher.kill("SIGTERM");
  const { printed } = await started.ended;
  const lines = printed.trim().split("\n");
  const events = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).event);
  assert(events.includes("store_client") && events.includes("maintenance_failed"), printed);
  assert(!printed.includes(new URL(endpoint.url).host), printed);
  assert(!/KV Connect|Uncaught|^ +at |cron/mi.test(printed), printed);
});

Deno.test("main.ts by hand without a host that it needs does not start, and says which", async () => {
  await using folders = new Folders();
  const config = demoConfig({
    session: {
      issuer: "https://demo.example",
      key: { kind: "jwks", url: "https://keys.example/jwks.json", algorithms: ["ES256"] },
    },
  });
  const folder = await folders.make(config);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      // Quiet: where nothing has been fetched yet, Deno says what it fetches.
      ...["run", "--quiet", "--no-prompt", "--allow-env", "--allow-read", "--allow-write", "--allow-sys"],
      ...["--allow-net=127.0.0.1", new URL("main.ts", ROOT).pathname],
    ],
    cwd: folder,
    env: { ...PRODUCTION, DIT_KV: `${folder}/kv.sqlite3`, DIT_CONFIG: "config.js", PORT: "0", NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr).trim()], [
    78,
    "The service may not reach keys.example:443, which its settings need: start it with deno task start, which " +
    "allows that, or add --allow-net=keys.example:443.",
  ]);
});

Deno.test("the permissions name what is needed, file by file: a configuration's modules, a store and its lock", async () => {
  await using folders = new Folders();
  const [folder, place] = [await folders.make(), await folders.make()];
  await Deno.writeTextFile(`${folder}/events.js`, "export const expires = '2099-12-31';\n");
  const config = demoConfig() as { applications: { demo: { events: { app_opened: { expires: string } } } } };
  const text = JSON.stringify(config).replace('"2099-12-31"', "expires");
  await Deno.writeTextFile(
    `${folder}/config.js`,
    `import { expires } from "./events.js";\nexport default ${text};\n`,
  );
  await Deno.writeTextFile(`${folder}/secret`, "");
  await Deno.writeTextFile(`${place}/real.sqlite3`, "");
  await Deno.symlink(`${place}/real.sqlite3`, `${folder}/kv.sqlite3`);
  const env: Record<string, string> = {
    ...PRODUCTION,
    DIT_KV: `${folder}/kv.sqlite3`,
    DIT_CONFIG: `${folder}/config.js`,
    UNRELATED_SECRET: "x",
  };
  const { args } = await serviceCommand((name) => env[name], () => {});
  const read = allowed(args, "read");
  for (const file of ["config.js", "events.js", "kv.sqlite3", "kv.sqlite3-wal"]) {
    assert(read.includes(`${folder}/${file}`), `${file} in ${read}`);
  }
  assert(allowed(args, "write").includes(`${place}/real.sqlite3.lock`), `${args}`);
  for (const kind of ["read", "write"]) {
    for (const value of allowed(args, kind)) {
      assertEquals(await Deno.stat(value).then(({ isDirectory }) => isDirectory, () => false), false, value);
    }
  }
  assert(!allowed(args, "env").includes("UNRELATED_SECRET"));
  assert(allowed(args, "env").includes("DIT_SESSION_SECRET"));
});

Deno.test("the launcher asks an identity provider where its endpoints are, and starts without an answer", async () => {
  let issuer = "";
  await using provider = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ url }) =>
      new URL(url).pathname !== "/realm/.well-known/openid-configuration"
        ? new Response(null, { status: 404 })
        : Response.json({
          issuer,
          authorization_endpoint: "https://pages.example/authorize",
          token_endpoint: "https://tokens.example:8443/token",
          jwks_uri: "https://keys.example/jwks",
          userinfo_endpoint: "file:///etc/passwd",
        }),
  );
  issuer = `http://127.0.0.1:${provider.addr.port}/realm`;
  assertEquals(await discoverHosts(issuer), ["tokens.example:8443", "keys.example:443"]);
  assertEquals(await discoverHosts(`http://127.0.0.1:${freePort()}`), undefined);
});

Deno.test("the service imports nothing that was not there at its start, from no host and no registry", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  let asked = 0;
  await using host = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    asked++;
    return new Response("export default 1;", { headers: { "content-type": "text/javascript" } });
  });
  const env: Record<string, string> = { ...PRODUCTION, DIT_KV: `${folder}/kv.sqlite3` };
  const { args } = await serviceCommand((name) => env[name], () => {});
  const probe = `${folder}/probe.js`;
  await Deno.writeTextFile(
    probe,
    `for (const specifier of JSON.parse(Deno.args[0])) {
      await import(specifier).then(() => console.log("imported", specifier), ({ message }) =>
        console.log(/cached-only|cache/.test(message) ? "not there" : message));
    }`,
  );
  const specifiers = [
    `http://127.0.0.1:${host.addr.port}/a.js`,
    "https://esm.sh/told",
    "jsr:@told/told",
    "npm:told-told",
  ];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // Even where importing from that host is allowed.
    args: [
      ...args.slice(0, -1),
      `--allow-import=127.0.0.1:${host.addr.port},esm.sh:443,jsr.io:443`,
      probe,
      JSON.stringify(specifiers),
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(said, specifiers.map(() => "not there"), new TextDecoder().decode(stderr));
  assertEquals(asked, 0);
});

Deno.test("the launcher hands on what the service asks for and Deno looks for, and nothing else of its environment", async () => {
  await using folders = new Folders();
  const key = { kind: "hs256", secretEnv: "APPS_OWN_SECRET" };
  const folder = await folders.make(demoConfig({ session: { issuer: "https://demo.example", key } }));
  const { DIT_SESSION_SECRET: APPS_OWN_SECRET = "", ...production } = PRODUCTION;
  const handed = {
    ...production,
    APPS_OWN_SECRET,
    DIT_CONFIG: "config.js",
    DIT_KV: `${folder}/kv.sqlite3`,
    TZ: "Asia/Tokyo",
    SSL_CERT_DIR: "/etc/ssl/certs",
    NO_PROXY: "127.0.0.1",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=collectors",
  };
  const kept = {
    LD_LIBRARY_PATH: "/nowhere",
    AWS_SECRET_ACCESS_KEY: "another-programs-secret",
    DENO_AUTH_TOKENS: "a-registrys-token@deno.land",
    DENO_SERVE_ADDRESS: "tcp:0.0.0.0:1",
    DIT_ADMIN_TOKEN: "a-persons-token",
  };
  await using started = launch(folder, { ...handed, ...kept });
  await started.ready();
  const file = `/proc/${await started.service()}/environ`;
  const environ = new TextDecoder().decode((await new Deno.Command("cat", { args: [file] }).output()).stdout);
  const variables = new Map(
    environ.split("\0").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  for (const [name, value] of Object.entries(handed)) assertEquals(variables.get(name), value, name);
  for (const name of Object.keys(kept)) assert(!variables.has(name), name);
});

Deno.test("a comma in a path, a file that is none of SQLite and a foreign kind of URL end the start with one sentence", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  await Deno.writeTextFile(`${folder}/text`, "no store\n");
  for (const kv of [`${folder}/a,b.sqlite3`, "ftp://x"]) {
    await using started = launch(folder, { ...PRODUCTION, DIT_KV: kv });
    const { code, printed } = await started.ended;
    assertEquals([code, printed.trim().split("\n").length], [78, 1], printed);
  }
  await using started = launch(folder, { ...PRODUCTION, DIT_KV: `${folder}/text` });
  const { code, printed } = await started.ended;
  assertEquals(code, 78);
  assertStringIncludes(printed, "is no store's file");
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["text"]);
});

Deno.test("a HOST that is no address of this machine ends the start with the variable to set", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  for (const HOST of ["nosuch.invalid", "999.1.1.1"]) {
    await using started = launch(folder, { ...PRODUCTION, DIT_KV: `${folder}/kv.sqlite3`, HOST });
    const { code, printed } = await started.ended;
    assertEquals(code, 78);
    assertStringIncludes(printed, "set HOST to the address");
    assert(!printed.includes("    at "), printed);
  }
});
