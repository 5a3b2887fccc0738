/**
 * The proxies whose configurations are in deploy/, as Debian packages them: how a test checks the shipped files, and
 * starts a proxy with them, unprivileged, on a port of its own.
 *
 * @module
 */
import { assert } from "@std/assert";
import { takesConnections } from "../support/processes/takes_connections.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

/** The hosts of every test. */
export const HOSTS = { tokens: "tokens.example", logs: "logs.example" } as const;

/** What a test says of a proxy that it starts. */
export interface Setting {
  /** A folder of its own. */
  readonly folder: string;
  /** The folder with `tokens.pem` and `logs.pem`. */
  readonly certificates: string;
  /** Where the proxy listens. */
  readonly port: number;
  /** The ports of the service's three processes. */
  readonly services: readonly [number, number, number];
  /** Shortens the deadlines to a second or two. */
  readonly hasty?: boolean;
  /** Takes out of the configuration what keeps sessions from being resumed, and lines from being written. */
  readonly careless?: boolean;
}

/** How to run a program. */
interface Run {
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

/** A proxy that deploy/ has a configuration for. */
export interface Proxy {
  readonly name: "nginx" | "Caddy" | "HAProxy";
  /** The program, which Debian's package brings. */
  readonly program: string;
  /** Ways to hold a connection on which it sets no deadline of its own: what does is said in its configuration. */
  readonly endless: readonly string[];
  /** Whether it tries another process where one closes without an answer. */
  readonly triesAgain: boolean;
  /** Puts the shipped files, as they are, into a folder with certificates, and says how to have them checked. */
  readonly check: (folder: string) => Promise<Run>;
  /** Writes the files that a setting takes, and says how to start the program with them. */
  readonly prepare: (setting: Setting) => Promise<Run>;
}

/** A file of deploy/. */
export function shipped(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, DEPLOY));
}

/** Replaces what has to be there. */
function edit(text: string, ...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((edited, [from, to]) => {
    assert(edited.includes(from), `a shipped configuration has no "${from}"`);
    return edited.replaceAll(from, to);
  }, text);
}

async function copyAll(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await Deno.writeTextFile(`${to}/${name}`, await shipped(`${from}/${name}`));
}

const nginx: Proxy = {
  name: "nginx",
  program: "nginx",
  endless: ["a body that trickles", "a body that trickles over HTTP/2"],
  triesAgain: true,
  async check(folder) {
    await copyAll("nginx", folder, ["nginx.conf", "dit_host.conf"]);
    return { args: ["-t", "-c", `${folder}/nginx.conf`, "-g", `pid ${folder}/pid;`] };
  },
  async prepare({ folder, port, services, certificates, hasty, careless }) {
    // Folders that nginx makes at its start, though nothing is ever written into them.
    const made = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
    const conf = edit(
      await shipped("nginx/nginx.conf"),
      ["http {", `http { ${made}`],
      ["tls/", `${certificates}/`],
      ["listen 443", `listen 127.0.0.1:${port}`],
      ["    listen [::]:443 ssl http2 default_server;\n", ""],
      ...services.map((service, index) => [`127.0.0.1:800${index + 1}`, `127.0.0.1:${service}`] as const),
      ...hasty === true
        ? [
          ["client_header_timeout 10s", "client_header_timeout 2s"],
          ["client_body_timeout 5s", "client_body_timeout 2s"],
          ["keepalive_timeout 30s", "keepalive_timeout 3s"],
          ["limit_conn dit_address 256", "limit_conn dit_address 4"],
        ] as const
        : [],
      ...careless === true
        ? [
          ["stderr emerg", "stderr info"],
          ["ssl_session_tickets off", "ssl_session_tickets on"],
        ] as const
        : [],
    );
    const host = edit(
      await shipped("nginx/dit_host.conf"),
      ["listen 443", `listen 127.0.0.1:${port}`],
      ["listen [::]:443 ssl http2;\n", ""],
    );
    await Deno.writeTextFile(`${folder}/nginx.conf`, conf);
    await Deno.writeTextFile(`${folder}/dit_host.conf`, host);
    return { args: ["-c", `${folder}/nginx.conf`, "-g", `daemon off; pid ${folder}/pid;`] };
  },
};

