/** A minimal client for the stand-in's own tests, which must not depend on the driver that it is there to test. */
import { once } from "node:events"
import { WebSocket } from "ws"
import * as Wire from "../src/Wire.ts"

export interface NeonClient {
  /** Messages until the type `until` (inclusive), or until an ErrorResponse, or until the connection is gone. */
  readonly read: (until: string) => Promise<Array<Buffer>>
  readonly send: (...messages: Array<Buffer>) => void
  readonly closed: Promise<void>
  readonly close: () => void
}

export const openNeonClient = async (url: string): Promise<NeonClient> => {
  const ws = new WebSocket(url, { perMessageDeflate: false })
  const reader = new Wire.FrameReader()
  const frames: Array<Buffer> = []
  let gone = false
  let wake = () => {}
  ws.on("message", (data) => {
    if (Buffer.isBuffer(data)) frames.push(...reader.push(data))
    wake()
  })
  const closed = new Promise<void>((resolve) =>
    ws.on("close", () => {
      gone = true
      wake()
      resolve()
    })
  )
  await once(ws, "open") // rejects with the error of a refused upgrade
  ws.on("error", () => {})
  return {
    send: (...messages) => ws.send(Buffer.concat(messages)),
    read: async (until) => {
      const out: Array<Buffer> = []
      for (;;) {
        const frame = frames.shift()
        if (frame === undefined) {
          if (gone) return out
          await new Promise<void>((resolve) => wake = resolve)
          continue
        }
        out.push(frame)
        if (Wire.typeOf(frame) === until || Wire.typeOf(frame) === "E") return out
      }
    },
    closed,
    close: () => ws.close()
  }
}

export const simpleQuery = (sql: string): Buffer => Wire.message("Q", Buffer.from(`${sql}\0`))
export const passwordMessage = (password: string): Buffer => Wire.message("p", Buffer.from(`${password}\0`))
export const types = (frames: ReadonlyArray<Buffer>): string => frames.map(Wire.typeOf).join("")

/** The first column of every row. */
export const firstColumn = (frames: ReadonlyArray<Buffer>): Array<string> =>
  frames.filter((frame) => Wire.typeOf(frame) === "D")
    .map((frame) => frame.toString("utf8", 11, 11 + frame.readInt32BE(7)))

/** Logs in as the user of `url` and returns the messages up to ReadyForQuery, or up to the refusal. */
export const logInTo = async (client: NeonClient, url: string, more: Record<string, string> = {}) => {
  const { password, pathname, username } = new URL(url)
  client.send(Wire.startupMessage({ user: username, database: pathname.slice(1), ...more }))
  const asked = await client.read("R")
  client.send(passwordMessage(decodeURIComponent(password)))
  return { asked, greeting: await client.read("Z") }
}
