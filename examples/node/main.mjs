// deno-lint-ignore-file no-console
// In a project of its own:
//   deno task package                            (in the repository of the service; it says where the file is)
//   npm install dit-client-0.2.0.tgz && node main.mjs
import { DitClient } from "@dit/client";

const endpoint = process.argv[2] ?? "http://localhost:8000";
const client = new DitClient({
  endpoint,
  app: "demo",
  // The app's own server gives sessions; in development it is the service that signs anybody in.
  session: async () => {
    const body = JSON.stringify({ client: "alice", app: "demo" });
    return (await (await fetch(`${endpoint}/dev/session`, { method: "POST", body })).json()).jwt;
  },
  // Tokens, queue and pseudonym survive the end of the process.
  storage: { folder: "telemetry" },
});
client.on("sent", ({ events }) => console.log(`${events} arrived`));
client.on("refused", ({ step, code }) => console.log(`${step}: ${code}`));
client.log("client_start", { platform: "linux", runtime: "2.9" });
await client.flush();
await client.close();
