import { describe, expect, it } from "vitest"
import { clientAddress } from "../src/http/ClientAddress.ts"
import { get } from "./support.ts"

const from = (forwarded: string) => get("/", { headers: { "x-forwarded-for": forwarded } })

describe("the client's address", () => {
  it.each([
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, "unknown"]
  ])("of the socket %s is %s", (socket, expected) => {
    expect(clientAddress(get("/"), socket, 0)).toBe(expected)
  })

  it("is not what anybody may write in a header", () => {
    expect(clientAddress(from("1.1.1.1"), "10.0.0.1", 0)).toBe("10.0.0.1")
    expect(clientAddress(from("1.1.1.1, 2.2.2.2"), "10.0.0.1", 1)).toBe("2.2.2.2")
    expect(clientAddress(from("1.1.1.1, 2.2.2.2, 3.3.3.3"), "10.0.0.1", 2)).toBe("2.2.2.2")
  })

  it.each(["", "x", "1.1.1.1, <script>", "1.1.1.1,"])("is the socket's where a proxy noted none: %j", (forwarded) => {
    expect(clientAddress(from(forwarded), "10.0.0.1", 1)).toBe("10.0.0.1")
  })
})
