import { assert, assertEquals, assertRejects } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Hono } from "hono";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import { createApp } from "../../../routes/app.ts";
import { type ApiDocument, apiDocument } from "../../../routes/openapi/document.ts";
import { present } from "../../support/base/present.ts";
import { startService } from "../../support/client/client_service.ts";
import { DocumentCheck } from "../../support/http/hold_to_document.ts";

const ROOT = new URL("../../../", import.meta.url);
/** Routes for people and for development, which the document does not describe. */
const NOT_DESCRIBED = /^\/(?:console|dev|examples|openapi)/;
/** Codes that only a page of the console is refused with. */
const OF_THE_CONSOLE = ["console_session_invalid", "request_forged"];

interface Responses {
  [status: string]: { content?: Record<string, { schema?: Record<string, unknown> }> };
}

async function withDocument(body: (document: ApiDocument, app: Hono) => Promise<void> | void): Promise<void> {
  const test = await startService();
  try {
    const app = createApp({
      version: "0.0.0",
      service: test.service,
      operatorTokens: { admin: new Uint8Array(32) },
    });
    await body(await apiDocument(app), app);
  } finally {
    await test.close();
  }
}

function operationsOf(document: ApiDocument): [name: string, responses: Responses][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Responses] => [
      `${method.toUpperCase()} ${path}`,
      (operation as { responses: Responses }).responses,
    ])
  );
}

/** Every status with its codes in a set of responses. */
function refusalsOf(responses: Responses): [status: number, code: string][] {
  return Object.entries(responses).flatMap(([status, { content }]) => {
    const schema = content?.["application/problem+json"]?.schema as
      | { properties: { code: { enum: string[] } } }
      | undefined;
    return (schema?.properties.code.enum ?? []).map((code): [number, string] => [Number(status), code]);
  });
}

/** The statuses and codes in the table of docs/protocol.md, section 6. */
async function tableOfProtocol(): Promise<[status: number, code: string][]> {
  const section = (await Deno.readTextFile(new URL("docs/protocol.md", ROOT))).split(/^## /m)
    .find((part) => part.startsWith("6. Answers"))!;
  return [...section.matchAll(/^\| ([0-9, ]+?) *\| ([a-z_,; ]+?) *\|/gm)].flatMap(([, statuses, codes]) => {
    const numbers = statuses!.split(", ").map(Number);
    // `404, 405 | app_unknown, route_unknown; method_not_allowed`: as many lists of codes as there are statuses.
    const lists = numbers.length === 1 ? [codes!.replaceAll(";", ",")] : codes!.split(";");
    assertEquals(lists.length, numbers.length, codes);
    return lists.flatMap((list, index) =>
      list.split(",").map((code): [number, string] => [numbers[index]!, code.trim()])
    );
  });
}

Deno.test("the OpenAPI document describes every route, and no other", async () => {
  await withDocument((document, app) => {
    const routes = new Set(
      app.routes.filter(({ method, path }) => method !== "ALL" && !NOT_DESCRIBED.test(path))
        .map(({ method, path }) => `${method} ${path.replace(/:([a-z]+)/g, "{$1}")}`),
    );
    assertEquals(new Set(operationsOf(document).map(([name]) => name)), routes);
    assert(routes.size > 10);
  });
});

Deno.test("the OpenAPI document has every status and code of the protocol's table", async () => {
  const table = await tableOfProtocol();
  assert(table.length >= 27, `${table.length} codes were found in the table`);
  await withDocument((document) => {
    const described = new Set(
      operationsOf(document).flatMap(([, responses]) => refusalsOf(responses)).map(String),
    );
    for (const row of table) assert(described.has(String(row)), `${row} is not in the document`);
    for (const [status, code] of table) {
      assertEquals(PROBLEMS[code as keyof typeof PROBLEMS][0], status, code);
    }
  });
});

Deno.test("the OpenAPI document knows every code that the service has", async () => {
  await withDocument((document) => {
    const described = new Set(
      operationsOf(document).flatMap(([, responses]) => refusalsOf(responses).map(([, code]) => code)),
    );
    assertEquals(Object.keys(PROBLEMS).filter((code) => !described.has(code)), OF_THE_CONSOLE);
  });
});

Deno.test("the OpenAPI document's schemas are JSON Schema, and its operations are complete", async () => {
  await withDocument((document) => {
    assertEquals(document.openapi, "3.1.0");
    const ajv = new Ajv2020({ strict: true, validateFormats: false, allowUnionTypes: true });
    for (const [name, responses] of operationsOf(document)) {
      assert("200" in responses, name);
      for (const { content } of Object.values(responses)) {
        for (const { schema } of Object.values(content ?? {})) {
          if (schema !== undefined) ajv.compile(schema);
        }
      }
    }
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        assert(operation.summary !== "", `${method} ${path}`);
        const [scheme] = Object.keys(operation.security[0] ?? {});
        assert(scheme === undefined || scheme in document.components.securitySchemes, scheme);
      }
    }
  });
});

Deno.test("the OpenAPI document tells of too large a body and of a late one where there is a body", async () => {
  await withDocument((document) => {
    const withoutOne = Object.values(document.paths).flatMap((methods) => Object.values(methods))
      .filter(({ requestBody }) => requestBody === undefined);
    assert(withoutOne.length > 10);
    for (const { operationId, responses } of withoutOne) {
      assert(!("413" in responses) && !("408" in responses) && !("415" in responses), operationId);
    }
    assert("413" in present(document.paths["/admin/v1/audit"]?.post).responses);
  });
});

Deno.test("/openapi.json serves the document", async () => {
  const test = await startService();
  try {
    const response = await test.fetch("https://telemetry.example/openapi.json", {});
    assertEquals(response.status, 200);
    const document = await response.json();
    assert("/v1/apps/{app}/logs" in document.paths);
    // Without an admin token there are no routes for operators, and none are described.
    assert(!Object.keys(document.paths).some((path) => path.startsWith("/admin")));
  } finally {
    await test.close();
  }
});

Deno.test("DocumentCheck.hold() lets no answer pass that the document does not have", async () => {
  await withDocument(async (_document, app) => {
    const check = await DocumentCheck.of(app);
    const request = new Request("https://telemetry.example/v1/apps/demo/logs", { method: "POST" });
    const problem = (status: number, code: string) =>
      Response.json({ type: "about:blank", title: "-", detail: "-", status, code }, {
        status,
        headers: { "content-type": "application/problem+json" },
      });
    await check.hold(request, problem(409, "use_taken"));
    await check.hold(request, Response.json({ accepted: 1, rejected: [] }));
    assertEquals([...check.seen], [
      "POST /v1/apps/{app}/logs 409 use_taken",
      "POST /v1/apps/{app}/logs 200",
    ]);
    for (
      const answer of [
        problem(409, "quota_exhausted"),
        problem(418, "use_taken"),
        problem(401, "session_invalid"),
        Response.json({ accepted: "1", rejected: [] }),
        Response.json({ accepted: 1, rejected: [], more: true }),
        Response.json({ outcomes: [] }),
        Response.json({ outcomes: [{ accepted: 1, rejected: [] }] }),
        Response.json({ accepted: 1, rejected: [{ index: 0, code: "made_up", path: "name" }] }),
        new Response("accepted"),
        new Response(null, { status: 204 }),
      ]
    ) {
      await assertRejects(() => check.hold(request, answer));
    }
    const unknown = new Request("https://telemetry.example/v2/anything");
    await check.hold(unknown, problem(404, "route_unknown"));
    await assertRejects(() => check.hold(unknown, Response.json({})));
  });
});
