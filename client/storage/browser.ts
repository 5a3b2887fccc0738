import { IndexedDbStorage } from "./indexed_db.ts";
import { LocalStorage } from "./local.ts";
import { MemoryStorage } from "./memory.ts";
import type { ClientStorage } from "./storage.ts";

/**
 * The best storage that a browser grants: IndexedDB, else `localStorage` where locks keep tabs apart, else memory, so
 * that each tab has its own queue and tokens. `name` tells apps of one origin apart: choose one that the app uses
 * for no other database or item.
 *
 * @example
 * ```ts ignore
 * import { browserStorage, DitClient } from "@dit/service";
 *
 * const storage = await browserStorage("telemetry");
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export async function browserStorage(name: string): Promise<ClientStorage> {
  for (const candidate of [() => new IndexedDbStorage(name), () => new LocalStorage(name)]) {
    try {
      const storage = candidate();
      // Denied storage shows when it is used, and full storage when it is written.
      await storage.transaction((entries) => entries.set("probe", ""));
      await storage.transaction((entries) => entries.delete("probe"));
      return storage;
    } catch {
      // The next one.
    }
  }
  return new MemoryStorage();
}
