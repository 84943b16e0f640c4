/** What a test can make the wire proxy do. A mutable record: change it while connections are open. */
import { errorResponse, message } from "./Wire.ts"

/** One message on its way, with what the proxy knows about it. */
export interface WireFrame {
  /** Who sent it. */
  readonly from: "client" | "server"
  /** The type byte; before the login `startup`, `ssl`, `gss`, `cancel`, and `answer` for the byte after `ssl`. */
  readonly type: string
  readonly bytes: Buffer
  /**
   * The text of the statement it belongs to, also where the frame names a statement that was parsed long ago. On Sync
   * and ReadyForQuery: of the last one that was executed before it.
   */
  readonly sql: string | undefined
  /** Of a CommandComplete, e.g. `INSERT 0 1`. */
  readonly tag: string | undefined
  /** Of a ReadyForQuery: `I`, `T` or `E`. */
  readonly status: string | undefined
  /** Nothing of the client's stands open before it: it begins a statement. */
  readonly first: boolean
  /** Connections are numbered from 1. */
  readonly connection: number
}

export type WireAction =
  /** Ends the connection on both sides, without this frame, behind it, or in the middle of it. */
  | { readonly do: "cut"; readonly how: "reset" | "end"; readonly at: "before" | "after" | "inside" }
  /** Loses this frame. */
  | { readonly do: "drop" }
  /** Loses this frame and everything that follows in its direction; the other direction goes on. */
  | { readonly do: "mute" }
  /** Keeps this frame and what follows in its direction until `heal`; sockets stay open. */
  | { readonly do: "hold" }
  | { readonly do: "delay"; readonly ms: number }
  /** Sends these bytes in its place; then ends the connection if `end`. */
  | { readonly do: "replace"; readonly bytes: Buffer; readonly end?: boolean }
  /** Puts a statement of its own before this frame on the same session; the client sees of its answer only a FATAL. */
  | { readonly do: "ask"; readonly sql: string }

export interface WireRule {
  readonly match: (frame: WireFrame) => boolean
  readonly action: WireAction
  /** Fires at most so often. Default: without end. */
  readonly times?: number
  /** Lets so many matches pass between two that fire. Default 0. */
  readonly spare?: number
}

/** A rule in force: it counts. */
export interface ArmedRule extends WireRule {
  matched: number
  fired: number
}

export interface WirePlan {
  rules: Array<ArmedRule>
  /**
   * `refuse`: nobody listens on the port; `silent`: accepted and never answered; `reset`: accepted and cut; `garbage`:
   * answered with bytes that are no Postgres message.
   */
  connect: "accept" | "refuse" | "silent" | "reset" | "garbage"
  /** Keeps everything of every connection back in both directions. */
  hold: boolean
  /** Loses everything that this side sends. */
  mute: "none" | "client" | "server" | "both"
  /** Delays every frame. */
  delayMs: number
  /** Sends at most so many bytes at a time; 0 for whole frames. */
  sliceBytes: number
}

export const noWireFault = (): WirePlan => ({
  rules: [],
  connect: "accept",
  hold: false,
  mute: "none",
  delayMs: 0,
  sliceBytes: 0
})

export interface WireStats {
  accepted: number
  refused: number
  open: number
  cancelRequests: number
  /** Frames that a rule or the plan kept, changed or lost, and connections that were not served. */
  fired: number
  cuts: number
  framesFromClient: number
  framesFromServer: number
}

export const noWireStats = (): WireStats => ({
  accepted: 0,
  refused: 0,
  open: 0,
  cancelRequests: 0,
  fired: 0,
  cuts: 0,
  framesFromClient: 0,
  framesFromServer: 0
})

const asks = (frame: WireFrame, types: string): boolean => frame.from === "client" && types.includes(frame.type)

/** Predicates for rules. A statement matches by its text. */
export const on = {
  /** The first frame of a statement: Query, Parse, or Bind of one that was parsed before. */
  statement: (text: RegExp) => (frame: WireFrame) => frame.first && asks(frame, "QPB") && text.test(frame.sql ?? ""),
  /** The frame that makes the server run the statement and answer: Query or Sync. */
  sent: (text: RegExp) => (frame: WireFrame) => asks(frame, "QS") && text.test(frame.sql ?? ""),
  /** CommandComplete with a tag like this. */
  complete: (tag: RegExp) => (frame: WireFrame) =>
    frame.from === "server" && frame.type === "C" && tag.test(frame.tag ?? ""),
  /** ReadyForQuery behind a statement like this. */
  ready: (text: RegExp) => (frame: WireFrame) =>
    frame.from === "server" && frame.type === "Z" && text.test(frame.sql ?? ""),
  dataRow: (text: RegExp) => (frame: WireFrame) =>
    frame.from === "server" && frame.type === "D" && text.test(frame.sql ?? ""),
  /** Any message before the login has ended, e.g. `startup` or the server's `R`. */
  type: (from: "client" | "server", type: string) => (frame: WireFrame) => frame.from === from && frame.type === type
}

/** The message with which a server ends a session. */
export const fatal = (code: string, text: string): Buffer => errorResponse({ severity: "FATAL", code, message: text })

/** A simple Query. */
export const query = (sql: string): Buffer => message("Q", Buffer.from(`${sql}\0`))

/** Bytes that begin like a message of an unknown type and of an absurd length. */
export const garbage = (): Buffer => Buffer.concat([message("~", Buffer.alloc(3, 0xff)), Buffer.alloc(64, 0xee)])
