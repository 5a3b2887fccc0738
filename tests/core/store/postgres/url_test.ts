import { assertEquals, assertThrows } from "@std/assert";
import { StoreOpenError } from "../../../../core/store/open_error.ts";
import { reachesOf } from "../../../../core/store/postgres/open.ts";
import { readAddress } from "../../../../core/store/postgres/url.ts";

Deno.test("readAddress() reads every server, and what goes for all of them", () => {
  const url = "postgres://us%20er:pa%3Ass:%40@one.example:1,[::1]:2,three/data%2Fbase" +
    "?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=/a/b.pem&application_name=x";
  assertEquals(readAddress(url), {
    servers: [{ host: "one.example", port: 1 }, { host: "::1", port: 2 }, { host: "three", port: 5432 }],
    poolsTransactions: false,
    tls: { mode: "verify-full", rootFile: "/a/b.pem", certificateFile: undefined, keyFile: undefined },
    user: "us er",
    password: "pa:ss:@",
    database: "data/base",
    settings: { application_name: "x" },
  });
  assertEquals(readAddress("postgresql://"), {
    servers: [{ host: "localhost", port: 5432 }],
    poolsTransactions: false,
    tls: undefined,
    user: undefined,
    password: undefined,
    database: undefined,
    settings: {},
  });
});

Deno.test("readAddress() knows a pooler that keeps nothing of a session", () => {
  assertEquals(readAddress("postgres://host/database?pooler=transaction").poolsTransactions, true);
});

Deno.test("readAddress() refuses what it does not know in a sentence that repeats nothing of it", () => {
  for (
    const url of [
      "http://user:s3cret@host/database",
      "postgres://user:s3cret%@host/database",
      "postgres://user:s3cret@host:port/database",
      "postgres://user:s3cret@a@b/database?sslmode=s3cret",
      "postgres://user:s3cret@host/database?sslmode=prefer",
      "postgres://user:s3cret@host/database?target_session_attrs=standby",
      "postgres://user@host/database?password=s3cret",
      "postgres://user:s3cret@host/database?pooler=session",
      "postgres://user:s3cret@host/database#fragment",
    ]
  ) {
    const { message } = assertThrows(() => readAddress(url), StoreOpenError);
    assertEquals(/s3cret|host\/|user@host\/data/.test(message), false, message);
  }
});

Deno.test("reachesOf() names every server, the files of TLS, and that of passwords where one is looked for", () => {
  const reaches = (url: string, variables: Record<string, string> = {}) => {
    const { net, read } = reachesOf(url, (name) => variables[name]);
    return { net, read };
  };
  assertEquals(reaches("postgres://u@a:1,b/d?sslmode=verify-ca&sslrootcert=/r&sslcert=/c&sslkey=/k"), {
    net: ["a:1", "b:5432"],
    read: ["/r", "/c", "/k"],
  });
  assertEquals(reaches("postgres://u@[::1]/d", { HOME: "/home/u" }), {
    net: ["[::1]:5432"],
    read: ["/home/u/.pgpass"],
  });
  assertEquals(reaches("postgres://u@a/d", { HOME: "/home/u", PGPASSFILE: "/p" }).read, ["/p"]);
  assertEquals(reaches("postgres://u:p@a/d", { HOME: "/home/u", PGPASSFILE: "/p" }).read, []);
});
