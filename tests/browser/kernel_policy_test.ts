/** What the security policy of a page makes of the client's WebAssembly. */
import { assert, assertEquals } from "@std/assert";
import { clientRistretto255 } from "../../core/voprf/noble_client.ts";
import { startChromium, testWithChromium } from "../support/browser/chromium.ts";

/** Bytes that a scalar takes from the source of chance: they tell who computes. */
const [BY_JAVASCRIPT, BY_KERNEL] = [64, 48];

const POLICIES: Readonly<Record<string, string>> = {
  "/strict": "script-src 'self'",
  "/open": "script-src 'self' 'wasm-unsafe-eval'",
};
const PAGE = `<!doctype html><script type="module" src="/page.js"></script>`;
const SCRIPT = `
import { kernelSuite } from "/kernel.js";
const violations = [];
addEventListener("securitypolicyviolation", ({ blockedURI }) => violations.push(blockedURI));
const suite = kernelSuite();
globalThis.blindOne = () => {
  let drawn = 0;
  const random = (length) => {
    drawn = length;
    const wide = new Uint8Array(length);
    wide[0] = 7;
    return wide;
  };
  const { blindedElements } = suite.blind([Uint8Array.of(1, 2, 3)], random);
  return { drawn, elements: blindedElements.map((element) => Array.from(element)), violations };
};
`;

interface Blinded {
  readonly drawn: number;
  readonly elements: readonly number[][];
  readonly violations: readonly string[];
}

/** The module of the client's WebAssembly, bundled as for an app. */
async function bundleKernel(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/kernel.js`;
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--platform=browser", "-o", file, "core/voprf/kernel_client.ts"],
      cwd: new URL("../../", import.meta.url),
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return await Deno.readTextFile(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testWithChromium(
  "a page whose policy allows no WebAssembly blinds in JavaScript, and hears of it once",
  async () => {
    const scripts: Readonly<Record<string, string>> = {
      "/kernel.js": await bundleKernel(),
      "/page.js": SCRIPT,
    };
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ url }) => {
      const { pathname } = new URL(url);
      const policy = POLICIES[pathname];
      return policy === undefined
        ? new Response(scripts[pathname] ?? null, { headers: { "content-type": "text/javascript" } })
        : new Response(PAGE, { headers: { "content-type": "text/html", "content-security-policy": policy } });
    });
    await using browser = await startChromium();
    /** Blinds in a page once something is so. */
    const blindOnce = async (path: string, isSo: string): Promise<Blinded> => {
      const page = await browser.context.newPage();
      await page.goto(`http://127.0.0.1:${server.addr.port}${path}`);
      await page.waitForFunction(isSo);
      return await page.evaluate("blindOne()");
    };
    // The same scalar everywhere.
    const random = (length: number) => new Uint8Array(length).fill(7, 0, 1);
    const { blindedElements } = clientRistretto255.blind([Uint8Array.of(1, 2, 3)], random);
    const elements = Array.from(blindedElements, (element) => [...element]);

    assertEquals(await blindOnce("/strict", "globalThis.blindOne?.().violations.length > 0"), {
      drawn: BY_JAVASCRIPT,
      elements,
      violations: ["wasm-eval"],
    });
    assertEquals(await blindOnce("/open", `globalThis.blindOne?.().drawn === ${BY_KERNEL}`), {
      drawn: BY_KERNEL,
      elements,
      violations: [],
    });
  },
);
