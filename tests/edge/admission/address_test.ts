import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { holds, parseAddress, parseNetwork } from "../../../edge/admission/address.ts";
import { classesOf } from "../../../edge/admission/groups.ts";
import { present } from "../../support/base/present.ts";

const network = (address: string) => classesOf(address)[0]?.name;
const IPV4 = "0:0:0:0:0:ffff:c000:201/128";

Deno.test("classesOf() knows every way to write an address, and no address as what it is", () => {
  const cases: [string, string][] = [
    ["192.0.2.1", IPV4],
    ["192.0.2.1:50123", IPV4],
    ["::ffff:192.0.2.1", IPV4],
    ["::FFFF:c000:0201", IPV4],
    ["[::ffff:192.0.2.1]:443", IPV4],
    ["2001:db8::1", "2001:db8:0:0:0:0:0:0/64"],
    ["[2001:db8::1]:50123", "2001:db8:0:0:0:0:0:0/64"],
    ["[2001:db8::1]", "2001:db8:0:0:0:0:0:0/64"],
    ["2001:0DB8:0:0:1:2:3:4", "2001:db8:0:0:0:0:0:0/64"],
    ["fe80::1%eth0", "fe80:0:0:0:0:0:0:0/64"],
    ["::1", "0:0:0:0:0:0:0:0/64"],
    ["::", "0:0:0:0:0:0:0:0/64"],
    ["1::", "1:0:0:0:0:0:0:0/64"],
  ];
  for (const [address, name] of cases) assertEquals(network(address), name, address);
  const none = [
    "unknown",
    "",
    ":",
    "1:2:3",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "g::1",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "::1.2.3.256",
  ];
  for (const text of none) assertEquals(classesOf(text), [{ name: text, allowance: 1 }], text);
});

Deno.test("classesOf() widens an address to what whoever owns it may have around it", () => {
  assertEquals(classesOf("192.0.2.1").map(({ name }) => name), [
    IPV4,
    "0:0:0:0:0:ffff:c000:200/120",
    "0:0:0:0:0:ffff:c000:0/112",
  ]);
  assertEquals(classesOf("2001:db8:1:2:3:4:5:6").map(({ name }) => name), [
    "2001:db8:1:2:0:0:0:0/64",
    "2001:db8:1:0:0:0:0:0/48",
    "2001:db8:0:0:0:0:0:0/32",
  ]);
});

Deno.test("classesOf() gives one class for every address of a /64, and another for every other", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(fc.property(
    fc.tuple(fc.integer({ min: 1, max: 0xffff }), group, group, group),
    fc.tuple(group, group, group, group),
    fc.tuple(group, group, group, group),
    (prefix, host, otherHost) => {
      const write = (groups: number[]) => groups.map((part) => part.toString(16)).join(":");
      const compressed = new URL(`http://[${write([...prefix, ...otherHost])}]`);
      assertEquals(network(compressed.hostname), network(write([...prefix, ...host])));
      const neighbour = [...prefix.slice(0, 3), prefix[3] ^ 1, ...host];
      assert(network(write(neighbour)) !== network(write([...prefix, ...host])));
    },
  ));
});

Deno.test("parseNetwork() reads networks of both kinds, and refuses what cannot be meant", () => {
  const isIn = (written: string, address: string) => {
    return holds(present(parseNetwork(written)), present(parseAddress(address)));
  };
  const cases: [string, string, boolean][] = [
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3/32", "10.1.2.2", false],
    ["172.16.0.0/12", "172.31.255.255", true],
    ["172.16.0.0/12", "172.32.0.0", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::", false],
    ["::1", "::1", true],
    ["::1/128", "::2", false],
    ["fd00::/8", "10.0.0.1", false],
  ];
  for (const [written, address, inside] of cases) assertEquals(isIn(written, address), inside, written);
  for (
    const mistake of [
      "",
      "10.0.0.0/33",
      "10.0.0.1/8",
      "0.0.0.0/0",
      "::/0",
      "::/129",
      "10.0.0.0/08",
      "10.0.0.0/",
      "10.0.0/8",
      "10.0.0.0/8/8",
      "proxy.example",
      "2001:db8::1/32",
      "[::1]",
      "10.0.0.1:80",
      "1.2.3.4 ",
    ]
  ) assertEquals(parseNetwork(mistake), undefined, mistake);
});
