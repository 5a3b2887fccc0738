/**
 * Where a test of a proxy takes place: certificates, and a folder for each start.
 *
 * @module
 */
import { freePort } from "../support/processes/free_ports.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { HOSTS, isInstalled, type Proxy, type RunningProxy, type Setting, startProxy } from "./proxies.ts";
import type { Way } from "./reach.ts";

/** A folder with certificates, that others may read. */
export interface Place extends AsyncDisposable {
  readonly certificates: Certificates;
  /** Makes a folder in it. */
  readonly make: (name: string) => Promise<string>;
  /** Starts a proxy in a folder of its own, in front of these ports. */
  readonly start: (
    proxy: Proxy,
    services: Setting["services"],
    manner?: "hasty" | "careless",
  ) => Promise<RunningProxy & Way>;
}

/** Makes a place. */
export async function makePlace(): Promise<Place> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o755);
  const certificates = await makeCertificates(folder, HOSTS);
  const make = async (name: string) => {
    await Deno.mkdir(`${folder}/${name}`);
    return `${folder}/${name}`;
  };
  return {
    certificates,
    make,
    async start(proxy, services, manner) {
      const port = freePort();
      const running = await startProxy(proxy, {
        folder: await make(`${proxy.name}-${port}`),
        certificates: certificates.folder,
        port,
        services,
        hasty: manner === "hasty",
        careless: manner === "careless",
      });
      return { ...running, certificates };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Whether a test of a proxy can be run here; says so where it cannot. */
export async function canRun({ program }: Proxy): Promise<boolean> {
  for (const needed of [program, "openssl"]) {
    if (await isInstalled(needed)) continue;
    // deno-lint-ignore no-console -- a test that is passed over says why.
    console.log(`passed over: there is no ${needed} here, which Debian's package of that name brings`);
    return false;
  }
  return true;
}
