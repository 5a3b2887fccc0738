/** The compose file against the files, settings and ports that it names. There is no engine here that could run it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/yaml";
import { isInstalled, shipped } from "./proxies.ts";

const ROOT = new URL("../../", import.meta.url);

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly env_file?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
}

interface Compose {
  readonly services: Readonly<Record<"service" | "proxy" | "prometheus", Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

async function readCompose(): Promise<Compose> {
  return parse(await shipped("compose.yaml")) as Compose;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

/** Runs a checker in a folder to its end. */
async function check(program: string, args: string[], folder: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd: folder }).output();
  assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
}

Deno.test("the compose file fits the specification, as Debian's docker-compose reads it", async () => {
  if (!await isInstalled("docker-compose")) {
    // deno-lint-ignore no-console -- a test that is passed over says why.
    return console.log("passed over: there is no docker-compose here (apt-get install docker-compose)");
  }
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/compose.yaml`, await shipped("compose.yaml"));
  await Deno.writeTextFile(`${folder}/dit.env`, "");
  await check("docker-compose", ["config", "--quiet"], folder);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the compose file's files are there, and its secrets are kept out of the repository and the image", async () => {
  const { services, secrets } = await readCompose();
  const { build, env_file: envFile } = services.service;
  assertEquals(build?.context, "..");
  assert(await isThere(build?.dockerfile ?? ""), build?.dockerfile);
  const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes)
    .map((volume) => volume.split(":")[0] ?? "").filter((source) => source.startsWith("./"));
  assert(mounted.length >= 3);
  for (const source of mounted) assert(await isThere(`deploy/${source}`), source);
  for (const list of [".gitignore", ".dockerignore"]) {
    const ignored = (await Deno.readTextFile(new URL(list, ROOT))).split("\n")
      .map((line) => line.replaceAll(/^\/|\/$/g, ""));
    for (const file of [envFile, ...Object.values(secrets).map(({ file }) => file)]) {
      const path = `deploy/${file}`;
      assert(ignored.some((line) => path === line || path.startsWith(`${line}/`)), `${list} ${path}`);
    }
  }
});

Deno.test("the compose file sets what the service and the proxy read, and their names and ports agree", async () => {
  const { services: { service, proxy, prometheus } } = await readCompose();
  const settings = await Deno.readTextFile(new URL("docs/operating.md", ROOT));
  for (const name of Object.keys(service.environment ?? {})) assert(settings.includes(`\`${name}\``), name);
  const preset = await shipped("haproxy/haproxy.cfg");
  for (const name of Object.keys(proxy.environment ?? {})) {
    assert(preset.includes(`presetenv ${name} `), name);
  }
  const [env, proxied] = [service.environment ?? {}, proxy.environment ?? {}];
  assertEquals([proxied["DIT_TOKENS_HOST"], proxied["DIT_LOGS_HOST"]], [
    env["DIT_ISSUE_HOST"],
    env["DIT_LOG_HOST"],
  ]);
  // The proxy alone is reached from elsewhere, on the machine's own network.
  const published = [service, prometheus].flatMap(({ ports = [] }) => ports);
  assertEquals(published.filter((port) => !port.startsWith("127.0.0.1:")), []);
  assertEquals([proxy.network_mode, proxy.ports], ["host", undefined]);
  assert(published.includes(`${proxied["DIT_SERVICE_1"]}:8000`));
  const admin = env["DIT_ADMIN_PORT"];
  assert(published.includes(`127.0.0.1:${admin}:${admin}`));
  assertMatch(await shipped("prometheus/compose.yml"), new RegExp(`"service:${admin}"`));
});

Deno.test("Prometheus reads the configuration that the compose file gives it", async () => {
  if (!await isInstalled("promtool")) {
    // deno-lint-ignore no-console -- a test that is passed over says why.
    return console.log("passed over: there is no promtool here (apt-get install prometheus)");
  }
  const folder = new URL("deploy/prometheus", ROOT).pathname;
  await check("promtool", ["check", "config", "--syntax-only", "compose.yml"], folder);
});
