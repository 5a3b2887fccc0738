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
      "default-src 'none'; style-src 'self'; img-src data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    assert(page.startsWith("<!DOCTYPE html>"));
    assert(!/<script|<style| style=| on[a-z]+=/.test(page));
    for (const [, url = ""] of page.matchAll(/(?:src|href)="([^"]*)"/g)) {
      assert(/^(?:data:,$|\/openapi\.(?:css|json)$)/.test(url), url);
    }
    for (const { method, path, summary } of OPERATIONS.filter(({ tag }) => tag === "Clients")) {
      const written = `<summary><code>${method} ${path.replace(":app", "{app}")}</code> ${summary}</summary>`;
      assertStringIncludes(page, written);
    }
    // Without operators there are no routes for them, and none are described.
    assert(!page.includes("/admin/"));
    const posted = await test.send("/openapi", { method: "POST" });
    assertEquals(posted.status, 405);
    await posted.body?.cancel();
  });
});

Deno.test("the API page's style asks nobody else, and is kept for a day", async () => {
  await withService({}, async (test) => {
    const style = await test.send("/openapi.css");
    assertEquals([style.status, style.headers.get("content-type")], [200, "text/css; charset=utf-8"]);
    assert(!/@import|url\(/.test(await style.text()));
    assertEquals(style.headers.get("x-content-type-options"), "nosniff");
    assertEquals(style.headers.get("set-cookie"), null);
    assertEquals(style.headers.get("cache-control"), "public, max-age=86400");
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
