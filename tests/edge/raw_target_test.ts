/** Hosts and targets as no client writes them, over sockets: what the runtime makes of them, and what becomes of that. */
import { assert, assertEquals } from "@std/assert";
import http2 from "node:http2";
import { sendRaw } from "../support/http/raw_http.ts";
import { snapshot } from "../support/service/service.ts";
import { withSocket } from "../support/service/socket.ts";
import { tokenDigest } from "../../edge/auth/bearer.ts";

const TOKEN = "an-admin-token-of-tests";
/** A service whose operators have a host of their own. */
const OPTIONS = {
  operators: { adminTokenSha256: tokenDigest(TOKEN) },
  settings: { adminHost: "admin.internal" },
};
const KEYS = "/v1/apps/notes/keys";
const ADMIN = "/admin/v1/keys";

/** Sends a GET; gives its status and the code of its refusal. */
async function get(port: number, target: string, ...hosts: string[]): Promise<string> {
  const fields = [
    `Authorization: Bearer ${TOKEN}`,
    "Connection: close",
    ...hosts.map((host) => `Host: ${host}`),
  ];
  const { status, headers, body } = await sendRaw(
    port,
    [`GET ${target} HTTP/1.1`, ...fields, "", ""].join("\r\n"),
  );
  const isProblem = headers.get("content-type") === "application/problem+json";
  return isProblem ? `${status} ${JSON.parse(body).code}` : `${status}`;
}

Deno.test("Over HTTP/1.1 the operator's host cannot be made up by a Host field or a target", async () => {
  await withSocket(async (test, port) => {
    assertEquals(await get(port, ADMIN, "admin.internal"), "200");
    assertEquals(await get(port, KEYS, "telemetry.example"), "200");
    const before = await snapshot(test.kv);
    // The host of everybody, which a proxy lets through, with the operator's in it.
    for (
      const host of [
        `admin.internal${ADMIN}#`,
        `admin.internal${ADMIN}?`,
        `admin.internal\\admin\\v1\\keys#`,
        "telemetry.example@admin.internal",
        "telemetry.example:80@admin.internal",
        "admin.internal/",
        "admin.internal#",
        "admin.internal?",
        "admin.internal,telemetry.example",
        "admin.internal telemetry.example",
        "%61dmin.internal",
        "admin.internal:",
        "",
      ]
    ) {
      for (const target of [KEYS, ADMIN]) {
        assertEquals(await get(port, target, host), "400 target_malformed", `${host} ${target}`);
      }
    }
    for (
      const target of [
        `http://admin.internal${ADMIN}`,
        `HTTP://ADMIN.INTERNAL${ADMIN}`,
        `https://admin.internal${ADMIN}`,
        `http://u:p@admin.internal${ADMIN}`,
        `http://telemetry.example@admin.internal${ADMIN}`,
        `http://admin.internal:80${ADMIN}`,
        `ftp://admin.internal${ADMIN}`,
        `http://telemetry.example.admin.internal${ADMIN}`,
        `${KEYS}#x`,
      ]
    ) assertEquals(await get(port, target, "telemetry.example"), "400 target_malformed", target);
    // The runtime itself answers these, without a body.
    for (const target of ["*", "admin/v1/keys", "http:admin", "\\admin\\v1\\keys", "admin.internal:80"]) {
      assertEquals(await get(port, target, "telemetry.example"), "400", target);
    }
    assertEquals(await get(port, ADMIN, "telemetry.example", "admin.internal"), "400");
    assertEquals(await get(port, ADMIN, "telemetry.example"), "404 route_unknown");
    // Without a Host field the runtime names localhost, which is not the operator's host.
    assertEquals(await get(port, ADMIN), "404 route_unknown");
    assertEquals(await snapshot(test.kv), before);
  }, OPTIONS);
});

