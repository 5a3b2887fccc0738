import { assert, assertEquals, assertRejects } from "@std/assert";
import { toBase64url } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { AcsClient } from "../../../edge/remote/acs_client.ts";
import { AcsError } from "../../../edge/remote/acs_exchange.ts";
import { EPOCH, NOW, platformRandom } from "../../support/service/keys.ts";
import {
  makeToken,
  recordOf,
  redeemWith,
  serviceToken,
  signRedemption,
  type Split,
  splitDeployment,
  startSplit,
  storedTexts,
} from "../../support/service/split.ts";

/** Answers of anybody but the ACS, and what the log server makes of them. */
const STRANGE: Record<
  string,
  { answer: () => Response | Promise<Response>; outcome: "unknown" | "mistake" }
> = {
  "a page": { answer: () => new Response("<html>", { status: 200 }), outcome: "mistake" },
  "other JSON": { answer: () => Response.json({ ok: true }), outcome: "mistake" },
  "one member too many": {
    answer: () => Response.json({ status: "accepted", mac_key: toBase64url(new Uint8Array(32)), x: 1 }),
    outcome: "mistake",
  },
  "the MAC key of another token": {
    answer: () => Response.json({ status: "accepted", mac_key: toBase64url(platformRandom(32)) }),
    outcome: "mistake",
  },
  "more than its bound": { answer: () => new Response("x".repeat(100_000)), outcome: "unknown" },
  "a gateway's error": { answer: () => new Response("bad gateway", { status: 502 }), outcome: "unknown" },
  "an internal error": {
    answer: () => Response.json({ code: "internal", detail: "x" }, { status: 500 }),
    outcome: "unknown",
  },
  "a refusal of its own token": {
    answer: () => Response.json({ code: "service_token_invalid", detail: "x" }, { status: 401 }),
    outcome: "mistake",
  },
  "an unknown application": {
    answer: () => Response.json({ code: "app_unknown", detail: "x" }, { status: 404 }),
    outcome: "mistake",
  },
  "a code that is none": {
    answer: () => Response.json({ code: "toString", detail: "x" }, { status: 400 }),
    outcome: "mistake",
  },
  "nothing in time": {
    answer: () => new Promise(() => {}),
    outcome: "unknown",
  },
};

for (const [what, { answer, outcome }] of Object.entries(STRANGE)) {
  Deno.test(`AcsClient.redeem() believes nothing when the answer is ${what}`, async () => {
    await using split = await startSplit();
    const log = signRedemption(await makeToken(split.acs));
    let timer: ReturnType<typeof setTimeout> | undefined;
    split.network = (request, reach) => {
      if (!request.url.endsWith("/redeem")) return reach(request);
      const broken = new Promise<never>((_, reject) =>
        request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true })
      );
      // A deadline alone does not keep a process running.
      timer = setTimeout(() => {}, 5_000);
      return Promise.race([answer(), broken]);
    };
    const server = split.openLogServer(undefined, what === "nothing in time" ? { acsMs: 500 } : {});
    const error = await assertRejects(() => redeemWith(server.redeemer, log, recordOf("a"), NOW), Error);
    clearTimeout(timer);
    if (outcome === "mistake") assert(error instanceof AcsError, String(error));
    else assertEquals((error as Refusal).code, "store_unavailable");
    assertEquals(await storedTexts(split.logs), []);
  });
}

Deno.test("AcsClient passes on what is the client's to hear, with the time to wait", async () => {
  await using split = await startSplit();
  const log = signRedemption(await makeToken(split.acs));
  split.network = (request, reach) =>
    request.url.endsWith("/redeem")
      ? Promise.resolve(Response.json({ code: "overloaded", detail: "Busy." }, {
        status: 429,
        headers: { "retry-after": "7" },
      }))
      : reach(request);
  const refusal = await assertRejects(
    () => redeemWith(split.logs.redeemer, log, recordOf("a"), NOW),
    Refusal,
  );
  assertEquals([refusal.code, refusal.message, refusal.details.retryAfterSeconds], [
    "overloaded",
    "Busy.",
    7,
  ]);
});

