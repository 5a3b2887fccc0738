import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { freePort, freePorts } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import {
  demoConfig,
  Folders,
  runTask,
  startProcess,
  startReady,
} from "../support/processes/service_process.ts";
import { TOKEN, until, withEndpoint } from "../support/store/with_kv_endpoint.ts";

type Answer = { code: number; stdout: string; stderr: string };

/** Runs `deno task keys ...`. */
function keys(folder: string, args: string, env: Record<string, string>): Promise<Answer> {
  return runTask("keys", "cli/keys.ts", args.split(" ").filter((arg) => arg !== ""), folder, env);
}

/** Asserts that a command ended with one sentence and without a stack. */
function assertSays(answer: Answer, sentence: string | RegExp): void {
  assertEquals([answer.code, answer.stdout], [1, ""], answer.stderr);
  if (typeof sentence === "string") assertEquals(answer.stderr.trim(), sentence);
  else assertMatch(answer.stderr, sentence);
  assert(!answer.stderr.includes("    at "), answer.stderr);
}

/** The epoch, generation and state of each key in a printed list. */
function states(list: string): string[] {
  return list.trim().split("\n").slice(1).map((line) => line.split(/\s+/).slice(1, 4).join(" "));
}

const epochNow = () => Math.floor(Date.now() / 1000 / DAY_SECONDS);

Deno.test("deno task keys works through the running service, and on its store when it is stopped", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make();
    const port = freePort();
    const env = { PORT: String(port) };
    const epoch = epochNow();
    const process = await startReady({ folder, port });
    try {
      const listed = await keys(folder, "list", env);
      assertEquals([listed.code, listed.stderr], [0, ""]);
      assertEquals(states(listed.stdout), [
        `${epoch} 0 issuing`,
        ...[1, 2, 3].map((ahead) => `${epoch + ahead} 0 scheduled`),
      ]);
      const rotated = await keys(folder, "rotate --app demo", env);
      assertEquals(
        rotated.stdout.trim(),
        `Generation 1 of epoch ${epoch} of demo issues now; the key before it goes on redeeming.`,
      );
      // The service knows at once: its directory has both.
      const directory = await (await fetch(`${process.url}/v1/apps/demo/keys`)).json();
      assertEquals(directory["token-keys"].length, 5);
      const asked = await keys(folder, `revoke --app demo --epoch ${epoch}`, env);
      assertSays(
        asked,
        /^This ends the keys of epoch [0-9]+ of demo up to generation 1 at once, .* --generation 1 --yes\n$/,
      );
      // With --yes and without the generation it is not done either: repeated, it would end the replacement.
      assertEquals(await keys(folder, `revoke --app demo --epoch ${epoch} --yes`, env), asked);
      const revoked = await keys(folder, `revoke --app demo --epoch ${epoch} --generation 1 --yes`, env);
      assertStringIncludes(revoked.stdout, `Revoked: epoch ${epoch} of demo, generations 0 to 1.`);
      assertStringIncludes(revoked.stdout, "Generation 2 has taken over");
      // Repeated as it was printed, it changes nothing more.
      const again = await keys(folder, `revoke --app demo --epoch ${epoch} --generation 1 --yes`, env);
      assertEquals(again.stdout, revoked.stdout);
      const rotatedAgain = await keys(folder, `rotate --app demo --epoch ${epoch} --generation 1`, env);
      assertEquals(rotatedAgain.stdout, rotated.stdout);
      assertSays(
        await keys(folder, `revoke --app demo --epoch ${epoch} --generation 3 --yes`, env),
        `Epoch ${epoch} of demo has no generation above 2: revoke up to one that there is.`,
      );
      assertStringIncludes(
        (await keys(folder, "reseal", env)).stdout,
        "Sealed again under the newest sealing key: 0.",
      );
      assertSays(
        await keys(folder, "rotate --app demo", env),
        "Clients accept 2 replacements of an epoch's key and no more; the next epoch's key is ready.",
      );
      assertEquals(process.events("key_revoked").length, 2);
    } finally {
      assertEquals((await process.end("SIGTERM")).code, 0);
    }
    const after = await keys(folder, "list", env);
    assertEquals(states(after.stdout).slice(0, 3), [
      `${epoch} 0 revoked`,
      `${epoch} 1 revoked`,
      `${epoch} 2 issuing`,
    ]);
    const late = await keys(folder, `revoke --app demo --epoch ${epoch + 1} --generation 0 --yes`, env);
    assertStringIncludes(late.stdout, "Generation 1 has taken over");
    await using restarted = await startReady({ folder, port });
    const last = await keys(folder, "list", env);
    assertStringIncludes(last.stdout, `${epoch + 1}`);
    assertEquals(states(last.stdout).filter((state) => state.startsWith(`${epoch + 1}`)), [
      `${epoch + 1} 0 revoked`,
      `${epoch + 1} 1 scheduled`,
    ]);
    assert(restarted.lines.length > 0);
  }));

