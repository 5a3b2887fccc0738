import { assertEquals } from "@std/assert";
import { shareMacKeys } from "../../boot/join_siblings.ts";
import { MacKeyCache } from "../../core/acs/mac_keys.ts";
import { Sealer } from "../../core/keys/sealing.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const sealerOf = (byte: number) => Sealer.of([new Uint8Array(32).fill(byte)], random);

Deno.test("what one process evaluates the others know, sealed on its way, and believe nobody else", async () => {
  const [first, second, stranger] = [1, 2, 3].map(() => new MacKeyCache(random)) as [
    MacKeyCache,
    MacKeyCache,
    MacKeyCache,
  ];
  const hear = shareMacKeys(second, await sealerOf(1), () => {
    throw new Error("told again");
  });
  const sent: Uint8Array[] = [];
  const send = (sealed: Uint8Array) => {
    sent.push(sealed);
    hear(sealed);
  };
  shareMacKeys(stranger, await sealerOf(2), send);
  shareMacKeys(first, await sealerOf(1), send);
  const [nonce, macKey, madeUp] = [random(32), random(32), random(32)];
  stranger.set(7, nonce, madeUp);
  first.set(7, nonce, macKey);
  // More than one telling holds.
  for (let count = 0; count < 1_000; count++) first.set(8, random(32), random(32));
  await until(() => second.size === 1_001);
  assertEquals(second.get(7, nonce), macKey);
  hear(new Uint8Array(5));
  for (const sealed of sent) assertEquals(sealed.toHex().includes(macKey.toHex()), false);
  assertEquals(sent.length < 6, true, `${sent.length} tellings`);
});
