import { assertEquals } from "@std/assert";
import { readSecrets } from "../../boot/secrets.ts";
import { checkConfig } from "../../core/config/check/check.ts";
import { testSettings } from "../support/service/assembled.ts";
import { configOf } from "../support/service/service.ts";

Deno.test("readSecrets() gives production what its environment says, and makes nothing", async () => {
  const deployment = checkConfig(configOf({ notes: {} }), { development: true });
  const sealKeys = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const adminTokenSha256 = new Uint8Array(32).fill(3);
  const secrets = await readSecrets(
    testSettings({ sealKeys, adminTokenSha256 }),
    deployment,
    (name) => name === "SESSION_SECRET" ? "from the environment" : undefined,
  );
  assertEquals([...secrets.sealKeys], sealKeys);
  assertEquals(secrets.operators, {
    adminTokenSha256,
    readerTokenSha256: undefined,
    analystTokenSha256: undefined,
    tokenScopes: {},
    oidc: undefined,
  });
  assertEquals(secrets.adminToken, undefined);
  assertEquals(["SESSION_SECRET", "OTHER"].map(secrets.named), ["from the environment", undefined]);
});
