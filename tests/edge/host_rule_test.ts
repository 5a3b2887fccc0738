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
  health: "/readyz",
  acs: "/acs/v1/apps/demo/redeem",
  dev: "/dev/session",
  examples: "/examples/browser/",
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
  const all = Object.keys(PATHS).filter((name) => name !== "dev");
  assertEquals(answeredBy("any.example", {}), all);
  assertEquals(answeredBy("any.example", { issueHost: undefined }), all);
});

Deno.test("hostRule() keeps issuance, logs and operators on hosts of their own", () => {
  const rule = { issueHost: "t.example", logHost: "l.example", adminHost: "a.example" };
  const anywhere = ["health", "acs", "examples"];
  assertEquals(answeredBy("t.example", rule), ["tokens", "keys", ...anywhere]);
  assertEquals(answeredBy("l.example", rule), ["logs", "keys", ...anywhere]);
  assertEquals(answeredBy("a.example", rule), ["keys", "admin", "metrics", "console", ...anywhere]);
  assertEquals(answeredBy("other.example", rule), ["keys", ...anywhere]);
});

Deno.test("hostRule() compares the host alone, and wholly", () => {
  const checkHost = hostRule({ logHost: "l.example" });
  const logs = kindOf(PATHS.logs);
  checkHost(logs, new URL("https://L.example:8443/"));
  for (const host of ["xl.example", "l.example.", "l.example.evil.example"]) {
    assertThrows(() => checkHost(logs, new URL(`https://${host}/`)), Refusal);
  }
});

Deno.test("hostRule() answers development to this machine's own names alone: a site can lead its own here", () => {
  const answers = (host: string) => answeredBy(host, {}).includes("dev");
  for (const host of ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.8.9.10:80", "[::1]:8000"]) {
    assertEquals(answers(host), true, host);
  }
  const others = [
    "rebound.example",
    "localhost.",
    "localhost.example",
    "127.0.0.1.example",
    "0.0.0.0",
    "[::]",
  ];
  for (const host of [...others, "10.0.0.1", "[::ffff:7f00:1]", "128.0.0.1"]) {
    assertEquals(answers(host), false, host);
  }
});

Deno.test("hostRule() has nothing of operators on the public listener, and nothing of clients on theirs", () => {
  const names = Object.keys(PATHS);
  const operators = ["admin", "metrics", "console"];
  const at = (door: "public" | "operators") => answeredBy("localhost", { door });
  assertEquals(at("public"), names.filter((name) => !operators.includes(name)));
  assertEquals(at("operators"), [...operators, "health"]);
  // The host is asked for besides.
  const rule = { door: "operators", adminHost: "a.example" } as const;
  assertEquals(answeredBy("localhost", rule), ["health"]);
  assertEquals(
    operators.filter((name) => answeredBy("a.example", { ...rule, door: "public" }).includes(name)),
    [],
  );
});
