import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseDirectory } from "../../../client/http/directory.ts";
import { plainEndpoint } from "../../../client/http/endpoint.ts";
import { type Endpoints, Places } from "../../../client/http/places.ts";

/** The examples of docs/protocol.md, section 7. */
async function examples(): Promise<{ endpoint: string; named: string; outcome: string }[]> {
  const page = await Deno.readTextFile(new URL("../../../docs/protocol.md", import.meta.url));
  const rows = page.matchAll(/^\| `(https?:[^`]+)` +\| `(https?:[^`]+)` +\| ([^|]+?) +\|$/gm);
  return [...rows].map(([, endpoint = "", named = "", outcome = ""]) => ({ endpoint, named, outcome }));
}

function read(named: string) {
  const members = { issuer: "x", app: "notes", region: "local", "epoch-seconds": 60, "uses-per-token": 1 };
  const limits = { "max-batch": 1, "tokens-per-client": 1, "token-keys": [] };
  return parseDirectory(JSON.stringify({ ...members, ...limits, "logging-endpoint": named }), "notes");
}

Deno.test("a client goes where the protocol's examples say", async () => {
  const rows = await examples();
  assertEquals(rows.length, 20);
  for (const { endpoint, named, outcome } of rows) {
    const what = `${named} at ${endpoint}`;
    if (outcome === "refuses: malformed") {
      assertThrows(() => read(named), Error, undefined, what);
      continue;
    }
    const places = placesOf({ issue: plainEndpoint(endpoint), log: plainEndpoint(endpoint), follows: true });
    const directory = read(named);
    assertEquals(places.admits(directory), outcome === "goes there", what);
    // What is not admitted is not used either, however it came into the storage.
    const place = outcome === "goes there" ? named : plainEndpoint(endpoint);
    assertEquals(places.logging(directory), `${place}/v1/apps/notes`, what);
    assertEquals(places.issuing(directory), `${plainEndpoint(endpoint)}/v1/apps/notes`, what);
  }
});

Deno.test("no directory of a service that would tell its clients apart gives one a place of its own", () => {
  const issue = "https://telemetry.example";
  const places = placesOf({ issue, log: issue, follows: true });
  const marks = ["u4711.telemetry.example", "telemetry.example:4711", "logs.telemetry.example:4711"];
  for (const host of [...marks, "u4711.logs.telemetry.example", "logs.u4711.telemetry.example"]) {
    const named = `https://${host}`;
    for (const directory of [{ issuingEndpoint: named }, { loggingEndpoint: named }]) {
      const both = { issuingEndpoint: undefined, loggingEndpoint: undefined, ...directory };
      assertEquals(places.admits(both), false, host);
      assertEquals(
        [places.issuing(both), places.logging(both)],
        Array(2).fill(`${issue}/v1/apps/notes`),
        host,
      );
    }
  }
  // The name of one step is not the other's, so that no host but the endpoint's own gets both.
  assert(!places.admits({ issuingEndpoint: "https://logs.telemetry.example", loggingEndpoint: undefined }));
  assert(!places.admits({ issuingEndpoint: undefined, loggingEndpoint: "https://tokens.telemetry.example" }));
  const named = {
    issuingEndpoint: "https://tokens.telemetry.example",
    loggingEndpoint: `https://logs.telemetry.example`,
  };
  assert(places.admits(named));
  assertEquals(places.issuing(named), "https://tokens.telemetry.example/v1/apps/notes");
  assertEquals(places.logging(named), "https://logs.telemetry.example/v1/apps/notes");
});

function placesOf(endpoints: Endpoints): Places {
  return new Places(endpoints, "notes");
}

Deno.test("a client of two endpoints passes over what a directory says of them", () => {
  const places = placesOf({ issue: "https://tokens.example", log: "https://logs.example", follows: false });
  for (const named of ["https://logs.tokens.example", "https://evil.example", "https://a.logs.example"]) {
    const directory = { issuingEndpoint: named, loggingEndpoint: named };
    assert(places.admits(directory));
    assertEquals(places.directory, "https://tokens.example/v1/apps/notes");
    assertEquals(places.issuing(directory), "https://tokens.example/v1/apps/notes");
    assertEquals(places.logging(directory), "https://logs.example/v1/apps/notes");
  }
});

Deno.test("parseDirectory() takes origins alone as endpoints", () => {
  assertEquals(read("https://logs.example:8443").loggingEndpoint, "https://logs.example:8443");
  const faulty = [
    "",
    "logs.example",
    "//logs.example",
    "https://",
    "https://logs.example?",
    "https://logs.example#a",
    "https://logs.example:443",
    "https://logs.example/v1",
    "https://logs.example\\",
    " https://logs.example",
    "https://logs%2eexample",
    "https://[::1",
    "wss://logs.example",
    "javascript:alert(1)",
    "http://localhost.evil.example",
    "http://evil.example",
  ];
  for (const named of faulty) assertThrows(() => read(named), Error, undefined, named);
  for (const value of [null, 1, [], {}]) {
    assertThrows(() => read(value as unknown as string), Error, undefined, JSON.stringify(value));
  }
});
