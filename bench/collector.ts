/** A process that takes OTLP spans as JSON, counts them and answers `GET /count`. Ends with its parent. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"

let received = 0
const mark = Buffer.from("\"spanId\":")

/** Counted, not parsed: a collector would do its work on a machine of its own. */
const count = (body: Buffer): number => {
  let found = 0
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) found++
  return found
}

const server = http.createServer((request, response) => {
  if (request.method === "GET") {
    response.end(String(received))
    return
  }
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    received += count(Buffer.concat(chunks))
    response.end("{}")
  })
})
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port))
process.stdin.on("end", () => process.exit(0)).resume()
