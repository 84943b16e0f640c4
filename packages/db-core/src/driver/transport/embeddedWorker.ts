/**
 * The worker that runs the embedded database. In process it would block the event loop for the length of every
 * statement, so that no deadline could fire.
 *
 * Messages in: `{ type: "session" }` starts a clean session, `{ type: "bytes", id, bytes }` runs protocol bytes,
 * `{ type: "close" }` flushes and ends. Messages out: `ready`, `bytes`, `failed`, `closed`.
 */
import { parentPort, workerData } from "node:worker_threads"

const { directory } = workerData as { readonly directory: string | undefined }
const port = parentPort!

/** Its package is optional: a program that is installed without it works with servers only. */
class PackageMissing extends Error {}

const opening = import("@electric-sql/pglite").then(
  ({ PGlite }) => PGlite.create(directory === undefined ? {} : { dataDir: directory }),
  () => Promise.reject(new PackageMissing())
)
// Whoever sends the first message is told; until then nobody listens, and the runtime would end the worker.
opening.catch(() => {})

const simpleQuery = (text: string): Uint8Array => {
  const body = Buffer.from(`${text}\0`)
  const head = Buffer.alloc(5)
  head[0] = 0x51
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

type Message =
  | { readonly type: "session"; readonly id: number }
  | { readonly type: "bytes"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "close" }

/** The session that may speak; bytes of an older one are dropped. */
let current = 0

const handle = async (message: Message): Promise<void> => {
  const database = await opening
  switch (message.type) {
    case "session":
      // The one backend outlives its sessions: what the last one left open must not be inherited.
      await database.execProtocolRaw(simpleQuery("ROLLBACK"))
      await database.execProtocolRaw(simpleQuery("DISCARD ALL"))
      current = message.id
      return port.postMessage({ type: "ready", id: message.id })
    case "bytes":
      if (message.id !== current) return
      return port.postMessage({ type: "bytes", id: message.id, bytes: await database.execProtocolRaw(message.bytes) })
    case "close":
      await database.close()
      return port.postMessage({ type: "closed" })
  }
}

let queue: Promise<void> = Promise.resolve()
port.on("message", (message: Message) => {
  queue = queue.then(() => handle(message)).catch((error: unknown) => {
    // What could not be opened is closed.
    if (!("id" in message)) return port.postMessage({ type: "closed" })
    port.postMessage({ type: "failed", id: message.id, isMissing: error instanceof PackageMissing })
  })
})
