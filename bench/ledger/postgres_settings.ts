/** PostgreSQL as a deployment has it: a commit is on the disk before it is answered. */
export const SETTINGS: readonly string[] = ["fsync=on", "shared_buffers=512MB", "max_wal_size=4GB"];