/** Counts requests for the directory and how many of them were answered without a body. */
function watchDirectory(split: Split): { asked: number; unchanged: number } {
  const counts = { asked: 0, unchanged: 0 };
  split.network = async (request, reach) => {
    const response = await reach(request);
    if (request.url.endsWith("/keys")) counts.asked++;
    if (response.status === 304) counts.unchanged++;
    return response;
  };
  return counts;
}

Deno.test("AcsClient.keys() asks twice a minute, and the ACS answers an unchanged directory with 304", async () => {
  await using split = await startSplit();
  const counts = watchDirectory(split);
  const keys = await split.logs.publishedKeys("notes", NOW);
  for (let second = 0; second < 90; second++) {
    split.clock.seconds = NOW + second;
    assertEquals(await split.logs.publishedKeys("notes", NOW + second), keys);
  }
  assertEquals(counts, { asked: 3, unchanged: 2 });
});

Deno.test("AcsClient.keys() asks once however many want to know", async () => {
  await using split = await startSplit();
  const counts = watchDirectory(split);
  await Promise.all(Array.from({ length: 50 }, () => split.logs.publishedKeys("notes", NOW)));
  assertEquals(counts.asked, 1);
});

Deno.test("AcsClient.keys() has the new horizon at the turn of an epoch", async () => {
  await using split = await startSplit();
  split.clock.seconds = (EPOCH + 1) * 86_400 - 5;
  await split.logs.publishedKeys("notes", split.clock.seconds);
  split.clock.seconds += 5;
  const keys = await split.logs.publishedKeys("notes", split.clock.seconds);
  assertEquals(keys.map(({ epoch }) => epoch), [EPOCH, EPOCH + 1, EPOCH + 2, EPOCH + 3, EPOCH + 4]);
});

Deno.test("AcsClient.keys() serves what it knows while the ACS is away, as long as one of them issues", async () => {
  await using split = await startSplit();
  const keys = await split.logs.publishedKeys("notes", NOW);
  let asked = 0;
  split.network = () => {
    asked++;
    return Promise.reject(new TypeError("connection refused"));
  };
  for (let second = 0; second < 20; second++) {
    assertEquals(await split.logs.publishedKeys("notes", NOW + 40_000 + second), keys);
  }
  assertEquals(asked, 4, "an ACS that is away is asked every five seconds");
  const later = (EPOCH + 4) * 86_400;
  const refusal = await assertRejects(() => split.logs.publishedKeys("notes", later), Refusal);
  assertEquals(refusal.code, "store_unavailable");
});

Deno.test("AcsClient.keys() refuses an ETag that is not the hash of the directory", async () => {
  await using split = await startSplit();
  split.network = async (request, reach) => {
    const response = await reach(request);
    response.headers.set("etag", '"client-4711"');
    return response;
  };
  await assertRejects(() => split.logs.publishedKeys("notes", NOW), AcsError, "ETag");
});

Deno.test("AcsClient.keys() names what differs between the two configurations", async () => {
  await using split = await startSplit();
  const reach = (input: string | URL | Request) => split.reachAcs(new URL(String(input)).pathname);
  const clientOf = (changes: Parameters<typeof splitDeployment>[0], region = "local", issuer?: string) => {
    const deployment = { ...splitDeployment(changes), ...(issuer === undefined ? {} : { issuer }) };
    return new AcsClient({
      url: "https://acs.example",
      tokenOf: serviceToken,
      storeId: () => Promise.resolve(toBase64url(platformRandom(16))),
      deployment,
      region,
      fetch: reach,
    });
  };
  const refusal = async (client: AcsClient) =>
    (await assertRejects(() => client.keys("notes", NOW), AcsError)).message;
  assert((await refusal(clientOf({ epochSeconds: 3_600 }))).includes("epoch-seconds"));
  assert((await refusal(clientOf({ maxBatch: 5 }))).includes("max-batch"));
  assert((await refusal(clientOf({}, "local", "other.example"))).includes("issuer"));
  assert((await refusal(clientOf({}, "eu"))).includes("region eu"));
});
