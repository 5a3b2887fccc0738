import { assertEquals, assertRejects } from "@std/assert";
import { assemble, type AssembleOptions } from "../../boot/assemble.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import { runMaintenance } from "../../core/jobs/maintenance.ts";
import { SealError } from "../../core/keys/sealing.ts";
import { GAUGES, readGauges } from "../../core/operations/gauges.ts";
import { hasKeys } from "../../core/service.ts";
import { BASE64 } from "../../core/voprf/kernel/binary.ts";
import { openStore } from "../../boot/open_store.ts";
import { EnvironmentError } from "../../boot/settings.ts";
import { storeOver } from "../../core/store/deno_kv/open.ts";
import { SessionSetupError } from "../../edge/auth/session.ts";
import { WebhookSetupError } from "../../edge/remote/webhook.ts";
import { SESSION_SECRET, systemRandom, testSettings } from "../support/service/assembled.ts";
import { configOf, snapshot, START_SECONDS } from "../support/service/service.ts";

const CONFIG = configOf({ notes: {} });

function optionsOf(changes: Partial<AssembleOptions> = {}): AssembleOptions {
  return {
    settings: testSettings(),
    deployment: checkConfig(CONFIG, { development: true }),
    secrets: {
      sealKeys: [new Uint8Array(32)],
      named: () => SESSION_SECRET,
      operators: {
        adminTokenSha256: undefined,
        readerTokenSha256: undefined,
        analystTokenSha256: undefined,
        oidc: undefined,
      },
    },
    openStore: () => openStore(":memory:"),
    ports: {
      now: () => START_SECONDS,
      steady: () => 0,
      random: systemRandom,
      fetch,
      log() {},
      onInternalError() {},
    },
    stopped: new AbortController().signal,
    ...changes,
  };
}

async function statusOf(options: AssembleOptions, path: string): Promise<number> {
  const { handle, close } = await assemble(options);
  try {
    const response = await handle(new Request(`https://telemetry.example${path}`), "192.0.2.1");
    await response.body?.cancel();
    return response.status;
  } finally {
    await close();
  }
}

Deno.test("assemble() opens no store while an operator is meant for an application that there is not", async () => {
  const openNever = () => Promise.reject(new Error("the store was opened"));
  const { secrets } = optionsOf();
  const operators = {
    ...secrets.operators,
    readerTokenSha256: new Uint8Array(32),
    tokenScopes: { reader: new Set(["notes", "nodes"]) },
  };
  const error = await assertRejects(
    () => assemble(optionsOf({ openStore: openNever, secrets: { ...secrets, operators } })),
    EnvironmentError,
  );
  assertEquals(error.mistakes, [
    'Write ids of applications of dit.config.ts behind " for " in DIT_READER_TOKEN_SHA256, such as " for notes+vault": ' +
    "there is no nodes.",
  ]);
});

Deno.test("assemble() opens no store while a secret is missing that has nothing to do with it", async () => {
  const openNever = () => Promise.reject(new Error("the store was opened"));
  const missing = { ...optionsOf().secrets, named: () => undefined };
  await assertRejects(
    () => assemble(optionsOf({ openStore: openNever, secrets: missing })),
    SessionSetupError,
  );
  const alerts = { webhook: { url: "https://alerts.example/", secretEnv: "ALERTS_SECRET" } };
  const deployment = checkConfig({ ...CONFIG, alerts }, { development: true });
  const secrets = {
    ...missing,
    named: (name: string) => name === "ALERTS_SECRET" ? undefined : SESSION_SECRET,
  };
  await assertRejects(
    () => assemble(optionsOf({ openStore: openNever, deployment, secrets })),
    WebhookSetupError,
  );
});

Deno.test("assemble() writes nothing to a store that is sealed under other keys", async () => {
  using kv = await Deno.openKv(":memory:");
  const openIt = () => Promise.resolve(storeOver(kv));
  const first = await assemble(optionsOf({ openStore: openIt }));
  await runMaintenance(first.service);
  await first.service.committer.drain();
  const before = await snapshot(kv);
  const secrets = { ...optionsOf().secrets, sealKeys: [new Uint8Array(32).fill(1)] as const };
  await assertRejects(() => assemble(optionsOf({ openStore: openIt, secrets })), SealError);
  assertEquals(await snapshot(kv), before);
});

