/** A receiver on loopback that keeps what it was told, and answers as the test says. */
import { Notification } from "@ems/schema/contract/Notification"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

export interface Told {
  readonly notification: Notification
  readonly body: string
  readonly headers: http.IncomingHttpHeaders
  readonly path: string
  readonly at: number
}

const decode = Schema.decodeUnknownSync(Notification, { onExcessProperty: "error" })

export const receive = async (answer: (nth: number, response: http.ServerResponse) => void) => {
  const told: Array<Told> = []
  const server = http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => body += chunk)
    request.on("end", () => {
      told.push({
        notification: decode(JSON.parse(body)),
        body,
        headers: request.headers,
        path: request.url ?? "",
        at: performance.now()
      })
      answer(told.length, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    told,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }
}

export const accept = (_: number, response: http.ServerResponse): void => {
  response.writeHead(204).end()
}