Deno.test("commands find a store and a configuration outside the folder that they run in", async () => {
  await using folders = new Folders();
  const [code, folder] = [await folders.make(), await folders.make(demoConfig())];
  const port = freePort();
  const token = "an-admin-token-of-tests";
  const env = {
    DIT_ENV: "production",
    DIT_CONFIG: `${folder}/config.js`,
    DIT_KV: `${folder}/kv.sqlite3`,
    DIT_SEAL_KEYS: new Uint8Array(32).fill(1).toBase64(),
    DIT_SESSION_SECRET: "a session secret of more than 32 bytes",
    DIT_ADMIN_TOKEN_SHA256: tokenDigest(token).toHex(),
    HOST: "127.0.0.1",
    PORT: String(port),
  };
  const command = { ...env, DIT_ADMIN_TOKEN: token };
  {
    await using _process = await startReady({ folder, port, env });
    const listed = await keys(code, "list", command);
    assertEquals([listed.code, listed.stderr, states(listed.stdout).length], [0, "", 4]);
    const nothing = await runTask("release", "cli/release.ts", [], code, command);
    assertSays(nothing, "No application of the configuration releases anything.");
  }
  const rotated = await keys(code, "rotate --app demo", env);
  assertEquals([rotated.code, rotated.stderr], [0, ""]);
  assertEquals(states((await keys(code, "list", env)).stdout).length, 5);
  // What lies in files is a variable for commands too, and development's store does not stand in for what is not named.
  const { DIT_KV, DIT_SEAL_KEYS, ...others } = env;
  const DIT_CREDENTIALS = `${folder}/credentials`;
  await Deno.mkdir(DIT_CREDENTIALS);
  await Deno.writeTextFile(`${DIT_CREDENTIALS}/DIT_KV`, DIT_KV);
  await Deno.writeTextFile(`${DIT_CREDENTIALS}/DIT_SEAL_KEYS`, DIT_SEAL_KEYS);
  const read = await keys(code, "list", { ...others, DIT_CREDENTIALS });
  assertEquals([read.stderr, states(read.stdout).length], ["", 5]);
  await Deno.mkdir(`${code}/.dit`);
  await Deno.writeTextFile(`${code}/.dit/seal_key`, DIT_SEAL_KEYS);
  const restored = await runTask("restore", "cli/restore.ts", ["--from", DIT_KV], code, { DIT_SEAL_KEYS });
  assertSays(restored, "Set DIT_KV to the file of the store.");
});

Deno.test("deno task keys asks the service where only the service may look at its store", async () => {
  if (Deno.uid() === 0) {
    // deno-lint-ignore no-console -- whoever runs the tests has to know that nothing was tried.
    console.warn("passed over: root may look everywhere");
    return;
  }
  await using folders = new Folders();
  const folder = await folders.make();
  const nobody = freePort();
  await Deno.mkdir(`${folder}/closed`, { mode: 0 });
  const env = { DIT_KV: `${folder}/closed/kv.sqlite3`, PORT: String(nobody), DIT_ADMIN_TOKEN: "wrong" };
  assertSays(
    await keys(folder, "list", env),
    `No service answers at http://127.0.0.1:${nobody}: start it, or set DIT_ADMIN_URL.`,
  );
});

