import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Refusal } from "../../core/base/errors.ts";
import { kindOf } from "../../edge/strip.ts";
import { readTarget } from "../../edge/target.ts";

/** A request as the runtime hands it over: it writes the Host field before the target, whatever they are. */
function received(
  target: string,
  host: string | null,
  url = `http://${host ?? "x.example"}${target}`,
): Request {
  const headers = new Map(host === null ? [] : [["host", host]]);
  return { url, headers: { get: (name: string) => headers.get(name) ?? null } } as Request;
}

/** What becomes of it: its host and path, or the code of its refusal. */
function outcome(request: Request): string {
  try {
    const { hostname, pathname } = readTarget(request);
    return `${hostname} ${pathname}`;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

Deno.test("readTarget() gives host and path of what is plain", () => {
  const plain = [
    ["/v1/apps/demo/logs", "x.example", "x.example /v1/apps/demo/logs"],
    ["/", "X.Example:8443", "x.example /"],
    ["/a", "dit_service:80", "dit_service /a"],
    ["/a", "127.0.0.1:8000", "127.0.0.1 /a"],
    ["/a", "[::1]:8000", "[::1] /a"],
    ["/a-b_c.d~e;f=g/$,:@!'()*+", "x", "x /a-b_c.d~e;f=g/$,:@!'()*+"],
    ["/a?b/../%2e", "x", "x /a"],
    ["/...", "x", "x /..."],
  ] as const;
  for (const [target, host, seen] of plain) assertEquals(outcome(received(target, host)), seen);
  // HTTP/2 has an :authority and no Host field.
  assertEquals(outcome(received("/a", null, "https://h2.example/a")), "h2.example /a");
  // An absolute target that names the same host asks for the same (RFC 9112, 3.2.2).
  assertEquals(outcome(received("", "x.example", "HTTP://X.example/a")), "x.example /a");
});

Deno.test("readTarget() refuses a Host field that is more than a host", () => {
  const hosts = [
    "admin.internal/admin/v1/keys#",
    "admin.internal\\admin#",
    "admin/",
    "admin?",
    "admin#x",
    "user@admin",
    "user:word@admin",
    "@admin",
    "",
    " ",
    "a b",
    "a\tb",
    "a,b",
    "a;b",
    "a|b",
    "%61dmin",
    "a%2fb",
    "ädmin",
    "a\u00adb",
    "[::1",
    "::1",
    "[::1%25lo]",
    "[]",
    "[v1.a]",
    ":80",
    "x:",
    "x:1:2",
    "x:99999",
    "x:1000000",
    "x:8a",
    "x:+1",
    "xn--",
    "256.1.1.1",
  ];
  for (const host of hosts) {
    const url = `http://${host === "" ? "localhost:8000" : host}/v1/apps/demo/keys`;
    assertEquals(outcome(received("", host, url)), "target_malformed", host);
  }
});

Deno.test("readTarget() refuses a target for another host than the Host field's, and one that is no path", () => {
  const urls = [
    "http://admin.internal/admin/v1/keys",
    "https://admin.internal:444/admin",
    "http://x.example:80/a",
    "http://u:p@x.example/a",
    "http://x.example",
    "http://x.example?q",
    "ftp://x.example/a",
    "http://x.example#/a",
    "http:/x.example/a",
    "x.example",
    "",
    "*",
    "http://x.example/a#b",
    "http://x.example/a?b#c",
  ];
  for (const url of urls) assertEquals(outcome(received("", "x.example", url)), "target_malformed", url);
});

Deno.test("readTarget() knows one spelling of a path", () => {
  const paths = [
    "//admin/v1/keys",
    "/a//b",
    "/a//",
    "/./a",
    "/a/./b",
    "/a/.",
    "/a/..",
    "/../admin",
    "/a/../admin/v1/keys",
    "/a/%2e%2e/admin",
    "/a/%2E./admin",
    "/%61dmin/v1/keys",
    "/admin%2fv1",
    "/admin%",
    "/%00",
    "/\\admin",
    "/a\\..\\admin",
    "/admin\\v1/keys",
    "/ädmin",
    "/a b",
    "/a\tdmin",
    '/a"',
    "/a<b>",
    "/a{b}",
    "/a`b",
  ];
  for (const path of paths) assertEquals(outcome(received(path, "x.example")), "route_unknown", path);
});

Deno.test("readTarget() never lets a host or a path through that another reader sees differently", () => {
  const piece = fc.constantFrom(
    ..."admin.internal / // \\ . .. %2e %2F # ? @ : ; a console [ ] ::1 80 \u00e9 ~ & = *".split(" "),
    " ",
    "\t",
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, text, (host, rest) => {
      const request = received(`/${rest}`, host);
      let url: URL;
      try {
        url = readTarget(request);
      } catch (error) {
        if (error instanceof Refusal) return;
        throw error;
      }
      const [path = ""] = `/${rest}`.split("?", 1);
      assertEquals(url.pathname, path);
      assertEquals(decodeURIComponent(url.pathname), path);
      assertEquals(kindOf(url.pathname), kindOf(path));
      assertEquals(url.username + url.password + url.hash, "");
      assertEquals(new URL(`http://${host}`).hostname, url.hostname);
    }),
    { numRuns: 2_000 },
  );
});
