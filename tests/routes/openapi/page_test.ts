import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OPERATED } from "../../support/browser/console_browser.ts";
import { withService } from "../../support/service/service.ts";

Deno.test("the API page is open to everybody, without anything inline, and asks nobody else for anything", async () => {
  await withService({}, async (test) => {
    const response = await test.send("/openapi");
    const page = await response.text();
    assertEquals(response.status, 200);
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