Deno.test("assemble() gives each role its own routes", async () => {
  const acs = { url: "https://acs.example", tokenOf: () => "x".repeat(32) };
  const settings = { all: testSettings(), acs: testSettings({ role: "acs" }) };
  const logs = testSettings({ role: "logs", acs });
  // 405: the route is there for another method; 404: it is not there.
  assertEquals(await statusOf(optionsOf({ settings: settings.all }), "/v1/apps/notes/logs"), 405);
  assertEquals(await statusOf(optionsOf({ settings: settings.all }), "/acs/v1/apps/notes/redeem"), 405);
  assertEquals(await statusOf(optionsOf({ settings: settings.acs }), "/v1/apps/notes/logs"), 404);
  assertEquals(await statusOf(optionsOf({ settings: settings.acs }), "/acs/v1/apps/notes/redeem"), 405);
  assertEquals(await statusOf(optionsOf({ settings: logs }), "/v1/apps/notes/logs"), 405);
  assertEquals(await statusOf(optionsOf({ settings: logs }), "/acs/v1/apps/notes/redeem"), 404);
});

Deno.test("assemble() runs ristretto255 on libsodium, as production does", async () => {
  const warnings: unknown[] = [];
  const ports = {
    ...optionsOf().ports,
    log: (event: string, members?: unknown) => event === "warning" && warnings.push(members),
  };
  const { service, close } = await assemble(optionsOf({ ports }));
  const suite = hasKeys(service) && service.rotation.suites("ristretto255-SHA512");
  assertEquals(warnings, []);
  const { nobleRistretto255 } = await import("../../core/voprf/noble.ts");
  assertEquals(suite === nobleRistretto255, false);
  await close();
});

Deno.test("close() ends the background after it has written the counters", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  store.close = () => {};
  const { service, handle, startBackground, close } = await assemble(
    optionsOf({ openStore: () => Promise.resolve(store) }),
  );
  startBackground();
  const response = await handle(new Request("https://telemetry.example/v1/apps/notes/schema"), undefined);
  await response.body?.cancel();
  const before = (await snapshot(kv)).length;
  await close();
  assertEquals((await snapshot(kv)).length > before, true, "a row of counters");
  assertEquals(service.store, store);
});

Deno.test("assemble() leaves its time in the store at once: a start with a wrong clock after it is found out", async () => {
  using kv = await Deno.openKv(":memory:");
  const startAt = async (seconds: number) => {
    const said: string[] = [];
    const { service } = await assemble(optionsOf({
      openStore: () => Promise.resolve(storeOver(kv)),
      ports: { ...optionsOf().ports, now: () => seconds, log: (event) => said.push(event) },
    }));
    await service.committer.drain();
    return { held: service.time.held, said };
  };
  // Neither of them comes to its first maintenance.
  assertEquals(await startAt(START_SECONDS), { held: false, said: [] });
  assertEquals(await startAt(START_SECONDS + 3 * 86_400), { held: true, said: ["time_held"] });
  assertEquals(await startAt(START_SECONDS + 60), { held: false, said: [] });
});

Deno.test("assemble() computes the curve on what the settings choose, and a gauge says so", async () => {
  const expected = WebAssembly.validate(Uint8Array.fromBase64(BASE64)) ? "wasm" : "libsodium";
  for (const [suiteKernel, kernel] of [["wasm", expected], ["libsodium", "libsodium"]] as const) {
    const { service, close } = await assemble(optionsOf({ settings: { ...testSettings(), suiteKernel } }));
    try {
      const gauge = readGauges(service).find(({ name }) => name === GAUGES.suiteKernel.name);
      assertEquals(gauge?.samples, [{ labels: { suite: "ristretto255-SHA512", kernel }, value: 1 }]);
    } finally {
      await close();
    }
  }
});

Deno.test("the services of tests run on the kernel that DIT_SUITE_KERNEL names", () => {
  assertEquals(testSettings().suiteKernel, Deno.env.get("DIT_SUITE_KERNEL") ?? "wasm");
});