Deno.test("Over HTTP/1.1 no spelling but its own leads to a route", async () => {
  await withSocket(async (test, port) => {
    const before = await snapshot(test.kv);
    for (
      const target of [
        "//admin/v1/keys",
        "/./admin/v1/keys",
        "/x/../admin/v1/keys",
        "/admin/./v1/keys",
        "/admin//v1/keys",
        "/admin/v1/keys/..",
        "/x/%2e%2e/admin/v1/keys",
        "/x/%2E./admin/v1/keys",
        "/%61dmin/v1/keys",
        "/admin%2fv1/keys",
        "/x\\..\\admin/v1/keys",
        "/admin\\v1\\keys",
        "/\\admin/v1/keys",
        "/admin/v1/k\u00e9ys",
        "/admin/v1/keys%00",
      ]
    ) assertEquals(await get(port, target, "admin.internal"), "404 route_unknown", target);
    for (const path of ["/v1/apps/notes/./keys", "/v1//apps/notes/keys", "/v1/apps/x/../notes/keys"]) {
      assertEquals(await get(port, path, "telemetry.example"), "404 route_unknown", path);
    }
    assertEquals(await snapshot(test.kv), before);
  }, OPTIONS);
});

Deno.test("Over HTTP/2 :authority counts, and a Host field beside it has to be the same", async () => {
  await withSocket(async (_test, port) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const statusOf = (fields: Record<string, string>) =>
      new Promise<string>((resolve) => {
        const request = session.request({ ":path": ADMIN, authorization: `Bearer ${TOKEN}`, ...fields });
        let body = "";
        request.setEncoding("utf8");
        let status = "no answer";
        request.on("response", (head) => status = `${head[":status"]}`);
        request.on("data", (text) => body += text);
        request.on("error", () => resolve("reset"));
        request.on("end", () => resolve(status === "200" ? status : `${status} ${JSON.parse(body).code}`));
        request.end();
      });
    const admin = "admin.internal";
    assertEquals(await statusOf({ ":authority": admin }), "200");
    assertEquals(await statusOf({ ":authority": admin, host: admin }), "200");
    assertEquals(await statusOf({ ":authority": "telemetry.example" }), "404 route_unknown");
    const mismatches = [
      { ":authority": "telemetry.example", host: admin },
      { ":authority": admin, host: "telemetry.example" },
      { ":authority": `telemetry.example@${admin}` },
    ];
    for (const fields of mismatches) assertEquals(await statusOf(fields), "400 target_malformed");
    for (
      const path of ["//admin/v1/keys", "/x/../admin/v1/keys", "/%61dmin/v1/keys", `http://${admin}${ADMIN}`]
    ) {
      assertEquals(await statusOf({ ":authority": admin, ":path": path }), "404 route_unknown", path);
    }
    // No authority at all: the stream is reset.
    assert(["reset", "400 target_malformed"].includes(await statusOf({ ":authority": `${admin}/admin#` })));
    await new Promise<void>((resolve) => session.close(() => resolve()));
  }, OPTIONS);
});

Deno.test("Development answers to a name of this machine alone, whoever leads another one here", async () => {
  await withSocket(async (test, port) => {
    const before = await snapshot(test.kv);
    const signIn = async (host: string) => {
      const body = '{"client":"alice"}';
      const { status } = await sendRaw(
        port,
        `POST /dev/session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return status;
    };
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      assertEquals([await signIn(host), await get(port, "/dev/store", host)], [200, "200"], host);
    }
    for (const host of [`rebound.example:${port}`, "localhost.example", "10.1.2.3", "0.0.0.0"]) {
      assertEquals(
        [await signIn(host), await get(port, "/dev/store", host)],
        [404, "404 route_unknown"],
        host,
      );
    }
    assertEquals(
      await get(port, `http://localhost:${port}/dev/store`, "rebound.example"),
      "400 target_malformed",
    );
    assertEquals(await snapshot(test.kv), before);
  }, { development: true });
});
