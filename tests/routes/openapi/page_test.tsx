import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OPERATIONS } from "../../../edge/operations/index.ts";
import { SECURITY } from "../../../edge/operations/operation.ts";
import { ApiPage } from "../../../routes/openapi/page.tsx";
import { OPERATED } from "../../support/browser/console_browser.ts";
import { withService } from "../../support/service/service.ts";

Deno.test("the API page is open to everybody, without anything inline, and asks nobody else for anything", async () => {
  await withService({}, async (test) => {
    const response = await test.send("/openapi");
    const page = await response.text();
    assertEquals([response.status, response.headers.get("cache-control")], [200, "public, max-age=300"]);
    assertEquals(
      response.headers.get("content-security-policy"),
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    assert(page.startsWith("<!DOCTYPE html>"));
    assert(!/<script(?! src="\/openapi\.js"><\/script>)|<style| style=| on[a-z]+=/.test(page));
    for (const [, url = ""] of page.matchAll(/(?:src|href)="([^"]*)"/g)) {
      assert(/^(?:data:,$|\/openapi\.(?:css|js|json)$)/.test(url), url);
    }
    for (const { method, path, summary } of OPERATIONS.filter(({ tag }) => tag === "Clients")) {
      const written = `<li><code>${method} ${path.replace(":app", "{app}")}</code> ${summary}</li>`;
      assertStringIncludes(page, written);
    }
    // Without operators there are no routes for them, and none are described.
    assert(!page.includes("/admin/"));
    const posted = await test.send("/openapi", { method: "POST" });
    assertEquals(posted.status, 405);
    await posted.body?.cancel();
  });
});

Deno.test("the API page's viewer comes from its package, and its own part behind it", async () => {
  await withService({}, async (test) => {
    const style = await test.send("/openapi.css");
    assertEquals([style.status, style.headers.get("content-type")], [200, "text/css; charset=utf-8"]);
    const rules = await style.text();
    assert(!/@import|url\((?!["']?data:)/.test(rules));
    assertStringIncludes(rules, ".swagger-ui .opblock");
    const script = await test.send("/openapi.js");
    assertEquals([script.status, script.headers.get("content-type")], [
      200,
      "text/javascript; charset=utf-8",
    ]);
    const text = await script.text();
    assertStringIncludes(text, "SwaggerUIBundle=");
    // The viewer would ask a validator of its makers about the document.
    assertStringIncludes(text.slice(-1_500), "validatorUrl: null");
    for (const { headers } of [style, script]) {
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("set-cookie"), null);
      assertEquals(headers.get("cache-control"), "public, max-age=86400");
    }
  });
});

Deno.test("the API page's document has the routes of operators where there are some", async () => {
  const pathsOf = async (operated: boolean) => {
    let paths: string[] = [];
    await withService(operated ? OPERATED : {}, async (test) => {
      paths = Object.keys((await (await test.send("/openapi.json")).json()).paths);
    });
    return paths;
  };
  assert(!(await pathsOf(false)).some((path) => path.startsWith("/admin/")));
  assert((await pathsOf(true)).includes("/admin/v1/trail"));
});

Deno.test("names and values with HTML in them are shown as text on the API page", () => {
  const HTML = `<img src=x onerror="alert(1)">'"&`;
  const ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&quot;&amp;";
  const operation = { operationId: HTML, tags: [HTML], summary: HTML, security: [], responses: {} };
  const document = {
    openapi: "3.1.0",
    info: { title: HTML, version: HTML, description: HTML, license: { name: HTML, identifier: HTML } },
    tags: [{ name: HTML, description: HTML }],
    paths: { [HTML]: { get: operation } },
    components: { securitySchemes: SECURITY },
  };
  const page = String(<ApiPage document={document} />);
  assert(!page.includes("<img"), "HTML went through");
  assertEquals(page.split(ESCAPED).length, 7);
});
