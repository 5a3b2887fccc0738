import { assert, assertEquals } from "@std/assert";
import { MemoryStorage } from "../../../client/mod.ts";
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { decodeBatchRequest } from "../../../core/token/batch.ts";
import { clientRistretto255 } from "../../../core/voprf/noble_client.ts";
import { PENDING, type PendingRecord, read, write } from "../../../client/storage/records.ts";
import { present } from "../../support/base/present.ts";
import { startService } from "../../support/client/client_service.ts";
import { type ClientChanges, makeClient } from "../../support/client/client_under_test.ts";

/** A token request as the service saw it: whose session, and which blinded elements. */
interface Seen {
  readonly subject: string;
  readonly elements: readonly string[];
}

/** A service that notes what accounts ask for, and loses or changes answers as it is told. */
async function watch(answer: (request: Seen, response: Response) => Response) {
  const test = await startService();
  const storage = new MemoryStorage();
  const seen: Seen[] = [];
  return {
    ...test,
    storage,
    seen,
    client: (options: ClientChanges) =>
      makeClient(test, {
        storage,
        async fetch(url, init) {
          const response = await test.fetch(url, init);
          if (!url.endsWith("/tokens")) return response;
          const body = new Uint8Array(await new Response(init.body).arrayBuffer());
          const jwt = present(new Headers(init.headers).get("authorization")).split(".")[1];
          const { sub } = JSON.parse(new TextDecoder().decode(fromBase64url(present(jwt))));
          const { blindedElements } = decodeBatchRequest(clientRistretto255, body, 32);
          const request = { subject: sub, elements: blindedElements.map((element) => toBase64url(element)) };
          seen.push(request);
          return answer(request, response);
        },
        ...options,
      }),
  };
}

/** Whether two requests have any blinded element in common. */
function overlap(one: Seen | undefined, other: Seen | undefined): boolean {
  return present(one).elements.some((element) => present(other).elements.includes(element));
}

const unanswered = () => Response.error();

Deno.test("a request that was lost is not sent with another account's session: its tokens are blinded anew", async () => {
  const test = await watch(({ subject }, response) => subject === "alice" ? unanswered() : response);
  let subject = "alice";
  const { client, heard } = test.client({ session: () => test.signIn(subject) });
  client.log("app_opened", {});
  await client.flush();
  const [first] = test.seen;
  assertEquals(test.seen.at(-1), first);
  subject = "bob";
  await client.flush();
  await client.close();
  const last = test.seen.at(-1);
  assertEquals([first?.subject, last?.subject], ["alice", "bob"]);
  assert(!overlap(first, last));
  assertEquals(first?.elements.length, last?.elements.length);
  assertEquals([heard.issued.length, heard.sent.length], [1, 1]);
  await test.close();
});

Deno.test("the same account's request is sent again as it was, whatever JWT its session gives", async () => {
  let isLost = true;
  const test = await watch((_, response) => isLost ? unanswered() : response);
  const { client, heard } = test.client({
    session: () => {
      test.clock.now += 1000;
      return test.signIn("alice");
    },
  });
  client.log("app_opened", {});
  await client.flush();
  isLost = false;
  await client.flush();
  await client.close();
  assert(test.seen.length > 1);
  for (const request of test.seen) assertEquals(request, present(test.seen[0]));
  assertEquals(heard.sent.length, 1);
  await test.close();
});

Deno.test("a session that is renewed as another account has its tokens blinded anew at once", async () => {
  const test = await watch(({ subject }, response) =>
    subject === "alice" ? Response.json({ code: "session_invalid" }, { status: 401 }) : response
  );
  const { client, heard } = test.client({ session: ({ renew }) => test.signIn(renew ? "bob" : "alice") });
  client.log("app_opened", {});
  await client.flush();
  await client.close();
  assertEquals(test.seen.map(({ subject }) => subject), ["alice", "bob"]);
  assert(!overlap(test.seen[0], test.seen[1]));
  assertEquals([heard.issued.length, heard.sent.length], [1, 1]);
  await test.close();
});

Deno.test("a request that a client of before stored is blinded anew: nobody knows whose it was", async () => {
  let isLost = true;
  const test = await watch((_, response) => isLost ? unanswered() : response);
  const before = test.client({}).client;
  before.log("app_opened", {});
  await before.flush();
  await before.close();
  const stored = await test.storage.transaction((entries) => {
    const { account, ...rest } = present(read<PendingRecord>(entries, PENDING));
    write(entries, PENDING, rest);
    return { account: present(account), entries: entries.keys("").map((key) => entries.get(key)).join() };
  });
  // Of the account there is a keyed digest alone.
  assertEquals(fromBase64url(stored.account).length, 16);
  assert(!stored.entries.includes("alice") && !stored.entries.includes("login.example"));
  isLost = false;
  const after = test.client({});
  await after.client.flush();
  await after.client.close();
  assert(!overlap(test.seen[0], test.seen.at(-1)));
  assertEquals(after.heard.sent.length, 1);
  await test.close();
});
