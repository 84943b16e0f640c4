/**
 * A proxy on loopback that tells the session of the change feed from the others by its startup message, so that a
 * fault can hit it alone. It forwards chunks as they come: histories need thousands of statements a second, and no
 * fault of theirs needs to know a message behind the first.
 */
import * as net from "node:net"

/**
 * `hole`: what either side sends is kept back until it is over, and then arrives after all, as TCP does it. `cut`: each
 * connection ends when it says something.
 */
export type FeedFault = "none" | "hole" | "cut"

export interface FeedProxyStats {
  /** Connections of the feed that were opened. */
  feeds: number
  /** Chunks of the feed that were kept back, and connections of it that were cut. */
  faults: number
  /** Acknowledgements that were held. */
  delayed: number
}

export interface FeedProxy {
  /** The target's URL with the proxy's address. */
  readonly url: string
  readonly stats: FeedProxyStats
  readonly setFeed: (fault: FeedFault) => void
  /** Holds what a server says at the end of a write for a random time up to this. Milliseconds, 0 for none. */
  readonly setAckDelay: (atMostMs: number) => void
  /** Refuses connections, and cuts those that are open, until it is false. */
  readonly setClosed: (isClosed: boolean) => void
  readonly close: () => void
}

export interface FeedProxyOptions {
  readonly target: string
  readonly random: () => number
}

const startupCode = 196_608

/** The application's name in a startup message; nothing while it is not whole. */
export const applicationNameOf = (bytes: Buffer): string | undefined => {
  if (bytes.length < 8 || bytes.length < bytes.readInt32BE(0)) return undefined
  if (bytes.readInt32BE(4) !== startupCode) return ""
  const words = bytes.toString("utf8", 8, bytes.readInt32BE(0)).split("\0")
  const at = words.findIndex((word, index) => index % 2 === 0 && word === "application_name")
  return at < 0 ? "" : words[at + 1] ?? ""
}

/** CommandComplete of what changes something. A row that holds these bytes is held too, which does no harm. */
const ends = ["COMMIT\0", "UPDATE "].map((tag) => Buffer.from(tag))
const isAcknowledgement = (chunk: Buffer): boolean => ends.some((tag) => chunk.includes(tag))

/** One direction: what is late keeps its order. */
class Lane {
  private readonly to: net.Socket
  private waiting = 0
  private due = 0
  private readonly kept: Array<Buffer> = []

  constructor(to: net.Socket) {
    this.to = to
  }

  keep(chunk: Buffer): void {
    this.kept.push(chunk)
  }

  release(): void {
    for (const chunk of this.kept.splice(0)) if (!this.to.destroyed) this.to.write(chunk)
  }

  send(chunk: Buffer, delayMs: number): void {
    if (this.waiting === 0 && delayMs <= 0) return void this.to.write(chunk)
    this.due = Math.max(this.due, performance.now() + delayMs)
    this.waiting++
    setTimeout(() => {
      this.waiting--
      if (!this.to.destroyed) this.to.write(chunk)
    }, this.due - performance.now())
  }
}

export const startFeedProxy = async ({ random, target }: FeedProxyOptions): Promise<FeedProxy> => {
  const { hostname, port } = new URL(target)
  const stats: FeedProxyStats = { feeds: 0, faults: 0, delayed: 0 }
  const open = new Set<() => void>()
  const lost = new Set<Lane>()
  let fault: FeedFault = "none"
  let ackDelayMs = 0
  let isClosed = false

  const serve = (client: net.Socket) => {
    client.on("error", () => {})
    if (isClosed) return void client.resetAndDestroy()
    const server = net.connect({ host: hostname, port: Number(port), noDelay: true })
    const cut = () => {
      open.delete(cut)
      client.destroy()
      server.destroy()
    }
    open.add(cut)
    server.on("error", cut)
    client.on("close", cut)
    server.on("close", cut)

    /** Nothing until the startup message is whole. */
    let isFeed: boolean | undefined
    let begun = Buffer.alloc(0)
    const toServer = new Lane(server)
    const toClient = new Lane(client)
    const forward = (lane: Lane, chunk: Buffer, delayMs = 0): void => {
      if (isFeed !== true || fault === "none") return lane.send(chunk, delayMs)
      stats.faults++
      if (fault === "cut") return cut()
      lane.keep(chunk)
      lost.add(lane)
    }
    client.on("data", (chunk: Buffer) => {
      if (isFeed === undefined) {
        begun = Buffer.concat([begun, chunk])
        const name = applicationNameOf(begun)
        if (name === undefined) return
        isFeed = name.endsWith(" feed")
        if (isFeed) stats.feeds++
        return forward(toServer, begun)
      }
      forward(toServer, chunk)
    })
    server.on("data", (chunk: Buffer) => {
      const isLate = ackDelayMs > 0 && isFeed === false && isAcknowledgement(chunk)
      if (isLate) stats.delayed++
      forward(toClient, chunk, isLate ? ackDelayMs * random() : 0)
    })
  }

  const listener = await new Promise<net.Server>((resolve, reject) => {
    const made = net.createServer({ noDelay: true }, serve)
    made.once("error", reject)
    made.listen(0, "127.0.0.1", () => resolve(made))
  })
  const address = listener.address()
  const url = new URL(target)
  url.hostname = "127.0.0.1"
  url.port = String(address !== null && typeof address === "object" ? address.port : 0)
  url.searchParams.set("sslmode", "disable")
  const cutAll = () => {
    for (const cut of open) cut()
  }
  return {
    url: url.href,
    stats,
    setFeed: (next) => {
      fault = next
      if (next === "hole") return
      for (const lane of lost) lane.release()
      lost.clear()
    },
    setAckDelay: (atMostMs) => {
      ackDelayMs = atMostMs
    },
    setClosed: (next) => {
      isClosed = next
      if (next) cutAll()
    },
    close: () => {
      listener.close()
      cutAll()
    }
  }
}
