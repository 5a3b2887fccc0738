import { assertEquals } from "@std/assert";
import { deniedName } from "../../../core/schema/deny_list.ts";

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
    ["net.sock.peer.addr", "addr"],
    ["net.peer.name", "peer_name"],
    ["destination.address", "address"],
    ["process.command_args", "process_command_args"],
    ["k8s.pod.name", "pod_name"],
    ["tls.client.ja3", "ja3"],
    ["geo.locality.name", "locality"],
    // The same in other hands: alone, as plurals, with numbers, without separators, in capitals.
    ["address", "address"],
    ["mac", "mac"],
    ["host", "host"],
    ["user", "user"],
    ["emails", "email"],
    ["addresses", "address"],
    ["email2", "email"],
    ["user_ids", "user_id"],
    ["user1_id", "user_id"],
    ["user_id2", "user_id"],
    ["accountid", "account_id"],
    ["customerids", "customer_id"],
    ["emailaddress", "email_address"],
    ["macaddress", "mac_address"],
    ["my_useremail", "user_email"],
    ["userId", "userid"],
    ["USER_ID", "user_id"],
    ["reply_address_2", "address"],
    ["request_id", "request_id"],
    ["push_token", "push_token"],
    ["employee_id", "employee_id"],
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
    "status",
    "class",
    "addressed",
    "machine",
    "host_arch",
    "user_initiated",
    "os_version2",
    "idle",
    "hosts_reachable",
    "lateness",
  ];
  for (
    const name of [
      ...harmless,
      "user_count",
      "devices",
      "trip",
      "client",
      "address_family",
      "mac_build",
      "is_user",
    ]
  ) {
    assertEquals(deniedName(name), undefined, name);
  }
});
