import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createApp } from "../../../routes/app.ts";
import { type ApiDocument, apiDocument } from "../../../routes/openapi/document.ts";
import { ApiPage } from "../../../routes/openapi/page.tsx";
import { typeOf } from "../../../routes/openapi/shape.tsx";
import { startService } from "../../support/client/client_service.ts";
import { OPERATED } from "../../support/browser/console_browser.ts";
import { withService } from "../../support/service/service.ts";

const HTML = `<img src=x onerror="alert(1)">'"&`;
const ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&quot;&amp;";

async function documentOf(): Promise<ApiDocument> {
  const test = await startService();
  try {
    return await apiDocument(createApp({ service: test.service, adminTokenSha256: new Uint8Array(32) }));
  } finally {
    await test.close();
  }
}

/** The text of a page without its markup. */
function textOf(page: string): string {
  return page.replace(/<[^>]+>/g, " ").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replace(
    /\s+/g,
    " ",
  );
}

Deno.test("the API page has every route, its shapes, and every refusal with its status", async () => {
  const document = await documentOf();
  const page = String(<ApiPage document={document} />);
  const text = textOf(page);
  let routes = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods) as [string, Record<string, unknown>][]) {
      assertStringIncludes(text, `${method.toUpperCase()} ${path}`);
      assertStringIncludes(text, `${operation.summary}.`);
      routes++;
      for (const [status, response] of Object.entries(operation.responses as Record<string, unknown>)) {
        const { content } = response as { content?: Record<string, { schema?: unknown }> };
        const problem = content?.["application/problem+json"]?.schema as
          | { properties: { code: { enum: string[] } } }
          | undefined;
        for (const code of problem?.properties.code.enum ?? []) {
          assertStringIncludes(page, `id="refusal-${code}"><td>${status}</td>`);
        }
      }
    }
  }
  assert(routes > 20);
  assertStringIncludes(text, "at may be left out, date-time");
  assertStringIncludes(text, "events list of 1 to 100 of: object");
  // Every link within the page leads somewhere, and nowhere twice.
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  assertEquals(new Set(ids).size, ids.length);
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) assert(ids.includes(id!), id);
});

Deno.test("the API page names what every route may refuse with once, and not at each route", async () => {
  const page = String(<ApiPage document={await documentOf()} />);
  for (const code of ["store_unavailable", "overloaded", "query_refused"]) {
    assertEquals(page.split(`href="#refusal-${code}"`).length, 1, code);
    assert(new RegExp(`id="refusal-${code}">.*?any route</td>`).test(page), code);
  }
  assert(page.split('href="#refusal-mac_invalid"').length > 2);
});

Deno.test("names and values with HTML in them are shown as text on the API page", () => {
  const document = {
    openapi: "3.1.0",
    info: { title: HTML, version: HTML, description: HTML },
    tags: [{ name: HTML, description: HTML }],
    components: { securitySchemes: { [HTML]: { description: HTML } } },
    paths: {
      [HTML]: {
        get: {
          operationId: HTML,
          tags: [HTML],
          summary: HTML,
          description: `${HTML}\`${HTML}\``,
          security: [{ [HTML]: [] }],
          parameters: [{ in: "header", name: HTML, description: HTML }],
          requestBody: {
            description: HTML,
            content: {
              [HTML]: {
                schema: {
                  type: "object",
                  properties: {
                    [HTML]: { type: HTML, description: HTML, pattern: HTML },
                    b: { const: HTML },
                  },
                },
              },
            },
          },
          responses: { 200: { description: HTML, headers: { [HTML]: { description: HTML } } } },
        },
      },
    },
  } as unknown as ApiDocument;
  const page = String(<ApiPage document={document} />);
  assert(!page.includes("<img"), "HTML went through");
  assert(page.split(ESCAPED).length > 25);
});

Deno.test("the API page is open to everybody, without a script, and asks nobody else for anything", async () => {
  await withService({}, async (test) => {
    const response = await test.send("/openapi");
    const page = await response.text();
    assertEquals(response.status, 200);
    assertEquals(
      response.headers.get("content-security-policy"),
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    assert(page.startsWith("<!DOCTYPE html>"));
    assert(!/<script|<style| style=| on[a-z]+=/.test(page));
    for (const [, url] of page.matchAll(/(?:src|href)="([^"]*)"/g)) {
      assert(/^(?:#|data:,$|\/openapi(?:\.css|\.json)?$)/.test(url!), url);
    }
    // Without operators there are no routes for them, and none are described.
    assert(!page.includes("/admin/"));
    const style = await test.send("/openapi.css");
    assertEquals([style.status, style.headers.get("content-type")], [200, "text/css; charset=utf-8"]);
    assert(!/@import|url\(/.test(await style.text()));
    const posted = await test.send("/openapi", { method: "POST" });
    assertEquals(posted.status, 405);
    await posted.body?.cancel();
  });
  await withService(OPERATED, async (test) => {
    assertStringIncludes(await (await test.send("/openapi")).text(), "/admin/v1/trail");
  });
});

Deno.test("typeOf() says a type in a few words", () => {
  assertEquals(
    typeOf({ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    "integer from 0 up",
  );
  assertEquals(typeOf({ type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: 5 }), "integer up to 5");
  assertEquals(typeOf({ type: "number", exclusiveMinimum: 0 }), "number above 0");
  assertEquals(typeOf({ enum: ["open", "stopped"] }), '"open" or "stopped"');
  assertEquals(
    typeOf({ type: "array", items: { type: "string" }, minItems: 1 }),
    "list of 1 or more of: string",
  );
  assertEquals(typeOf({ type: "object", additionalProperties: { type: "boolean" } }), "object of: boolean");
  assertEquals(
    typeOf({ anyOf: [{ type: "string" }, { type: "null" }, { type: "string" }] }),
    "string or null",
  );
  assertEquals(typeOf({}), "anything");
});
