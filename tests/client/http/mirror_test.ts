import { assertEquals, assertThrows } from "@std/assert";
import { askMirror, mirrorAt } from "../../../client/http/mirror.ts";
import { DitClient } from "../../../client/mod.ts";
import { surroundings } from "../../support/client/client_surroundings.ts";

Deno.test("mirrorAt() finds the schema beside the directory", () => {
  const pairs = {
    "https://mirror.example/v1/apps/notes/keys": "https://mirror.example/v1/apps/notes/schema",
    "https://mirror.example/v1/apps/notes/keys/": "https://mirror.example/v1/apps/notes/schema",
    "https://static.example/dit/keys.json": "https://static.example/dit/schema.json",
    "https://keys.example/keys/notes-keys.json": "https://keys.example/keys/notes-schema.json",
    "http://localhost:8000/keys": "http://localhost:8000/schema",
  };
  for (const [keys, schema] of Object.entries(pairs)) {
    assertEquals(mirrorAt(keys), { keys: keys.replace(/\/$/, ""), schema });
  }
});

Deno.test("a client's mirror that is no place of two documents is an error of its author", () => {
  const faulty = [
    "mirror.example/keys",
    "http://mirror.example/keys",
    "https://mirror.example/keys?version=2",
    "https://mirror.example/keys#new",
    "https://me@mirror.example/keys",
    "https://mirror.example/directory.json",
    "https://mirror.example/keys/notes.json",
    "https://keys.example",
    "https://keys.example/",
  ];
  for (const mirror of faulty) {
    assertThrows(() => mirrorAt(mirror), TypeError, undefined, mirror);
    const parts = { endpoint: "https://telemetry.example", app: "notes", session: () => Promise.resolve("") };
    assertThrows(() => new DitClient({ ...parts, mirror }), TypeError, undefined, mirror);
  }
});

Deno.test("askMirror() hands over the text, and takes what cannot be had or read for no mirror", async () => {
  const ask = (response: () => Response, faultOf: (text: string) => "mirror_conflict" | undefined) =>
    askMirror(
      surroundings({ fetch: () => Promise.resolve(response()) }).network,
      "https://m.example/keys",
      faultOf,
    );
  const heard: string[] = [];
  const hear = (text: string) => void heard.push(text);
  assertEquals(await ask(() => new Response("a"), (text) => (hear(text), undefined)), undefined);
  assertEquals(await ask(() => new Response("b"), () => "mirror_conflict"), "mirror_conflict");
  const fails = () => {
    throw new Error("not read");
  };
  assertEquals(await ask(() => new Response("c"), fails), "mirror_unavailable");
  assertEquals(await ask(() => new Response("d", { status: 404 }), () => undefined), "mirror_unavailable");
  assertEquals(await ask(() => new Response(" ".repeat(600_000)), () => undefined), "mirror_unavailable");
  assertEquals(heard, ["a"]);
});
