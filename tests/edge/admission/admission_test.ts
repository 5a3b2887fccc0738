import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { Admission, type AdmissionOptions } from "../../../edge/admission/admission.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** An admission with a clock that the test moves, in milliseconds. */
function makeAdmission(options: AdmissionOptions = {}): { admission: Admission; clock: { now: number } } {
  const clock = { now: 0 };
  return { admission: new Admission(random, { ...options, now: () => clock.now }), clock };
}

/** Whether a request of an address is let in. */
async function isAdmitted(
  admission: Admission,
  address: string,
): Promise<boolean> {
  try {
    return await admission.admit({ address, exempt: false }, () => Promise.resolve(true));
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
    () => admission.admit({ address: "192.0.2.1", exempt: false }, () => Promise.resolve()),
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
      { address: "192.0.2.1", exempt: true },
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

/** Holds places of an admission for as long as a test likes. */
class Holders {
  readonly #ends: (() => void)[] = [];
  readonly #held: Promise<unknown>[] = [];
  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** Takes a place; with `waits` one among those that wait for a body too. Gives the deadline that was left of 1000. */
  async hold(address: string, { exempt = false, waits = false } = {}): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const held = this.#admission.admit({ address, exempt }, async (wait) => {
      resolve(waits ? wait.begin(1_000) : 0);
      await new Promise<void>((end) => this.#ends.push(end));
      if (waits) wait.end();
    }).catch(reject);
    this.#held.push(held);
    return await promise;
  }

  /** How many of as many tries get a place. */
  async count(tries: number, addressOf: (index: number) => string, options = {}): Promise<number> {
    let held = 0;
    for (let index = 0; index < tries; index++) {
      try {
        await this.hold(addressOf(index), options);
        held++;
      } catch (error) {
        assert(error instanceof Refusal && error.code === "overloaded", String(error));
      }
    }
    return held;
  }

  async release(): Promise<void> {
    this.#ends.splice(0).forEach((end) => end());
    await Promise.all(this.#held.splice(0));
  }
}

Deno.test("admit() bounds how many requests are under way, of everybody and of one address", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 6, maxConcurrentPerAddress: 2 });
  const holders = new Holders(admission);
  assertEquals(await holders.count(3, () => "192.0.2.1"), 2);
  assertEquals(await holders.count(3, () => "", { exempt: true }), 3);
  assertEquals(await holders.count(2, () => "198.51.100.1"), 1);
  // Nobody gets more than there are.
  assertEquals(await holders.count(1, () => "203.0.113.1"), 0);
  assertEquals(await holders.count(1, () => "203.0.113.1", { exempt: true }), 0);
  await holders.release();
  assertEquals(await holders.count(3, () => "192.0.2.1"), 2);
  await holders.release();
});

/** Attackers, by what they own: any number of addresses in some networks. */
const ATTACKERS: [string, (index: number) => string][] = [
  ["one address", () => "203.0.113.7"],
  ["five addresses", (index) => `203.${index % 5}.113.7`],
  ["a /24", (index) => `203.0.113.${index % 256}`],
  ["a /16", (index) => `203.0.${index % 256}.${(index >> 8) % 256}`],
  ["a /64", (index) => `2001:db8:1:2::${(index + 1).toString(16)}`],
  ["a /48", (index) => `2001:db8:1:${index.toString(16)}::1`],
  ["a /32", (index) => `2001:db8:${index.toString(16)}::1`],
];

for (const waits of [false, true]) {
  const places = waits ? "places of those that wait for a body" : "places";
  for (const [what, addressOf] of ATTACKERS) {
    Deno.test(`admit() leaves ${places} for others when ${what} hold all they can`, async () => {
      const { admission } = makeAdmission({ maxConcurrent: 320, maxWaiting: 160 });
      const holders = new Holders(admission);
      const held = await holders.count(500, addressOf, { waits });
      assert(held >= 16, `${held} held`);
      assertEquals(await holders.count(20, (index) => `${10 + index}.0.0.1`, { waits }), 20);
      await holders.release();
    });
  }
}

