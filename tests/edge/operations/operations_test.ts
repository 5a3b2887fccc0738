import { assert, assertEquals } from "@std/assert";
import { OPERATIONS, PASSAGES } from "../../../edge/operations/index.ts";
import { kindOf } from "../../../edge/strip.ts";

const filled = (path: string) => path.replace(/:[a-z]+/g, "x");

Deno.test("every operation has a method and path of its own, and is found by it", () => {
  const names = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  assertEquals(new Set(names).size, names.length);
  for (const { path, kind, passes } of OPERATIONS) {
    const found = kindOf(filled(path));
    assertEquals([found.name, found.headers], [kind, passes], path);
  }
});

Deno.test("an operation lets through what its body, its caller and its headers need, and no cookie", () => {
  for (const { path, takes, security, takesHeaders = {}, passes } of OPERATIONS) {
    const needed = [
      ...(takes === undefined ? [] : ["content-type", "content-length"]),
      ...(takes?.encodings === undefined ? [] : ["content-encoding"]),
      ...(security === undefined ? [] : ["authorization"]),
      ...Object.keys(takesHeaders).map((name) => name.toLowerCase()),
    ];
    for (const name of needed) assert(passes.includes(name), `${path} lacks ${name}`);
    for (const name of ["cookie", "host", "origin", "user-agent", "x-forwarded-for"]) {
      assert(!passes.includes(name), `${path} lets ${name} through`);
    }
  }
});

Deno.test("an operation names every part of its path, and refuses what may be wrong with its body", () => {
  for (const { path, parameters = {}, takes, refuses = [] } of OPERATIONS) {
    assertEquals(Object.keys(parameters), [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => name), path);
    if (takes === undefined) continue;
    const codes = ["body_too_large", "request_timeout", "body_malformed"] as const;
    for (const code of codes) assert(refuses.includes(code), `${path} lacks ${code}`);
    assertEquals(refuses.includes("media_type"), takes.namesType, path);
  }
});

Deno.test("only the anonymous log is anonymous, and only logs and keys hop between regions", () => {
  const kinds = (member: "anonymous" | "hop" | "query") =>
    PASSAGES.filter((passage) => passage[member] === true).map(({ path }) => path);
  assertEquals(kinds("anonymous"), ["/v1/apps/:app/logs"]);
  assertEquals(kinds("hop"), ["/v1/apps/:app/logs", "/v1/apps/:app/keys"]);
  assertEquals(kinds("query"), ["/console/sign-in/callback"]);
});
