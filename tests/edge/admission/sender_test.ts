import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseNetwork } from "../../../edge/admission/address.ts";
import {
  type Ignored,
  readSender,
  senderReader,
  type TrustedProxies,
} from "../../../edge/admission/sender.ts";

const CONNECTION = "203.0.113.9";

function networks(...written: string[]): TrustedProxies {
  return { trustedProxies: written.flatMap((text) => parseNetwork(text) ?? []) };
}

function read(
  forwardedFor: string | null,
  trusted: TrustedProxies,
  connection: string | undefined = CONNECTION,
) {
  const headers = new Headers(forwardedFor === null ? {} : { "x-forwarded-for": forwardedFor });
  return readSender(connection, headers, trusted);
}

Deno.test("readSender() reads X-Forwarded-For from the right, by the number of trusted proxies", () => {
  const address = (forwardedFor: string | null, trustedHops: number) =>
    read(forwardedFor, { trustedHops }).address;
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 0), CONNECTION);
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 1), "3.3.3.3");
  assertEquals(address("1.1.1.1,2.2.2.2 , 3.3.3.3", 2), "2.2.2.2");
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 3), "1.1.1.1");
  assertEquals(address(null, 2), CONNECTION);
  assertEquals(readSender(undefined, new Headers(), {}).address, "");
});

Deno.test("readSender() does not believe a request that came past the proxies", () => {
  for (const [forwardedFor, trustedHops] of [["made up", 2], ["", 1], ["1.1.1.1, ", 1]] as const) {
    assertEquals(read(forwardedFor, { trustedHops }), {
      address: CONNECTION,
      ignored: "not_through_proxies",
    });
  }
});

Deno.test("readSender() gives the same whatever a client writes to the left", () => {
  fc.assert(fc.property(
    fc.stringMatching(/^[ -~]{0,40}$/),
    fc.integer({ min: 1, max: 9 }),
    fc.array(fc.ipV4(), { minLength: 9, maxLength: 9 }),
    (madeUp, trustedHops, appended) => {
      const proxies = appended.slice(0, trustedHops);
      assertEquals(read([madeUp, ...proxies].join(", "), { trustedHops }).address, proxies[0]);
      assertEquals(
        read(`${madeUp}, 198.51.100.1, 10.0.0.2`, networks("10.0.0.0/8"), "10.0.0.3").address,
        "198.51.100.1",
      );
    },
  ));
});

Deno.test("readSender() believes networks of proxies alone, and passes over their own addresses", () => {
  const trusted = networks("10.0.0.0/8", "2001:db8::/32");
  const from = (connection: string, forwardedFor: string) => read(forwardedFor, trusted, connection);
  assertEquals(from("10.0.0.1", "1.1.1.1, 2.2.2.2"), { address: "2.2.2.2" });
  assertEquals(from("10.0.0.1", "1.1.1.1, 2.2.2.2, 10.9.9.9, [2001:db8::7]:443"), { address: "2.2.2.2" });
  assertEquals(from("::ffff:10.0.0.1", "2.2.2.2"), { address: "2.2.2.2" });
  assertEquals(from("2001:db8::1", "2.2.2.2"), { address: "2.2.2.2" });
  // What is no address is in no network: somebody who hides behind one shares it with others who do.
  assertEquals(from("10.0.0.1", "1.1.1.1, unknown"), { address: "unknown" });
  // A proxy that asks by itself.
  assertEquals(from("10.0.0.1", "10.0.0.7, 10.0.0.8"), { address: "10.0.0.7" });
  assertEquals(from("11.0.0.1", "2.2.2.2"), { address: "11.0.0.1", ignored: "not_through_proxies" });
});

Deno.test("readSender() with networks and a count believes the networks, and reads what the count says", () => {
  const trusted = { ...networks("10.0.0.0/8"), trustedHops: 2 };
  const from = (connection: string, forwardedFor: string) => read(forwardedFor, trusted, connection).address;
  // The farther proxy is somebody else's, whose networks nobody lists.
  assertEquals(from("10.0.0.1", "1.1.1.1, 2.2.2.2, 198.51.100.4"), "2.2.2.2");
  assertEquals(from("11.0.0.1", "1.1.1.1, 2.2.2.2, 198.51.100.4"), "11.0.0.1");
});

Deno.test("readSender() reads no other header, wherever it comes from", () => {
  const headers = new Headers({ forwarded: "for=1.1.1.1", "x-real-ip": "1.1.1.1" });
  for (const trusted of [{}, { trustedHops: 1 }, networks("203.0.113.0/24")]) {
    assertEquals(readSender(CONNECTION, headers, trusted).address, CONNECTION);
  }
});

Deno.test("senderReader() tells once an hour that a header was not read, whatever it was", () => {
  const clock = { now: 0 };
  const told: Ignored[] = [];
  const senderOf = senderReader({}, (why) => told.push(why), () => clock.now);
  senderOf(CONNECTION, new Headers());
  assertEquals(told, []);
  for (const name of ["x-forwarded-for", "forwarded", "x-real-ip"]) {
    for (let index = 0; index < 100; index++) senderOf(CONNECTION, new Headers({ [name]: "1.1.1.1" }));
  }
  assertEquals(told, ["nobody_trusted"]);
  clock.now = 3_599_999;
  senderOf(CONNECTION, new Headers({ forwarded: "for=1.1.1.1" }));
  assertEquals(told.length, 1);
  clock.now = 3_600_000;
  senderOf(CONNECTION, new Headers({ forwarded: "for=1.1.1.1" }));
  assertEquals(told, ["nobody_trusted", "nobody_trusted"]);
});
