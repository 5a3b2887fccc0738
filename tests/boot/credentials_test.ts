import { assertEquals, assertThrows } from "@std/assert";
import { withCredentials } from "../../boot/credentials.ts";
import { EnvironmentError } from "../../boot/settings.ts";

const SECRET = "a secret that no sentence may have";

function environmentOf(variables: Record<string, string>, files: Record<string, string | Error>) {
  return withCredentials((name) => variables[name], (path) => {
    const text = files[path];
    if (text instanceof Error) throw text;
    return text;
  }, (folder) => folder !== "/run/c");
}

/** The one sentence of a mistake. */
function mistakeOf(variables: Record<string, string>, files: Record<string, string | Error>): string {
  const get = environmentOf({ DIT_CREDENTIALS: "/run/c", ...variables }, files);
  const { mistakes } = assertThrows(() => get("DIT_SEAL_KEYS"), EnvironmentError) as EnvironmentError;
  assertEquals(mistakes.length, 1);
  assertEquals(mistakes[0]?.includes(SECRET), false);
  return mistakes[0] ?? "";
}

Deno.test("withCredentials() takes variables from files of the folder that DIT_CREDENTIALS names", () => {
  const get = environmentOf({ DIT_CREDENTIALS: "/run/c", DIT_KV: "kv.sqlite3", PORT: "1" }, {
    "/run/c/DIT_SEAL_KEYS": `${SECRET}\n`,
    "/run/c/DIT_SESSION_SECRET": SECRET,
    "/run/c/DENO_KV_ACCESS_TOKEN": `${SECRET}\r\n`,
    "/run/c/PORT": "2",
    "/run/c/DIT_CREDENTIALS": "/elsewhere",
  });
  for (const name of ["DIT_SEAL_KEYS", "DIT_SESSION_SECRET", "DENO_KV_ACCESS_TOKEN"]) {
    assertEquals(get(name), SECRET);
  }
  assertEquals([get("DIT_KV"), get("PORT"), get("DIT_CREDENTIALS")], ["kv.sqlite3", "1", "/run/c"]);
  assertEquals(get("DIT_READER_TOKEN_SHA256"), undefined);
});

Deno.test("withCredentials() reads no file without DIT_CREDENTIALS", () => {
  const get = withCredentials((name) => name === "DIT_KV" ? "kv" : undefined, () => {
    throw new Error("was read");
  }, () => true);
  assertEquals([get("DIT_KV"), get("DIT_SEAL_KEYS")], ["kv", undefined]);
});

Deno.test("withCredentials() says in a sentence what is wrong, and never the secret", () => {
  const path = "/run/c/DIT_SEAL_KEYS";
  assertEquals(
    mistakeOf({ DIT_SEAL_KEYS: "another" }, { [path]: SECRET }),
    "Set DIT_SEAL_KEYS once: it is in the environment, and in a file of DIT_CREDENTIALS.",
  );
  assertEquals(
    mistakeOf({ DIT_CREDENTIALS: "/nonexist" }, {}),
    "Make the folder /nonexist, or take DIT_CREDENTIALS away.",
  );
  for (const text of ["", "\n", `${SECRET}\n${SECRET}`, `${SECRET}\0`, `${SECRET}\n\n`]) {
    assertEquals(
      mistakeOf({}, { [path]: text }),
      `Put one line of text into ${path}: it is empty, or has control characters.`,
    );
  }
  assertEquals(
    mistakeOf({}, { [path]: new Deno.errors.PermissionDenied("denied") }),
    `Make ${path} readable for the service's user (PermissionDenied).`,
  );
});
