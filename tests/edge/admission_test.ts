import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Refusal } from "../../core/base/errors.ts";
import { Admission, type AdmissionOptions, clientAddress, networkOf } from "../../edge/admission.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** An admission with a clock that the test moves, in milliseconds. */
function makeAdmission(options: AdmissionOptions = {}): { admission: Admission; clock: { now: number } } {
  const clock = { now: 0 };
  return { admission: new Admission(random, { ...options, now: () => clock.now }), clock };
}

/** Whether a request of an address is let in. */
async function isAdmitted(
  admission: Admission,
  address: string | undefined,
  forwardedFor: string | null = null,
): Promise<boolean> {
  try {
    return await admission.admit({ address, forwardedFor, exempt: false }, () => Promise.resolve(true));
  } catch (error) {
    assert(error instanceof Refusal && error.code === "overloaded", String(error));
    return false;
  }
}

async function countAdmitted(admission: Admission, address: string, tries: number): Promise<number> {
  let admitted = 0;
  for (let index = 0; index < tries; index++) if (await isAdmitted(admission, address)) admitted++;
  return admitted;
}

Deno.test("admit() lets a burst in, then as many a second as are allowed", async () => {
  const { admission, clock } = makeAdmission({ requestsPerSecond: 2, burst: 5 });
  assertEquals(await countAdmitted(admission, "192.0.2.1", 20), 5);
  clock.now += 1_500;
  assertEquals(await countAdmitted(admission, "192.0.2.1", 20), 3);
  clock.now += 3_000_000;
  assertEquals(await countAdmitted(admission, "192.0.2.1", 20), 5);
});

Deno.test("admit() says when to come back", async () => {
  const { admission } = makeAdmission({ requestsPerSecond: 0.1, burst: 1 });
  assertEquals(await isAdmitted(admission, "192.0.2.1"), true);
  const refusal = await assertRejects(
    () =>
      admission.admit({ address: "192.0.2.1", forwardedFor: null, exempt: false }, () => Promise.resolve()),
    Refusal,
  );
  assertEquals(refusal.details.retryAfterSeconds, 10);
});

Deno.test("admit() throttles one address and not its neighbour", async () => {
  const { admission } = makeAdmission({ burst: 1 });
  assertEquals(await countAdmitted(admission, "192.0.2.1", 3), 1);
  assertEquals(await countAdmitted(admission, "192.0.2.2", 3), 1);
});

Deno.test("admit() throttles a /64 as one, since its owner can take any address in it", async () => {
  const { admission } = makeAdmission({ burst: 1 });
  assertEquals(await isAdmitted(admission, "2001:db8:1:2::1"), true);
  assertEquals(await isAdmitted(admission, "2001:db8:1:2:ffff:ffff:ffff:ffff"), false);
  assertEquals(await isAdmitted(admission, "2001:DB8:0001:2:0:0:0:7"), false);
  assertEquals(await isAdmitted(admission, "2001:db8:1:3::1"), true);
});

Deno.test("admit() gives an exempt request no bucket, and spends none of its address's", async () => {
  const { admission } = makeAdmission({ burst: 1 });
  for (let index = 0; index < 10; index++) {
    await admission.admit(
      { address: "192.0.2.1", forwardedFor: null, exempt: true },
      () => Promise.resolve(),
    );
  }
  assertEquals(admission.size, 0);
  assertEquals(await countAdmitted(admission, "192.0.2.1", 3), 1);
});

Deno.test("admit() remembers a bounded number of addresses, and forgets the quiet ones first", async () => {
  const { admission } = makeAdmission({ burst: 2, requestsPerSecond: 0.001, maxAddresses: 100 });
  assertEquals(await countAdmitted(admission, "198.51.100.1", 5), 2);
  for (let index = 0; index < 1_000; index++) {
    await isAdmitted(admission, `10.0.${index >> 8}.${index & 0xff}`);
    // The flooding address keeps on asking, and stays remembered.
    assertEquals(await isAdmitted(admission, "198.51.100.1"), false);
  }
  assertEquals(admission.size, 100);
});

Deno.test("admit() changes its key every hour and forgets every address with it", async () => {
  const keys: Uint8Array[] = [];
  const clock = { now: 0 };
  const admission = new Admission((length) => {
    keys.push(random(length));
    return keys.at(-1)!.slice() as Uint8Array<ArrayBuffer>;
  }, { burst: 1, requestsPerSecond: 1e-9, now: () => clock.now });
  assertEquals(await countAdmitted(admission, "192.0.2.1", 3), 1);
  clock.now += 3_599_999;
  assertEquals(await countAdmitted(admission, "192.0.2.1", 3), 0);
  clock.now += 1;
  assertEquals(await countAdmitted(admission, "192.0.2.1", 3), 1);
  assertEquals(admission.size, 1);
  assertEquals(keys.length, 2);
  assert(keys.every((key) => key.length === 32) && keys[0]!.join() !== keys[1]!.join());
});

