/** The part of `navigator.locks` (Web Locks API) that storages use. */
export interface WebLocks {
  /** Runs `work` while nobody else holds the lock `name`. */
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** The platform's locks; undefined where there are none: before 2022, and outside of secure contexts. */
export function webLocks(): WebLocks | undefined {
  return (globalThis.navigator as { locks?: WebLocks } | undefined)?.locks;
}
