/** Passwords and encryption: what lets a service in, what does not, and that nothing says the password. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { Pool } from "../../core/store/postgres/pool.ts";
import { type Cluster, makeFolder, startCluster } from "../support/postgres/cluster.ts";
import { spawnService } from "../support/processes/spawned_service.ts";

const PASSWORD = "pa:ss @s3cret";
const DATABASE = "kept";

/** A server with certificates of its own, which asks its user `service` for a password. */
async function startStrict(): Promise<Cluster & { certificate: string }> {
  const folder = await makeFolder();
  // As who will read the key.
  const certificate = `${folder}/server.pem`;
  const made = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", `${folder}/server.key`, "-out", certificate],
    ],
    stderr: "null",
  }).output();
  assert(made.success, "openssl made no certificate");
  if (Deno.uid() === 0) {
    await new Deno.Command("chown", { args: ["postgres", `${folder}/server.key`, certificate] }).output();
  }
  const settings = ["ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${folder}/server.key`];
  const cluster = await startCluster(settings, folder);
  await Deno.writeTextFile(
    `${folder}/data/pg_hba.conf`,
    ["host all dit 127.0.0.1/32 trust", "hostssl all service 127.0.0.1/32 scram-sha-256", ""].join("\n"),
  );
  await cluster.sql(`create role service login password '${PASSWORD}'`);
  await cluster.sql(`create database ${DATABASE} owner service`);
  await cluster.sql("select pg_reload_conf()");
  return Object.assign(cluster, { certificate });
}

const encoded = encodeURIComponent(PASSWORD);

Deno.test("sslmode and passwords: each does what it says, and what keeps a service out is said without either", async (t) => {
  await using cluster = await startStrict();
  const { port, certificate } = cluster;
  const url = (
    { user = "service", password = encoded, host = "localhost", database = DATABASE, query = "" },
  ) => `postgres://${user}:${password}@${host}:${port}/${database}?${query}`;
  const full = `sslmode=verify-full&sslrootcert=${certificate}`;

  for (const query of [full, `sslmode=verify-ca&sslrootcert=${certificate}`, "sslmode=require"]) {
    await t.step(`${query.replace(/=\/.*/, "=...")} encrypts`, async () => {
      const pool = new Pool(url({ query }), { readText: Deno.readTextFileSync });
      const [row] = await pool.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
      assertEquals(row?.ssl, true);
      pool.close();
    });
  }
  await t.step("verify-ca takes a certificate for another host", async () => {
    const query = `sslmode=verify-ca&sslrootcert=${certificate}`;
    (await openPostgres(url({ host: "127.0.0.1", query }), { readText: Deno.readTextFileSync })).close();
  });

  const refusals: [name: string, url: string, sentence: RegExp][] = [
    ["a certificate that nobody has signed", url({ query: "sslmode=verify-full" }), /certificate/],
    ["a certificate for another host", url({ host: "127.0.0.1", query: full }), /certificate/],
    ["no encryption", url({ query: "sslmode=disable" }), /pg_hba/],
    ["a wrong password", url({ password: "s3cret-and-wrong", query: full }), /refuses the password/],
    ["no password", `postgres://service@localhost:${port}/${DATABASE}?${full}`, /asks for a password/],
    [
      "no such database",
      url({ database: "missing", user: "dit", query: full, host: "localhost" }),
      /no such database/,
    ],
    [
      "no file of certificates",
      url({ query: "sslmode=verify-full&sslrootcert=/none/s3cret" }),
      /cannot be read/,
    ],
  ];
  for (const [name, refused, sentence] of refusals) {
    await t.step(name, async () => {
      const error = await assertRejects(
        () => openPostgres(refused, { readText: Deno.readTextFileSync }),
        StoreOpenError,
      );
      assert(sentence.test(error.message), error.message);
      assert(!error.message.includes("s3cret") && !error.message.includes("://"), error.message);
    });
  }

  const folder = await Deno.makeTempDir();
  /** Starts a service; gives its output once it is ready or has ended. */
  async function start(
    kv: string,
    env: Record<string, string> = {},
  ): Promise<{ code: number | undefined; output: string }> {
    await using service = spawnService({ folder, kv, env });
    const code = await Promise.race([
      service.ready().then(() => undefined),
      service.ended.then(({ code }) => code),
    ]);
    await service.end("SIGTERM");
    return { code, output: service.stdout() + service.stderr() };
  }
  await t.step("a service finds its password in a file", async () => {
    const passwords = `${folder}/passwords`;
    await Deno.writeTextFile(passwords, `localhost:${port}:*:service:${PASSWORD.replaceAll(":", "\\:")}\n`, {
      mode: 0o600,
    });
    const kv = `postgres://service@localhost:${port}/${DATABASE}?${full}`;
    const { code, output } = await start(kv, { PGPASSFILE: passwords });
    assertEquals(code, undefined, output);
    assert(!output.includes("s3cret"), output);
  });
  for (
    const [name, kv, sentence] of [
      ["a wrong password", url({ password: "s3cret-and-wrong", query: full }), "refuses the password"],
      ["no such database", `postgres://dit@127.0.0.1:${port}/missing`, "no such database"],
      ["nobody there", `postgres://dit:s3cret@127.0.0.1:1/${DATABASE}`, "does not answer"],
      [
        "a parameter that is unknown",
        `postgres://dit:s3cret@127.0.0.1:1/${DATABASE}?s3cret=1`,
        "no other parameter",
      ],
    ] as const
  ) {
    await t.step(`a service's start says one sentence: ${name}`, async () => {
      const { code, output } = await start(kv);
      assert(code !== undefined && code !== 0, output);
      assertEquals(output.trim().split("\n").length, 1, output);
      assert(output.includes(sentence), output);
      assert(!output.includes("s3cret") && !output.includes("://"), output);
    });
  }
  await t.step("a service's start says one sentence: tables of a newer program", async () => {
    const kv = `postgres://dit@127.0.0.1:${port}/${DATABASE}`;
    await cluster.sql("update dit.version set version = version + 1", DATABASE);
    const { code, output } = await start(kv);
    assert(code !== undefined && code !== 0, output);
    assertEquals(output.trim().split("\n").length, 1, output);
    assert(output.includes("newer program"), output);
  });
  await t.step("nor does the server's log say a password", async () => {
    assert(!(await Deno.readTextFile(`${cluster.folder}/log`)).includes("s3cret"));
  });
  await Deno.remove(folder, { recursive: true });
});
