import { assertEquals } from "@std/assert";
import { type ListenAddress, readOperatorsListener, urlOf } from "../../boot/operators_listener.ts";

function read(
  variables: Record<string, string>,
  onPlatform = false,
): [address: ListenAddress | undefined, mistakes: string[]] {
  const mistakes: string[] = [];
  return [readOperatorsListener((name) => variables[name], onPlatform, mistakes), mistakes];
}

Deno.test("readOperatorsListener() has none unless told, and then only this machine reaches it", () => {
  assertEquals(read({}), [undefined, []]);
  assertEquals(read({ DIT_ADMIN_PORT: "8001" }), [{ port: 8001, host: "127.0.0.1" }, []]);
  assertEquals(read({ DIT_ADMIN_PORT: "8001", HOST: "0.0.0.0" })[0]?.host, "127.0.0.1");
  for (const host of ["0.0.0.0", "10.1.2.3", "::1", "::"]) {
    assertEquals(read({ DIT_ADMIN_PORT: "0", DIT_ADMIN_ADDRESS: host }), [{ port: 0, host }, []]);
  }
});

Deno.test("readOperatorsListener() has a sentence for every mistake", () => {
  const mistakes = (variables: Record<string, string>) => read(variables)[1];
  for (const port of ["", "x", "-1", "65536", "80.5", " 80", "0x50"]) {
    assertEquals(
      mistakes({ DIT_ADMIN_PORT: port }),
      ["Set DIT_ADMIN_PORT to a number from 0 to 65535."],
      port,
    );
  }
  const other = ["Set DIT_ADMIN_PORT to another port than PORT, or leave it out."];
  assertEquals(mistakes({ DIT_ADMIN_PORT: "8000" }), other);
  assertEquals(mistakes({ DIT_ADMIN_PORT: "9000", PORT: "9000" }), other);
  assertEquals(mistakes({ DIT_ADMIN_PORT: "0", PORT: "0" }), []);
  assertEquals(mistakes({ DIT_ADMIN_ADDRESS: "::1" }), [
    "Set DIT_ADMIN_PORT beside DIT_ADMIN_ADDRESS, or leave both out.",
  ]);
  for (const host of ["", "localhost", "admin.internal", "127.1", "[::1]", "1.2.3.4:80", "256.1.1.1"]) {
    assertEquals(mistakes({ DIT_ADMIN_PORT: "8001", DIT_ADMIN_ADDRESS: host }).length, 1, host);
  }
  assertEquals(read({ DIT_ADMIN_PORT: "8001" }, true)[1], [
    "Leave DIT_ADMIN_PORT out: this platform gives a service one port. Set DIT_ADMIN_HOST.",
  ]);
});

Deno.test("urlOf() leads to a listener from its own machine", () => {
  const url = (host: string) => urlOf({ host, port: 81 });
  assertEquals([url("127.0.0.1"), url("0.0.0.0")], ["http://127.0.0.1:81", "http://127.0.0.1:81"]);
  assertEquals([url("::"), url("10.1.2.3")], ["http://[::1]:81", "http://10.1.2.3:81"]);
});