Deno.test("deno task keys answers every mistake with one sentence", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const [port, nobody] = freePorts(2) as [number, number];
  const env = { PORT: String(port) };
  await using _process = await startReady({ folder, port });
  const known = "deno task keys has list, rotate, revoke, replace, confirm-time, reseal, publish. " +
    "deno task keys --help explains them.";
  const misused: [args: string, sentence: string][] = [
    ["", `Say what to do: ${known}`],
    ["bla", `Unknown subcommand "bla": ${known}`],
    ["--app demo rotate", `Say what to do: ${known}`],
    ["list list", 'Unknown word "list": deno task keys list --help explains it.'],
    ["list --bla", 'Unknown option "--bla": deno task keys list --help explains it.'],
    ["list --epoch 7", 'Unknown option "--epoch": deno task keys list --help explains it.'],
    ["rotate --app", "--app APP needs a value: deno task keys rotate --help explains it."],
    ["rotate --app --epoch 7", "--app APP needs a value: deno task keys rotate --help explains it."],
    ["rotate", "--app APP is missing: deno task keys rotate --help explains it."],
    ["rotate --app demo --app demo", "--app is given twice: deno task keys rotate --help explains it."],
    ["revoke --app demo", "--epoch N is missing: deno task keys revoke --help explains it."],
    [
      "revoke --app demo --epoch 7 --yes=no",
      "--yes takes no value: deno task keys revoke --help explains it.",
    ],
    ["revoke --app demo --epoch today", "Give --epoch a whole number, as deno task keys list shows it."],
  ];
  for (const [args, sentence] of misused) {
    const { code, stdout, stderr } = await keys(folder, args, env);
    assertEquals([code, stdout, stderr.trimEnd()], [2, "", sentence]);
  }
  assertSays(await keys(folder, "rotate --app nope", env), "There is no such application.");
  assertSays(
    await keys(folder, "revoke --app demo --epoch 7", env),
    "demo has no key of epoch 7 that is alive: see deno task keys list.",
  );
  assertSays(
    await keys(folder, "revoke --app nope --epoch 7", env),
    "There is no application nope; there are keys of demo.",
  );
  assertSays(
    await keys(folder, "revoke --app demo --epoch 7 --generation 0 --yes", env),
    "demo has no key of epoch 7 in this region.",
  );
  assertSays(
    await keys(folder, "list", { ...env, DIT_ADMIN_TOKEN: "wrong" }),
    "The service refuses the admin token: set DIT_ADMIN_TOKEN to the right one.",
  );
  assertSays(
    await keys(folder, "list", { DIT_ADMIN_URL: `http://127.0.0.1:${nobody}` }),
    `No service answers at http://127.0.0.1:${nobody}: start it, or set DIT_ADMIN_URL.`,
  );
});

Deno.test("deno task keys needs its token in production, and a service without one has no admin API", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig({
    session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" } },
  }));
  const port = freePort();
  const production = {
    DIT_ENV: "production",
    DIT_CONFIG: "config.js",
    DIT_KV: ".dit/kv.sqlite3",
    DIT_SEAL_KEYS: new Uint8Array(32).fill(1).toBase64(),
    DIT_SESSION_SECRET: "a session secret of more than 32 bytes",
    HOST: "127.0.0.1",
    PORT: String(port),
  };
  const token = "an-admin-token-of-tests";
  {
    await using process = await startReady({ folder, port, env: production });
    assertEquals((await fetch(`${process.url}/admin/v1/keys`)).status, 404);
    assertSays(
      await keys(folder, "list", { ...production, DIT_ADMIN_TOKEN: token }),
      "The service has no admin API for this: start it with DIT_ADMIN_TOKEN_SHA256, or ask its ACS.",
    );
  }
  const guarded = { ...production, DIT_ADMIN_TOKEN_SHA256: tokenDigest(token).toHex() };
  {
    await using process = await startReady({ folder, port, env: guarded });
    for (const authorization of ["", "Bearer wrong", `Bearer ${guarded.DIT_ADMIN_TOKEN_SHA256}`]) {
      const response = await fetch(`${process.url}/admin/v1/keys`, { headers: { authorization } });
      assertEquals([response.status, (await response.json()).code], [401, "admin_token_invalid"]);
    }
    assertSays(
      await keys(folder, "list", production),
      /^Set DIT_ADMIN_TOKEN to the admin token of the service/,
    );
    assertEquals((await keys(folder, "list", { ...production, DIT_ADMIN_TOKEN: token })).code, 0);
  }
  const elsewhere = { ...guarded, DIT_ADMIN_HOST: "admin.example" };
  {
    await using process = await startReady({ folder, port, env: elsewhere });
    const response = await fetch(`${process.url}/admin/v1/keys`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assertEquals([response.status, (await response.json()).code], [404, "route_unknown"]);
  }
});

