import { assertEquals } from "@std/assert";
import { deniedName } from "../../../core/telemetry/deny_list.ts";

Deno.test("deniedName() finds names that mean a person or a device", () => {
  const denied: [string, string][] = [
    ["user_id", "user_id"],
    ["email", "email"],
    ["contact_email_hash", "email"],
    ["device_id", "device_id"],
    ["ip_address", "ip"],
    ["client_address", "client_address"],
    ["session", "session"],
    ["host_name", "host_name"],
    ["hostname", "hostname"],
    ["my_device_id_2", "device_id"],
    ["idfa", "idfa"],
    // OpenTelemetry's semantic conventions, dotted and not.
    ["enduser.id", "enduser"],
    ["user.full_name", "full_name"],
    ["user.hash", "user_hash"],
    ["session.previous_id", "session"],
    ["network.peer.address", "peer_address"],
    ["host.id", "host_id"],
    ["user_agent.original", "user_agent"],
    ["url.full", "url_full"],
    ["service.instance.id", "instance_id"],
  ];
  for (const [name, found] of denied) assertEquals(deniedName(name), found, name);
});

Deno.test("deniedName() lets harmless names pass", () => {
  const harmless = [
    "ok",
    "platform",
    "latency_ms",
    "retries",
    "runtime",
    "plan",
    "description",
    "hosted",
    "zipped",
  ];
  for (const name of [...harmless, "user_count", "devices", "address_family", "trip", "client"]) {
    assertEquals(deniedName(name), undefined, name);
  }
});
