import { assert, assertEquals } from "@std/assert";
import { dayOf, formatDay } from "../../../core/base/time.ts";
import { OPERATIONS } from "../../../edge/operations/index.ts";
import { ADMIN_TOKEN, OPERATED } from "../../support/browser/console_browser.ts";
import { snapshot, type TestService, withService } from "../../support/service/service.ts";

const ROTATE = "/admin/v1/apps/notes/keys/rotate";

async function post(test: TestService, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await test.send(path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("an action through the API is written down with the operator, the way, what was sent and the outcome", async () => {
  await withService(OPERATED, async (test) => {
    assertEquals((await post(test, ROTATE)).status, 200);
    assertEquals((await post(test, ROTATE, '{"reason":"drill"}', { "dit-via": "command" })).status, 200);
    assertEquals((await post(test, ROTATE)).body.code, "replacement_refused");
    const day = formatDay(dayOf(test.clock.seconds));
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const exported = await test.send(`/admin/v1/apps/notes/logs/${day}`, { headers });
    assertEquals([exported.status, await exported.text()], [200, ""]);
    const content = (await test.service.auditLog.latest(100)).reverse()
      .map(({ number: _n, atSeconds: _a, previous: _p, digest: _d, ...rest }) => rest);
    const operator = "token:admin";
    assertEquals(content, [
      { operator, via: "api", action: `POST ${ROTATE}` },
      { of: 1, outcome: "done" },
      // The tool asks as everybody else does: a header could not show that it is one.
      { operator, via: "api", action: `POST ${ROTATE}`, details: '{"reason":"drill"}' },
      { of: 3, outcome: "done" },
      { operator, via: "api", action: `POST ${ROTATE}` },
      { of: 5, outcome: "replacement_refused" },
      { operator, via: "api", action: `GET /admin/v1/apps/notes/logs/${day}` },
      { of: 7, outcome: "done" },
    ]);
  });
});

Deno.test("a request of an operator that is refused before its action writes nothing", async () => {
  await withService(OPERATED, async (test) => {
    const before = await snapshot(test.kv);
    const apps = "/admin/v1/apps";
    const refused: [path: string, body: string | undefined, code: string][] = [
      [ROTATE, "not JSON", "body_malformed"],
      [ROTATE, "null", "body_malformed"],
      [ROTATE, '{"why":"drill"}', "body_malformed"],
      [ROTATE, `{"reason":"${"x".repeat(301)}"}`, "body_malformed"],
      [ROTATE, `{"reason":"${"x".repeat(5_000)}"}`, "body_too_large"],
      ["/admin/v1/keys/reseal", "[]", "body_malformed"],
      ["/admin/v1/audit", "[]", "body_malformed"],
      ["/admin/v1/audit", `{"reason":"${"x".repeat(5_000)}"}`, "body_too_large"],
      [`${apps}/notes/keys/revoke`, " ".repeat(1_025), "body_too_large"],
      [`${apps}/notes/releases/2027-01-05`, " ".repeat(1_025), "body_too_large"],
      [`${apps}/none/keys/rotate`, undefined, "app_unknown"],
      [`${apps}/notes/keys/revoke`, undefined, "body_malformed"],
      [`${apps}/notes/keys/revoke`, '{"epoch":1,"through-generation":1000001}', "body_malformed"],
      [`${apps}/notes/releases/2027-1-5`, "{}", "route_unknown"],
      [`${apps}/notes/releases/2027-01-05`, undefined, "body_malformed"],
      [`${apps}/none/releases/2027-01-05`, "{}", "app_unknown"],
      [`${apps}/notes/risk/lift`, `{"event":"app_opened","reason":"${"x".repeat(501)}"}`, "body_malformed"],
      [`${apps}/notes/risk/lift`, '{"event":"none","reason":"x"}', "stop_unknown"],
    ];
    for (const [path, body, code] of refused) {
      assertEquals((await post(test, path, body)).body.code, code, `${path} ${body}`);
    }
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("an unknown application is refused as that on every route of operators, whatever else is wrong", async () => {
  await withService(OPERATED, async (test) => {
    const ofApplications = OPERATIONS.filter(({ path }) => path.startsWith("/admin/v1/apps/:app/"));
    assert(ofApplications.length > 7);
    for (const { method, path } of ofApplications) {
      for (const day of ["2027-01-05", "2027-1-5"]) {
        for (const body of method === "GET" ? [undefined] : [undefined, "not JSON", '{"more":1}']) {
          const to = path.replace(":app", "none").replace(":day", day);
          const answer = method === "GET"
            ? await (await test.send(to, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json()
            : (await post(test, to, body)).body;
          assertEquals(answer.code, "app_unknown", `${method} ${to} ${body}`);
        }
      }
    }
  });
});

Deno.test("an audit is written down with its reason, where one is sent", async () => {
  await withService(OPERATED, async (test) => {
    const action = "POST /admin/v1/audit";
    for (const body of [undefined, '{"reason":"drill"}']) {
      assertEquals((await post(test, "/admin/v1/audit", body)).status, 200);
    }
    const content = (await test.service.auditLog.latest(100)).reverse()
      .map(({ number: _n, atSeconds: _a, previous: _p, digest: _d, ...rest }) => rest);
    assertEquals(content, [
      { operator: "token:admin", via: "api", action },
      { of: 1, outcome: "done" },
      { operator: "token:admin", via: "api", action, details: '{"reason":"drill"}' },
      { of: 3, outcome: "done" },
    ]);
  });
});
