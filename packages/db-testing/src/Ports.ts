/** TCP ports of this machine. */
import * as net from "node:net"

const listen = (port: number, host: string): Promise<{ readonly port: number }> =>
  new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once("error", reject)
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => resolve({ port: address !== null && typeof address === "object" ? address.port : port }))
    })
  })

/** A port of 127.0.0.1 that was free a moment ago. */
export const freePort = async (): Promise<number> => (await listen(0, "127.0.0.1")).port

/** `undefined` when one can listen there, else the system's error code, e.g. `EADDRINUSE`. */
export const whyNotFree = (port: number, host: string): Promise<string | undefined> =>
  listen(port, host).then(
    () => undefined,
    (error: unknown) => error instanceof Error && "code" in error ? String(error.code) : String(error)
  )
