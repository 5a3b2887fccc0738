/** What needs no body is refused without one. */
import { assertEquals } from "@std/assert";
import { logsPath, oneToken, signLog } from "../support/client/protocol_client.ts";
import { sendSlowly } from "../support/http/slow_sender.ts";
import { withSocket } from "../support/service/socket.ts";

Deno.test("a log whose key is unknown is refused before its body is there", async () => {
  await withSocket(async (test, port) => {
    const { headers } = signLog(await oneToken(test), { keyId: new Uint8Array(32) });
    const sender = await sendSlowly(port, logsPath(), headers);
    assertEquals(await sender.status, 401);
    sender.leave();
    assertEquals(test.answers.at(-1)?.code, "key_unknown");
    const far = signLog(await oneToken(test), { use: 64 });
    const other = await sendSlowly(port, logsPath(), far.headers);
    assertEquals(await other.status, 403);
    other.leave();
    assertEquals(test.answers.at(-1)?.code, "use_out_of_range");
  });
});
