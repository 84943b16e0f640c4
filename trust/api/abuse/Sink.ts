/** Takes what the server exports: spans and metrics by OTLP as JSON, and the webhook's news. Keeps nothing of it. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import type { Canaries } from "./Canaries.ts"

export class Sink {
  private readonly server: http.Server
  spans = 0
  metrics = 0

  private constructor(server: http.Server) {
    this.server = server
  }

  static open(canaries: Canaries): Promise<Sink> {
    const server = http.createServer()
    const sink = new Sink(server)
    server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const what = request.url?.endsWith("/v1/traces") === true
          ? "a span"
          : request.url?.endsWith("/v1/metrics") === true
          ? "an exported metric"
          : "the webhook's body"
        if (what === "a span") sink.spans += text.split("\"spanId\":").length - 1
        if (what === "an exported metric") sink.metrics++
        canaries.look(text, { where: what })
        response.end("{}")
      })
    })
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(sink)))
  }

  get url(): string {
    // A cast: of a TCP server that listens it is one.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  close(): void {
    this.server.closeAllConnections()
    this.server.close()
  }
}
