/** Who is throttled: everybody who has not shown a right token yet. */
import { assertEquals } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { ADMIN_TOKEN, OPERATED, READER_TOKEN } from "../support/browser/console_browser.ts";
import { configOf, type TestService, withService } from "../support/service/service.ts";

const SERVICE_TOKEN = "the-service-token-of-the-tests-of-callers";
const SERVED = {
  config: configOf({
    notes: { serviceTokenSha256: tokenDigest(SERVICE_TOKEN).toHex() },
    vault: { serviceTokenSha256: tokenDigest("the-service-token-of-another-application").toHex() },
    closed: {},
  }),
  admission: { requestsPerSecond: 1e-9, burst: 10 },
};

/** How often each status answers as many requests with a token, from one address. */
async function statuses(
  test: TestService,
  path: string,
  { token, times, address = "192.0.2.1", method = "GET" }: {
    readonly token: string | undefined;
    readonly times: number;
    readonly address?: string;
    readonly method?: string;
  },
): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let index = 0; index < times; index++) {
    const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    const request = new Request(`https://telemetry.example${path}`, { method, ...(headers && { headers }) });
    const response = await test.handle(request, address);
    await response.body?.cancel();
    counts[response.status] = (counts[response.status] ?? 0) + 1;
  }
  return counts;
}

Deno.test("a caller of the ACS is throttled until its service token was seen to be right", async () => {
  await withService(SERVED, async (test) => {
    const method = "POST";
    const wrong: [string, string | undefined][] = [
      ["notes", undefined],
      ["notes", "made-up"],
      ["vault", SERVICE_TOKEN],
      ["closed", SERVICE_TOKEN],
      ["made-up", SERVICE_TOKEN],
    ];
    for (const [index, [app, token]] of wrong.entries()) {
      const from = { token, times: 80, method, address: `192.0.2.${index}` };
      const counts = await statuses(test, `/acs/v1/apps/${app}/redeem`, from);
      assertEquals(counts[429], 70, `${app} ${token}`);
    }
    // The right one is heard from an address that has used up everything, too.
    const right = { token: SERVICE_TOKEN, times: 80, method, address: "192.0.2.0" };
    assertEquals(await statuses(test, "/acs/v1/apps/notes/redeem", right), { 415: 80 });
  });
});

for (const path of ["/metrics", "/admin/v1/keys"]) {
  Deno.test(`GET ${path} answers ten wrong tokens of one network, and keeps no operator out`, async () => {
    await withService(OPERATED, async (test) => {
      const operator = { token: READER_TOKEN, times: 30 };
      assertEquals(await statuses(test, path, { ...operator, address: "203.0.113.1" }), { 200: 30 });
      assertEquals(await statuses(test, path, { token: "guess", times: 30 }), { 401: 10, 429: 20 });
      // Who is there with the right one is let in, although nobody was before; who has none at all is told so.
      assertEquals(await statuses(test, path, { token: ADMIN_TOKEN, times: 5 }), { 200: 5 });
      assertEquals(await statuses(test, path, { token: undefined, times: 5 }), { 401: 5 });
      // Operators elsewhere go on, and one who was there before.
      assertEquals(await statuses(test, path, { ...operator, address: "203.0.113.2" }), { 200: 30 });
      const beside = await statuses(test, path, { token: "guess", times: 30, address: "203.0.113.1" });
      assertEquals(beside, { 401: 10, 429: 20 });
      assertEquals(await statuses(test, path, { ...operator, address: "203.0.113.1" }), { 200: 30 });
    });
  });
}
