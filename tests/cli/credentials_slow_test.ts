/** Commands read the environment and the folder of DIT_CREDENTIALS as the service does. */
import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { demoConfig, Folders, runTask } from "../support/processes/service_process.ts";
import type { TaskName } from "../support/processes/task_flags.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { TOKEN } from "../support/store/with_kv_endpoint.ts";

const PRODUCTION = {
  DIT_SEAL_KEYS: new Uint8Array(32).fill(7).toBase64(),
  DIT_SESSION_SECRET: "a session secret of tests, longer than 32 bytes",
};

/** A folder of credentials. */
async function credentials(folders: Folders, files: Record<string, string>): Promise<string> {
  const folder = await folders.make();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, `${text}\n`);
  }
  return folder;
}

Deno.test("check and schema take DIT_CONFIG out of the folder of credentials", async () => {
  await using folders = new Folders();
  const event = {
    description: "The app was opened.",
    purpose: "How many people use it.",
    owner: "demo-team",
    expires: "2099-12-31",
    review: "reviews/7.md",
    fields: {},
  };
  const folder = await folders.make(demoConfig({ events: { app_opened: event } }));
  const DIT_CREDENTIALS = await credentials(folders, { DIT_CONFIG: `${folder}/config.js` });
  const here = await folders.make();
  const check = await runTask("check", "cli/check.ts", [], here, { DIT_CREDENTIALS });
  assertEquals([check.code, check.stderr], [0, ""]);
  assertMatch(check.stdout, /app_opened/);
  const schema = await runTask("schema", "cli/schema.ts", ["docs"], here, { DIT_CREDENTIALS });
  assertEquals([schema.code, schema.stderr], [0, ""]);
  assertMatch(schema.stdout, /The app was opened\./);
});

Deno.test("a folder of credentials that is not there ends every command with one sentence", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  const env = { DIT_CREDENTIALS: `${folder}/missing`, DIT_KV: `${folder}/kv.sqlite3` };
  const commands: [TaskName, string[]][] = [
    ["start", []],
    ["check", []],
    ["schema", ["docs"]],
    ["keys", ["list"]],
    ["backup", ["--to", `${folder}/copy`]],
    ["restore", ["--from", `${folder}/config.js`]],
    ["audit", []],
  ];
  for (const [task, args] of commands) {
    const { code, stdout, stderr } = await runTask(task, `cli/${task}.ts`, args, folder, env);
    const sentence = `Make the folder ${folder}/missing, or take DIT_CREDENTIALS away.\n`;
    assertEquals([code, stdout, stderr], [task === "start" ? 78 : 1, "", sentence], task);
  }
});

Deno.test("deno task keys opens a store behind KV Connect with the token that lies in the folder of credentials", async () => {
  await using folders = new Folders();
  const folder = await folders.make(demoConfig());
  await using endpoint = await startKvEndpoint({ path: ":memory:", token: TOKEN });
  const DIT_CREDENTIALS = await credentials(folders, { DENO_KV_ACCESS_TOKEN: TOKEN });
  const env = { ...PRODUCTION, DIT_CREDENTIALS, DIT_KV: endpoint.url, DIT_CONFIG: `${folder}/config.js` };
  const { code, stdout, stderr } = await runTask("keys", "cli/keys.ts", ["list"], folder, {
    ...env,
    PORT: String(freePort()),
  });
  assertEquals([code, stdout, stderr], [0, "There are no keys yet.\n", ""]);
});

Deno.test("a configuration that never comes to its end is given up with one sentence", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const forms = {
    "waits.js": "await new Promise(() => {});\nexport default {};\n",
    "is_busy.js": "setInterval(() => {}, 10);\nawait new Promise(() => {});\nexport default {};\n",
  };
  for (const [name, text] of Object.entries(forms)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const env = { ...PRODUCTION, DIT_KV: `${folder}/kv.sqlite3` };
  const runs = Object.keys(forms).flatMap((name) =>
    (["check", "start"] as const).map(async (task) => {
      const { code, stdout, stderr } = await runTask(task, `cli/${task}.ts`, [], folder, {
        ...env,
        DIT_CONFIG: name,
      });
      const sentence = `DIT_CONFIG: ${name} cannot be loaded: after 5 s it still awaits something.\n`;
      assertEquals([code, stdout, stderr], [task === "start" ? 78 : 1, "", sentence], `${task} ${name}`);
    })
  );
  await Promise.all(runs);
});
