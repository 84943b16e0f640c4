/** Whose request it is, as far as an address says. */
import * as net from "node:net"

/** An IPv4 address in IPv6's clothes. */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The first four groups: whoever has one address of a /64 has all of them (RFC 6177). */
const network = (address: string): string => {
  const [head = "", tail] = address.split("%", 1).join("").split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const groups = tail === undefined
    ? before
    : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after]
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`
}

/** What limits are counted by: an IPv4 address, or the /64 of an IPv6 address. */
const normal = (address: string): string => {
  const [, inner] = mapped.exec(address) ?? []
  if (inner !== undefined) return inner
  return net.isIPv6(address) ? network(address) : address
}

/**
 * `socket` is the peer's; with `proxies` in front it is the last of them, and each has noted in `X-Forwarded-For` whose
 * request it passed on. What stands before those notes anybody may have written.
 */
export const clientAddress = (request: Request, socket: string | undefined, proxies: number): string => {
  const noted = proxies === 0 ? null : request.headers.get("x-forwarded-for")
  const given = noted?.split(",").at(-proxies)?.trim()
  const address = given !== undefined && net.isIP(given) !== 0 ? given : socket
  return address === undefined ? "unknown" : normal(address)
}
