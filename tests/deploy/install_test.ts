import { assert, assertEquals } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { run } from "./programs.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Debian's user for what nobody owns: not the one who runs the tests, and not the owner of the code. */
const USER = "65534";
/** The certificates that npm is told to trust in this user's own settings, which the other user has not. */
async function npmCertificates(): Promise<string[]> {
  const cafile = (await run("npm", "config", "get", "cafile"))?.output.trim() ?? "null";
  if (cafile === "null" || Deno.env.get("NODE_EXTRA_CA_CERTS") !== undefined) return [];
  return [`NODE_EXTRA_CA_CERTS=${cafile}`, `DENO_CERT=${cafile}`];
}

/** How this machine reaches the registry, where it says so. */
const WAY_OUT = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "HTTPS_PROXY",
  "NPM_CONFIG_REGISTRY",
]
  .flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [`${name}=${value}`];
  })
  .concat(await npmCertificates());
/** What a machine with Debian, node and npm has; no Deno and nothing else of this process. */
const PLAIN = ["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"];

/** The command as the other user. */
const asUser = (...command: string[]) => [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", ...command];

/**
 * What runs apart from every network but loopback: starts the service, waits until it is ready, lets it answer, ends it. It is
 * node's, which is there wherever the service was installed.
 */
const VISIT = `
import { spawn, spawnSync } from "node:child_process";
const [program, ...expected] = process.argv.slice(2);
const service = spawn(program, ["start"], { stdio: ["ignore", "inherit", "inherit"] });
const ended = new Promise((resolve) => service.on("exit", (code) => resolve(code)));
let over = false;
ended.then(() => over = true);
const url = "http://127.0.0.1:" + process.env.PORT;
const read = async (path, init) => {
  const answer = await fetch(url + path, init);
  return [answer.status, await answer.text()];
};
while (!over && !(await read("/readyz").then(([status]) => status === 200, () => false))) {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const listKeys = () => {
  const { status, stdout, stderr } = spawnSync(program, ["keys", "list"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\\n").filter((line) => line.startsWith("demo ")).length : stdout + stderr;
};
if (!over) {
  console.log("VISIT listed", listKeys());
  console.log("VISIT keys", (await read("/v1/apps/demo/keys"))[0]);
  console.log("VISIT logs", (await read("/v1/apps/demo/logs", { method: "POST" }))[0]);
  console.log("VISIT outside", await fetch("https://example.com/").then(() => "reached", () => "unreachable"));
  service.kill("SIGTERM");
}
console.log("VISIT exit", await ended);
console.log("VISIT listed", listKeys());
`;

Deno.test("deploy/install makes a service in an empty folder for another user, which downloads nothing when it runs", async () => {
  if (Deno.uid() !== 0) {
    // deno-lint-ignore no-console -- whoever runs the tests has to know that nothing was tried.
    console.warn("passed over: only root can become another user and cut a network off");
    return;
  }
  const folder = await Deno.makeTempDir();
  try {
    // A copy of what is checked in, readable for all; the tests' own folder may not be.
    const source = `${folder}/source`;
    const copied = await run(
      "sh",
      "-c",
      `mkdir ${source} && cd ${ROOT} && tar c --exclude=./.git --exclude=./.dit --exclude=node_modules . | tar x -C ${source} && chmod -R go+rX ${source}`,
    );
    assertEquals(copied?.code, 0, copied?.output);
    for (const name of ["home", "opt", "state", "credentials"]) {
      await Deno.mkdir(`${folder}/${name}`, { mode: 0o700 });
      await Deno.chown(`${folder}/${name}`, Number(USER), Number(USER));
    }
    await Deno.chmod(folder, 0o755);
    const target = `${folder}/opt/dit`;
    const home = `HOME=${folder}/home`;
    const installed = await run(
      "setpriv",
      ...asUser(...PLAIN, ...WAY_OUT, home, `${source}/deploy/install`, target),
    );
    if (installed === undefined) return;
    assertEquals(installed.code, 0, installed.output);
    const again = await run(
      "setpriv",
      ...asUser(...PLAIN, ...WAY_OUT, home, `${source}/deploy/install`, target),
    );
    assertEquals(again, { code: 1, output: `${target} is not empty: name another folder, or remove it.\n` });
    const writable = await run("find", target, "-perm", "/222", "!", "-type", "l");
    assertEquals(writable?.output, "", "the code is read-only");
    const tests = await run(
      "find",
      target,
      "(",
      "-name",
      "*playwright*",
      "-o",
      "-name",
      "*fast-check*",
      "-o",
      "-name",
      "tests",
      ")",
      "-path",
      "*/app/*",
    );
    assertEquals(tests?.output, "", "nothing of the tests is there");

    const credentials = `${folder}/credentials`;
    const secrets = {
      DIT_SEAL_KEYS: crypto.getRandomValues(new Uint8Array(32)).toBase64(),
      DIT_SESSION_SECRET: "session-secret-of-the-test-of-the-install-script",
    };
    for (const [name, value] of Object.entries(secrets)) {
      await Deno.writeTextFile(`${credentials}/${name}`, `${value}\n`, { mode: 0o400 });
      await Deno.chown(`${credentials}/${name}`, Number(USER), Number(USER));
    }
    await Deno.writeTextFile(`${folder}/visit.mjs`, VISIT, { mode: 0o644 });
    const kv = `${folder}/state/kv.sqlite3`;
    const token = "admin-token-of-the-test-of-the-install-script";
    const admin = [`DIT_ADMIN_TOKEN=${token}`, `DIT_ADMIN_TOKEN_SHA256=${tokenDigest(token).toHex()}`];
    const variables = [home, ...admin, `DIT_KV=${kv}`, `DIT_CREDENTIALS=${credentials}`, "PORT=8000"];
    const node = ["node", `${folder}/visit.mjs`, `${target}/bin/dit`];
    const script = `ip link set lo up && cd ${folder}/state && exec setpriv ${
      asUser(...PLAIN, ...variables, ...node).join(" ")
    }`;
    // A network of its own, so that the port is free and nothing can be reached.
    const visited = await run("unshare", "--net", "sh", "-c", script);
    assertEquals(visited?.code, 0, visited?.output);
    const said = visited?.output ?? "";
    assertEquals([...said.matchAll(/^VISIT (.*)$/gm)].map(([, line]) => line), [
      "listed 4",
      "keys 200",
      "logs 415",
      "outside unreachable",
      "exit 0",
      "listed 4",
    ], said);
    assert(!/^(?:Download|error)/m.test(said), said);
    for (const secret of Object.values(secrets)) assert(!said.includes(secret));
    assertEquals((await Deno.stat(kv)).uid, Number(USER));
    const after = await run("find", target, "-newer", `${folder}/visit.mjs`);
    assertEquals(after?.output, "", "a run leaves nothing beside the code");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