Deno.test("admit() bounds how many requests are under way, of everybody and of one address", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 5, maxConcurrentPerAddress: 3 });
  const ends: (() => void)[] = [];
  const hold = (address: string, exempt = false) =>
    admission.admit(
      { address, forwardedFor: null, exempt },
      () => new Promise<void>((resolve) => ends.push(resolve)),
    );
  const held = [hold("192.0.2.1"), hold("192.0.2.1"), hold("192.0.2.1")];
  await assertRejects(() => hold("192.0.2.1"), Refusal, "one network");
  held.push(hold("192.0.2.2"), hold("192.0.2.3", true));
  await assertRejects(() => hold("192.0.2.4"), Refusal, "busy");
  await assertRejects(() => hold("192.0.2.4", true), Refusal, "busy");
  ends.splice(0).forEach((end) => end());
  await Promise.all(held);
  const again = [hold("192.0.2.1"), hold("192.0.2.1"), hold("192.0.2.1"), hold("192.0.2.4")];
  ends.splice(0).forEach((end) => end());
  await Promise.all(again);
});

Deno.test("admit() frees the place of work that throws", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 1 });
  for (let index = 0; index < 3; index++) {
    await assertRejects(
      () =>
        admission.admit(
          { address: "192.0.2.1", forwardedFor: null, exempt: false },
          () => Promise.reject(new Error("thrown")),
        ),
      Error,
      "thrown",
    );
  }
});

Deno.test("clientAddress() reads X-Forwarded-For from the right, by the number of trusted proxies", () => {
  const address = (forwardedFor: string | null, hops: number) =>
    clientAddress("203.0.113.9", forwardedFor, hops);
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 0), "203.0.113.9");
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 1), "3.3.3.3");
  assertEquals(address("1.1.1.1,2.2.2.2 , 3.3.3.3", 2), "2.2.2.2");
  assertEquals(address("1.1.1.1, 2.2.2.2, 3.3.3.3", 3), "1.1.1.1");
  assertEquals(address(null, 2), "203.0.113.9");
  assertEquals(clientAddress(undefined, null, 0), "");
});

Deno.test("clientAddress() does not believe a request that came past the proxies", () => {
  assertEquals(clientAddress("203.0.113.9", "made up", 2), "203.0.113.9");
  assertEquals(clientAddress("203.0.113.9", "", 1), "203.0.113.9");
  assertEquals(clientAddress("203.0.113.9", "1.1.1.1, ", 1), "203.0.113.9");
});

Deno.test("clientAddress() gives the same whatever a client writes to the left", () => {
  fc.assert(fc.property(
    fc.string(),
    fc.integer({ min: 1, max: 9 }),
    fc.array(fc.ipV4(), { minLength: 9, maxLength: 9 }),
    (madeUp, hops, appended) => {
      const trusted = appended.slice(0, hops);
      assertEquals(clientAddress("::1", [madeUp, ...trusted].join(", "), hops), trusted[0]);
    },
  ));
});

Deno.test("networkOf() knows every way to write an address", () => {
  const cases: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:50123", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:0201", "192.0.2.1"],
    ["[::ffff:192.0.2.1]:443", "192.0.2.1"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["[2001:db8::1]:50123", "2001:db8:0:0::/64"],
    ["[2001:db8::1]", "2001:db8:0:0::/64"],
    ["2001:0DB8:0:0:1:2:3:4", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    ["unknown", "unknown"],
    ["", ""],
    [":", ":"],
    ["1:2:3", "1:2:3"],
    ["1::2::3", "1::2::3"],
    ["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9"],
    ["1:2:3:4:5:6:7::8:9", "1:2:3:4:5:6:7::8:9"],
    ["g::1", "g::1"],
  ];
  for (const [address, network] of cases) assertEquals(networkOf(address), network, address);
});

Deno.test("networkOf() gives one network for every address of a /64, and another for every other", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(fc.property(
    fc.tuple(group, group, group, group),
    fc.tuple(group, group, group, group),
    fc.tuple(group, group, group, group),
    (prefix, host, otherHost) => {
      const written = [...prefix, ...host].map((part) => part.toString(16)).join(":");
      const compressed = new URL(
        `http://[${[...prefix, ...otherHost].map((p) => p.toString(16)).join(":")}]`,
      );
      const isMapped = (rest: number[]) =>
        prefix.every((p) => p === 0) && rest[0] === 0 && rest[1] === 0xffff;
      if (isMapped(host) || isMapped(otherHost)) return;
      assertEquals(networkOf(compressed.hostname), networkOf(written));
      const neighbour = [...prefix.slice(0, 3), prefix[3]! ^ 1, ...host].map((part) => part.toString(16));
      assert(networkOf(neighbour.join(":")) !== networkOf(written));
    },
  ));
});
