/** Bytes that are no request, or not the one that they seem: what is below HTTP has to survive them. */
import type { Sending } from "../Wire.ts"
import { bearer, written } from "../Wire.ts"
import type { Attempt } from "./Attempt.ts"
import { planted } from "./Canaries.ts"
import type { Dice } from "./Dice.ts"

const text = (lines: ReadonlyArray<string>, body = ""): Uint8Array =>
  Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1")

const chunked = (size: number): string => {
  const chunk = planted.padEnd(4096, "x")
  return `1000\r\n${chunk}\r\n`.repeat(Math.ceil(size / 4096)) + "0\r\n\r\n"
}

export const brokenFraming = (accessToken: string, dice: Dice): Attempt => {
  const [, value] = bearer(accessToken)
  const auth = `authorization: ${value}`
  const post = ["POST /api/db/explain HTTP/1.1", "host: localhost", auth, "content-type: application/json"]
  const get = ["GET /api/db/cache HTTP/1.1", "host: localhost", auth]
  const body = "{\"sql\":\"select 1\"}"
  const many = (count: number, length: number) =>
    Array.from({ length: count }, (_, at) => `x-${at}: ${planted.padEnd(length, "h")}`)
  const line = (first: string) => text([first, "host: localhost", auth])
  const kinds: ReadonlyArray<readonly [kind: string, bytes: Uint8Array, isDropped?: boolean]> = [
    ["chunked, too large", text([...post, "transfer-encoding: chunked"], chunked(200_000))],
    ["chunked, far too large", text([...post, "transfer-encoding: chunked"], chunked(600_000))],
    ["chunked, a bad size", text([...post, "transfer-encoding: chunked"], `zz\r\n${body}\r\n0\r\n\r\n`)],
    ["chunked, a negative size", text([...post, "transfer-encoding: chunked"], `-1\r\n${body}\r\n0\r\n\r\n`)],
    ["chunked, a huge size", text([...post, "transfer-encoding: chunked"], `ffffffffffffffff\r\n${body}`)],
    [
      "chunked, with extensions",
      text([...post, "transfer-encoding: chunked"], `12;${planted}=1\r\n${body}\r\n0\r\n\r\n`)
    ],
    [
      "chunked and a length",
      text([...post, "content-length: 4", "transfer-encoding: chunked"], `12\r\n${body}\r\n0\r\n\r\n`)
    ],
    [
      "a length and chunked, smuggling",
      text(
        [...post, "transfer-encoding: chunked", "content-length: 60"],
        `0\r\n\r\nGET /api/auth/tokens HTTP/1.1\r\nhost: localhost\r\n\r\n`
      )
    ],
    ["an unknown coding", text([...post, "transfer-encoding: xchunked"], `12\r\n${body}\r\n0\r\n\r\n`)],
    ["two lengths", text([...post, "content-length: 18", "content-length: 5"], body)],
    ["a negative length", text([...post, "content-length: -5"], body)],
    ["a length that is no number", text([...post, "content-length: 1e2"], body)],
    ["a length beyond all numbers", text([...post, "content-length: 99999999999999999999"], body)],
    ["a longer body than it is said to be", text([...post, "content-length: 5"], body)],
    ["dropped in the body", text([...post, "content-length: 500"], body), true],
    ["dropped in the head", Buffer.from(`${post.join("\r\n")}\r\nx-${planted}`), true],
    ["dropped before the answer", text([...post, "content-length: 18"], body), true],
    ["dropped before a long answer", text(["GET /openapi/json HTTP/1.1", "host: localhost"]), true],
    ["200 headers", text([...get, ...many(200, 20)])],
    ["2000 headers", text([...get, ...many(2000, 20)])],
    ["a header of 32 KiB", text([...get, ...many(1, 32_768)])],
    ["a header of 1 MiB", text([...get, ...many(1, 1_048_576)])],
    [
      "a token of 100 KiB",
      text(["GET /api/db/cache HTTP/1.1", "host: localhost", `authorization: Bearer ${"a".repeat(100_000)}`])
    ],
    ["a path of 10 KiB", line(`GET /${planted.padEnd(10_000, "p")} HTTP/1.1`)],
    ["a path of 100 KiB", line(`GET /${planted.padEnd(100_000, "p")} HTTP/1.1`)],
    ["10,000 parameters", line(`GET /api/db/tables?${"a=1&".repeat(10_000)} HTTP/1.1`)],
    ["10,000 times the same", line(`GET /api/db/tables?${"limit=1&".repeat(10_000)} HTTP/1.1`)],
    ["3000 parameters", line(`GET /api/db/tables?${"limit=1&".repeat(1800)} HTTP/1.1`)],
    ["a method nobody defined", line(`${planted.replaceAll(/\W/g, "")} /api/db/cache HTTP/1.1`)],
    ["a very long method", line(`${"M".repeat(9000)} / HTTP/1.1`)],
    ["a method in lower case", line("get /api/db/cache HTTP/1.1")],
    ["CONNECT", line("CONNECT 127.0.0.1:5432 HTTP/1.1")],
    ["TRACE", line("TRACE / HTTP/1.1")],
    ["QUERY", line(`QUERY /api/events?q=${encodeURIComponent(planted)} HTTP/1.1`)],
    ["HTTP/2's preface", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
    ["HTTP/0.9", Buffer.from("GET /\r\n")],
    ["HTTP/1.0", line("GET /livez HTTP/1.0")],
    ["HTTP/1.0 without a host", text(["GET /api/db/cache HTTP/1.0"])],
    ["HTTP/3.7", line("GET /livez HTTP/3.7")],
    ["no version", line("GET /livez")],
    ["no host", text(["GET /livez HTTP/1.1"])],
    ["two hosts", text(["GET /livez HTTP/1.1", "host: a", "host: b"])],
    ["a host that is none", text(["GET /nothing HTTP/1.1", `host: ${planted}/x?`])],
    ["a host with a port that is none", text(["GET /nothing HTTP/1.1", "host: x:99999"])],
    ["a host in brackets", text(["GET /nothing HTTP/1.1", "host: [::1"])],
    ["an absolute target", line(`GET http://example.org/livez?${planted} HTTP/1.1`)],
    ["a target that is no path", line(`GET ${planted} HTTP/1.1`)],
    ["spaces in the target", line(`GET /livez ${planted} HTTP/1.1`)],
    ["NUL in the target", line("GET /live\0z HTTP/1.1")],
    ["bytes above 127 in the target", line("GET /l\u00ffv\u00e9z HTTP/1.1")],
    ["a percent sign alone", line("GET /api/events/% HTTP/1.1")],
    ["no UTF-8 behind percent signs", line("GET /api/db/queries/%ff%fe HTTP/1.1")],
    ["half a percent sign in the query", line("GET /api/db/tables?limit=%E0%A4%A HTTP/1.1")],
    ["NUL in a header", text([...get, `x-a: ${planted}\0b`])],
    ["a header without a colon", text([...get, planted])],
    ["a space before the colon", text([...get, `x-a : ${planted}`])],
    ["an empty name", text([...get, `: ${planted}`])],
    ["a folded header", text([...get, `x-a: 1\r\n ${planted}`])],
    ["line feeds alone", Buffer.from(`GET /livez HTTP/1.1\nhost: localhost\nx-a: ${planted}\n\n`)],
    ["carriage returns alone", Buffer.from("GET /livez HTTP/1.1\rhost: localhost\r\r"), true],
    ["TLS", Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array.from({ length: 60 }, () => 7)]), true],
    ["nothing but NUL", Buffer.alloc(2000)],
    ["noise", Buffer.from(Array.from({ length: 3000 }, () => dice.below(256)))],
    ["expects 100-continue", text([...post, "expect: 100-continue", "content-length: 18"], body)],
    ["expects something else", text([...post, `expect: ${planted}`, "content-length: 18"], body)],
    [
      "wants a WebSocket",
      text([
        ...get,
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="
      ])
    ],
    [
      "wants HTTP/2",
      text([...get, "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"])
    ]
  ]
  const [kind, bytes, isDropped = false] = dice.of(kinds)
  return { operation: "the socket", kind, bytes, isHead: false, expects: "anything", isDropped }
}

/** Several requests at once on one connection; the answers have to come in their order. */
export const pipelined = (
  accessToken: string
): { readonly bytes: Uint8Array; readonly statuses: ReadonlyArray<number> } => {
  const headers = [bearer(accessToken)]
  const all: ReadonlyArray<readonly [Sending, number]> = [
    [{ target: "/livez" }, 200],
    [{ target: "/api/auth/tokens" }, 401],
    [{ target: `/${encodeURIComponent(planted)}` }, 404],
    [{ target: "/api/db/cache", headers }, 200],
    [{
      method: "POST",
      target: "/api/db/explain",
      headers: [...headers, ["content-type", "application/json"]],
      body: "{"
    }, 400],
    [{ target: "/livez" }, 200]
  ]
  return { bytes: Buffer.concat(all.map(([sending]) => written(sending))), statuses: all.map(([, status]) => status) }
}