Deno.test("deno task keys opens a KV Connect store beside the services on it", () =>
  inOnePeriod(DAY_SECONDS, async () => {
    await using folders = new Folders();
    const folder = await folders.make();
    const port = freePort();
    await withEndpoint(async (endpoint) => {
      const env = { DIT_KV: endpoint.url, DENO_KV_ACCESS_TOKEN: TOKEN, PORT: String(port) };
      await using process = await startReady({ folder, port, env });
      const epoch = epochNow();
      const revoked = await keys(folder, `revoke --app demo --epoch ${epoch} --generation 0 --yes`, env);
      assertStringIncludes(revoked.stdout, "Generation 1 has taken over", revoked.stderr);
      assertEquals(process.events("key_revoked"), []);
      const foreign = { ...env, DIT_SEAL_KEYS: new Uint8Array(32).fill(9).toBase64() };
      assertSays(
        await keys(folder, "list", foreign),
        "A secret in the store is sealed under a key that DIT_SEAL_KEYS does not hold: add it as the last one, or set DIT_KV to another store.",
      );
    });
  }));

Deno.test("production does not start without its sealing keys or with wrong ones, and leaves the store untouched", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  const port = freePort();
  const env = {
    DIT_ENV: "production",
    DIT_CONFIG: "config.js",
    DIT_KV: ".dit/kv.sqlite3",
    DIT_SESSION_SECRET: "a session secret of more than 32 bytes",
    HOST: "127.0.0.1",
  };
  const withKeys = (...bytes: number[]) => ({
    ...env,
    DIT_SEAL_KEYS: bytes.map((byte) => new Uint8Array(32).fill(byte).toBase64()).join(","),
  });
  const refused = async (variables: Record<string, string>) => {
    await using process = await startProcess({ folder, port, env: variables });
    assertEquals((await process.end("SIGTERM")).code, 78);
    assertEquals(process.events("listening"), []);
    return process.lines.join("\n");
  };
  assertEquals(
    await refused(env),
    "Set DIT_SEAL_KEYS to the base64 of 32 random bytes (openssl rand -base64 32); keep it safe.",
  );
  {
    await using process = await startReady({ folder, port, env: withKeys(1) });
    assert(process.events("key_made").length > 0);
  }
  const rows = async () => {
    using kv = await Deno.openKv(`${folder}/.dit/kv.sqlite3`);
    return await Array.fromAsync(kv.list({ prefix: [] }));
  };
  const before = await rows();
  assertEquals(
    await refused(withKeys(2)),
    "A secret in the store is sealed under a key that DIT_SEAL_KEYS does not hold: add it as the last one, or set DIT_KV to another store.",
  );
  assertMatch(
    await refused({ ...env, DIT_SEAL_KEYS: "c2hvcnQ=" }),
    /^Set DIT_SEAL_KEYS to base64 of exactly 32/,
  );
  assertEquals(await rows(), before);
  // The new one in front, the old one behind it: it starts, and seals everything again.
  {
    await using process = await startReady({ folder, port, env: withKeys(2, 1) });
    await until(() => process.events("maintenance").length > 0);
    assertEquals(process.events("maintenance")[0]!.keysResealed, 4);
  }
  await using process = await startReady({ folder, port, env: withKeys(2) });
  assertEquals(process.events("listening").length, 1);
});
