import { REQUEST_TIMEOUT_MILLISECONDS } from "../base/deadline.ts";
import type { ClientStorage } from "./storage.ts";

/**
 * Runs `work` while no other tab runs theirs, where the storage can see to it. Another one that holds on for half a minute
 * (its page is frozen, or its network hangs) is not waited for any longer: then two may send the same bytes, which the
 * service recognises.
 */
export async function alone(storage: ClientStorage, work: () => Promise<void>): Promise<void> {
  if (storage.exclusively === undefined) return await work();
  let begun: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    clearTimeout(timer);
    return begun ??= work();
  };
  const tired = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => begin().then(resolve, reject), REQUEST_TIMEOUT_MILLISECONDS);
  });
  try {
    await Promise.race([storage.exclusively(begin), tired]);
  } finally {
    clearTimeout(timer);
  }
}