const caddy: Proxy = {
  name: "Caddy",
  program: "caddy",
  endless: [],
  triesAgain: false,
  async check(folder) {
    await copyAll("caddy", folder, ["caddy.json"]);
    return { args: ["validate", "--config", "caddy.json"] };
  },
  async prepare({ folder, port, services, certificates, hasty, careless }) {
    const conf = edit(
      await shipped("caddy/caddy.json"),
      ['":443"', `"127.0.0.1:${port}"`],
      ['["tls"]', JSON.stringify([certificates])],
      ...hasty === true
        ? [
          ['"read_header_timeout": "10s"', '"read_header_timeout": "2s"'],
          ['"read_timeout": "10s"', '"read_timeout": "2s"'],
          ['"idle_timeout": "30s"', '"idle_timeout": "3s"'],
        ] as const
        : [],
      ...careless === true
        ? [
          ['"strict_sni_host"', '"logs": {}, "strict_sni_host"'],
          ['"default": {', '"default": { "level": "DEBUG", "exclude": ["nothing"] }, "unused": {'],
          ['"disabled": true }\n', '"disabled": false }\n'],
        ] as const
        : [],
    );
    await Deno.writeTextFile(`${folder}/caddy.json`, conf);
    const [first, second, third] = services.map((service) => `127.0.0.1:${service}`);
    // The variables of the unit, with the test's values.
    const values: Record<string, string | undefined> = {
      DIT_TOKENS_HOST: HOSTS.tokens,
      DIT_LOGS_HOST: HOSTS.logs,
      DIT_SERVICE_1: first,
      DIT_SERVICE_2: second,
      DIT_SERVICE_3: third,
    };
    const names = [...(await shipped("caddy/caddy.conf")).matchAll(/^Environment=(\w+)=/gm)];
    const env = Object.fromEntries(names.map(([, name = ""]) => [name, values[name] ?? ""]));
    return { args: ["run", "--config", "caddy.json"], env };
  },
};

const haproxy: Proxy = {
  name: "HAProxy",
  program: "haproxy",
  endless: [],
  triesAgain: true,
  async check(folder) {
    await copyAll("haproxy", folder, ["haproxy.cfg"]);
    const pem = (name: string) => `${folder}/tls/${name}.pem`;
    return {
      args: ["-c", "-f", "haproxy.cfg"],
      env: { DIT_TOKENS_PEM: pem("tokens"), DIT_LOGS_PEM: pem("logs") },
    };
  },
  async prepare({ folder, port, services, certificates, hasty, careless }) {
    const conf = edit(
      await shipped("haproxy/haproxy.cfg"),
      ["  user haproxy\n  group haproxy\n", ""],
      ...careless === true
        ? [
          ["tune.ssl.cachesize 0", "log stderr format raw local0"],
          [" no-tls-tickets", ""],
          ["  mode http\n", "  mode http\n  log global\n  option httplog\n"],
        ] as const
        : [],
    );
    await Deno.writeTextFile(`${folder}/haproxy.cfg`, conf);
    const env: Record<string, string> = {
      DIT_LISTEN: `ipv4@127.0.0.1:${port}`,
      DIT_TOKENS_PEM: `${certificates}/tokens.pem`,
      DIT_LOGS_PEM: `${certificates}/logs.pem`,
      ...hasty === true ? { DIT_ARRIVE_TIME: "2s" } : {},
    };
    for (const [index, service] of services.entries()) {
      env[`DIT_SERVICE_${index + 1}`] = `127.0.0.1:${service}`;
    }
    return { args: ["-f", "haproxy.cfg"], env };
  },
};

/** All of them. */
export const PROXIES: readonly Proxy[] = [nginx, caddy, haproxy];

/** Whether a program is installed. Debian has two of the proxies in sbin. */
export async function isInstalled(program: string): Promise<boolean> {
  const found = await Promise.all(
    SEARCHED.split(":").map((folder) => Deno.stat(`${folder}/${program}`).then(() => true, () => false)),
  );
  return found.includes(true);
}

const SEARCHED = `${Deno.env.get("PATH")}:/usr/sbin`;

/** Nobody, where this process may become another user. */
const UNPRIVILEGED = Deno.uid() === 0 ? { uid: 65_534, gid: 65_534 } : {};

function commandOf({ program }: Proxy, folder: string, { args, env }: Run, as = {}): Deno.Command {
  return new Deno.Command(program, {
    args: [...args],
    cwd: folder,
    clearEnv: true,
    env: { PATH: SEARCHED, HOME: folder, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...as,
  });
}

/** Whether a proxy checks the shipped files for this user: nginx makes folders below /var/lib meanwhile. */
export function canCheck({ program }: Proxy): boolean {
  return program !== "nginx" || Deno.uid() === 0;
}

/** Lets a proxy check the shipped files as they are. Gives its exit code and what it says. */
export async function checkShipped(proxy: Proxy, folder: string): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await commandOf(proxy, folder, await proxy.check(folder)).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** A proxy that runs. */
export interface RunningProxy extends AsyncDisposable {
  readonly port: number;
  /** All that it has written. */
  readonly said: () => string;
}

/** Starts a proxy, and waits until it takes connections. Throws if it ends instead. */
export async function startProxy(proxy: Proxy, setting: Setting): Promise<RunningProxy> {
  const { folder, port } = setting;
  await Deno.chmod(folder, 0o777);
  const child = commandOf(proxy, folder, await proxy.prepare(setting), UNPRIVILEGED).spawn();
  let said = "";
  let ended = false;
  const over = Promise.all([
    child.status,
    ...[child.stdout, child.stderr].map(async (stream) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) said += text;
    }),
  ]).then(() => ended = true);
  while (!await takesConnections(port)) {
    if (ended) throw new Error(`${proxy.name} did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    port,
    said: () => said,
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGTERM");
      await over;
    },
  };
}
