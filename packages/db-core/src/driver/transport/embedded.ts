/**
 * PGlite behind the wire protocol: one backend in a worker, so one session at a time.
 */
import { Worker } from "node:worker_threads"
import type { Target } from "../../config/DbUrl.ts"
import { type CountingDuplex, WireDuplex } from "./WireDuplex.ts"

type Answer =
  | { readonly type: "ready"; readonly id: number }
  | { readonly type: "bytes"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "failed"; readonly id: number; readonly isMissing: boolean }
  | { readonly type: "closed" }

const failed = "the embedded database failed"
const missing = "the embedded database needs the package @electric-sql/pglite: npm install @electric-sql/pglite"

const terminate = 0x58
const cancelRequestCode = 80877102

const isCancelRequest = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && Buffer.from(bytes.buffer, bytes.byteOffset).readInt32BE(4) === cancelRequestCode

/** The embedded database of one driver. */
export interface Embedded {
  readonly open: () => CountingDuplex
  /** Flushes the data directory and ends the worker. */
  readonly close: () => Promise<void>
}

export const embedded = (target: Target): Embedded => {
  let worker: Worker | undefined
  let ended: Error | undefined
  let nextId = 1
  const sessions = new Map<number, WireDuplex>()

  const start = (): Worker => {
    if (worker !== undefined) return worker
    const started = new Worker(new URL("./embeddedWorker.ts", import.meta.url), {
      workerData: { directory: target.directory }
    })
    started.on("message", (answer: Answer) => {
      if (answer.type === "closed") return
      const session = sessions.get(answer.id)
      if (session === undefined) return
      if (answer.type === "bytes") return session.receive(answer.bytes)
      if (answer.type === "failed") return void session.destroy(new Error(answer.isMissing ? missing : failed))
      session.attach({
        write: (bytes, done) => {
          done()
          if (bytes[0] === terminate) return session.peerClosed()
          // Copied: the wire client's buffers come from Node's shared pool, which cannot be transferred.
          started.postMessage({ type: "bytes", id: answer.id, bytes: Uint8Array.from(bytes) })
        },
        end: () => session.peerClosed(),
        destroy: () => void sessions.delete(answer.id)
      })
    })
    const onEnd = () => {
      ended = new Error("the embedded database ended")
      for (const session of sessions.values()) session.destroy(ended)
    }
    started.once("error", onEnd)
    started.once("exit", onEnd)
    worker = started
    return started
  }

  const open = (): CountingDuplex => {
    if (ended !== undefined) throw ended
    const id = nextId++
    const session = new WireDuplex(() => void sessions.delete(id))
    const first = session.write.bind(session)
    // A CancelRequest opens a connection of its own. The one backend is busy and cannot be cancelled, and a session
    // opened for it would throw out the one that runs.
    session.write = ((chunk: Uint8Array, ...rest: ReadonlyArray<never>) => {
      session.write = first
      if (isCancelRequest(chunk)) {
        session.peerClosed()
        return false
      }
      sessions.set(id, session)
      start().postMessage({ type: "session", id })
      return first(chunk, ...rest)
    }) as typeof session.write
    return session
  }

  const close = async (): Promise<void> => {
    if (worker === undefined || ended !== undefined) return
    const closing = worker
    await new Promise<void>((resolve) => {
      closing.on("message", (answer: Answer) => {
        if (answer.type === "closed") resolve()
      })
      closing.once("exit", () => resolve())
      closing.postMessage({ type: "close" })
    })
    await closing.terminate()
  }

  return { open, close }
}