Deno.test("admit() keeps places that are held over a change of its key, and gives them back", async () => {
  for (const [what, addressOf] of ATTACKERS) {
    const { admission, clock } = makeAdmission({ maxConcurrent: 320, maxWaiting: 160 });
    const holders = new Holders(admission);
    clock.now = 3_599_000;
    const held = await holders.count(500, addressOf, { waits: true });
    clock.now += 2_000;
    // Nothing more than before, and others have all that they had.
    assertEquals(await holders.count(500, addressOf, { waits: true }), 0, what);
    assertEquals(await holders.count(20, (index) => `${10 + index}.0.0.1`, { waits: true }), 20, what);
    await holders.release();
    assertEquals(await holders.count(500, addressOf, { waits: true }), held, what);
    await holders.release();
  }
});

Deno.test("admit() keeps work going however many wait for bodies", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 64 });
  const holders = new Holders(admission);
  const waiting = await holders.count(400, (index) => `${1 + index % 200}.${index >> 8}.0.1`, {
    waits: true,
  });
  assertEquals(waiting, 32);
  assertEquals(await holders.count(10, (index) => `${201 + index}.0.0.1`), 10);
  await holders.release();
});

Deno.test("admit() gives bodies less time the more of its share a network holds, and never none", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 400 });
  const holders = new Holders(admission);
  const left: number[] = [];
  for (let index = 0; index < 100; index++) left.push(await holders.hold("192.0.2.1", { waits: true }));
  assertEquals(left, left.toSorted((a, b) => b - a));
  assertEquals([left[0], left[49], left.at(-1)], [1_000, 1_000, 100]);
  // Who is somewhere else has all of it.
  assertEquals(await holders.hold("198.51.100.1", { waits: true }), 1_000);
  await holders.release();
});

Deno.test("admit() throttles a /48 as sixteen of its /64s, and a /24 of IPv4 not", async () => {
  const { admission } = makeAdmission({ burst: 2 });
  let admitted = 0;
  for (let index = 0; index < 100; index++) {
    if (await isAdmitted(admission, `2001:db8:1:${index.toString(16)}::1`)) admitted++;
  }
  assertEquals(admitted, 32);
  for (let index = 0; index < 100; index++) assert(await isAdmitted(admission, `192.0.2.${index}`));
});

Deno.test("admit() frees the place of work that throws", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 1 });
  for (let index = 0; index < 3; index++) {
    await assertRejects(
      () =>
        admission.admit(
          { address: "192.0.2.1", exempt: false },
          () => Promise.reject(new Error("thrown")),
        ),
      Error,
      "thrown",
    );
  }
});

Deno.test("countAnother() spends the rate of the network as a request of its own would", async () => {
  const { admission, clock } = makeAdmission({ requestsPerSecond: 2, burst: 5 });
  const countLogs = (logs: number) =>
    admission.admit({ address: "192.0.2.1", exempt: false }, (wait) => {
      let counted = 1;
      for (let index = 1; index < logs; index++) {
        try {
          wait.countAnother();
          counted++;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          assertEquals([error.code, error.details.retryAfterSeconds], ["overloaded", 1]);
        }
      }
      return Promise.resolve(counted);
    });
  assertEquals(await countLogs(64), 5);
  assertEquals(await isAdmitted(admission, "192.0.2.1"), false);
  assertEquals(await isAdmitted(admission, "192.0.2.2"), true);
  clock.now += 1_500;
  assertEquals(await countLogs(64), 3);
});

Deno.test("widen() has a request hold the places of several, and gives all of them back", async () => {
  const { admission } = makeAdmission({ maxConcurrent: 8 });
  const isFree = async (places: number) => {
    try {
      // deno-lint-ignore require-await -- what it throws is a rejection.
      return await admission.admit({ address: "192.0.2.1", exempt: false }, async (wait) => {
        wait.widen(places);
        return true;
      });
    } catch (error) {
      assert(error instanceof Refusal && error.code === "overloaded", String(error));
      return false;
    }
  };
  // One alone holds half of them.
  assertEquals(await isFree(5), false);
  for (let turn = 0; turn < 10; turn++) assertEquals(await isFree(4), true);
  await admission.admit({ address: "192.0.2.1", exempt: false }, async (wait) => {
    wait.widen(4);
    assertEquals(await isAdmitted(admission, "192.0.2.1"), false);
    assertEquals(await isAdmitted(admission, "203.0.113.1"), true);
    // Of those that wait for their bodies it takes as many.
    assertThrows(() => wait.begin(1_000), Refusal);
  });
});
