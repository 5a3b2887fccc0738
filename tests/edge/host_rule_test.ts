import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../core/base/errors.ts";
import { hostRule } from "../../edge/host_rule.ts";
import { kindOf } from "../../edge/strip.ts";

const PATHS = {
  tokens: "/v1/apps/demo/tokens",
  logs: "/v1/apps/demo/logs",
  keys: "/v1/apps/demo/keys",
  admin: "/admin/v1/keys",
  metrics: "/metrics",
  console: "/console",
};

/** The kinds that `host` answers, of those above. */
function answeredBy(host: string, rule: Parameters<typeof hostRule>[0]): string[] {
  const checkHost = hostRule(rule);
  return Object.entries(PATHS).flatMap(([name, path]) => {
    try {
      checkHost(kindOf(path), new URL(path, `https://${host}`));
      return [name];
    } catch (error) {
      assertEquals((error as Refusal).code, "route_unknown");
      return [];
    }
  });
}

Deno.test("hostRule() has every host answer everything where none is named", () => {
  assertEquals(answeredBy("any.example", {}), Object.keys(PATHS));
  assertEquals(answeredBy("any.example", { issueHost: undefined }), Object.keys(PATHS));
});

Deno.test("hostRule() keeps issuance, logs and operators on hosts of their own", () => {
  const rule = { issueHost: "t.example", logHost: "l.example", adminHost: "a.example" };
  assertEquals(answeredBy("t.example", rule), ["tokens", "keys"]);
  assertEquals(answeredBy("l.example", rule), ["logs", "keys"]);
  assertEquals(answeredBy("a.example", rule), ["keys", "admin", "metrics", "console"]);
  assertEquals(answeredBy("other.example", rule), ["keys"]);
});

Deno.test("hostRule() compares the host alone, and wholly", () => {
  const checkHost = hostRule({ logHost: "l.example" });
  const logs = kindOf(PATHS.logs);
  checkHost(logs, new URL("https://L.example:8443/"));
  for (const host of ["xl.example", "l.example.", "l.example.evil.example"]) {
    assertThrows(() => checkHost(logs, new URL(`https://${host}/`)), Refusal);
  }
});
