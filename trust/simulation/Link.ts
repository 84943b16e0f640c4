/**
 * One connection between the wire client and the simulated server: a socket whose every delivery is an event, and
 * which can be cut, delayed, sliced or silenced at any message.
 */
import { type CountingDuplex, WireDuplex } from "@ems/db-core/driver/transport/WireDuplex"
import type { FaultPlan } from "./FaultPlan.ts"
import { cancelTarget, FrameReader, framesOf, isCancelRequest } from "./Frames.ts"
import type { Fault } from "./Scenario.ts"
import type { Server, ServerSession } from "./Server.ts"
import { cutAt, StatementReader } from "./Statement.ts"
import type { Event, World } from "./World.ts"

/** When the two ends of a connection that went silent notice. Milliseconds. */
const notices = { server: 3000, client: 40_000 }

const socketError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall })

export interface Network {
  readonly world: World
  readonly server: Server
  readonly plan: FaultPlan
  readonly random: () => number
  /** Of one way, at most. Milliseconds. */
  readonly latency: number
}

export class Link {
  readonly duplex: CountingDuplex
  private readonly socket: WireDuplex
  private readonly network: Network
  private session: ServerSession | undefined
  private readonly statements = new StatementReader()
  private readonly reader = new FrameReader()
  /** Bytes arrive in order: none before those that were sent first. */
  private serverAt = 0
  private clientAt = 0
  private readonly inFlight = new Set<Event>()
  /** Nothing more gets to the server, or to the client. */
  private isDeaf = false
  private isMute = false
  private isClosed = false

  constructor(network: Network) {
    this.network = network
    const socket = new WireDuplex()
    this.socket = socket
    this.duplex = socket
    const write = socket.write.bind(socket)
    // What the connection is for is known from its first bytes.
    socket.write = ((chunk: Uint8Array, ...rest: ReadonlyArray<never>) => {
      socket.write = write
      this.begin(chunk)
      return write(chunk, ...rest)
    }) as typeof socket.write
  }

  private begin(first: Uint8Array): void {
    const { plan, world } = this.network
    const isCancel = isCancelRequest(first)
    const fault = plan.take(isCancel ? "cancel" : "connect")
    if (fault?.kind === "connectHang" || fault?.kind === "cancelLost") return
    const delay = this.way() + (fault?.kind === "connectSlow" || fault?.kind === "cancelLate" ? fault.ms : 0)
    world.after(delay, () => {
      if (this.socket.destroyed) return
      if (fault?.kind === "connectRefused") return this.closeClient(socketError("ECONNREFUSED", "connect"))
      this.socket.attach({
        write: (chunk, done) => {
          // Copied: the bytes travel on after the client has been told that they are gone.
          const bytes = new Uint8Array(chunk)
          done()
          if (isCancel) this.cancel(bytes)
          else if (this.session === undefined) this.startup(bytes, fault)
          else this.send(bytes)
        },
        end: () => this.leave(false),
        destroy: () => this.leave(this.network.random() < 0.3)
      })
    })
  }

  private way(): number {
    return 0.02 + this.network.random() * this.network.latency
  }

  private cancel(bytes: Uint8Array): void {
    const { server } = this.network
    this.toServer(0, () => {
      server.cancel(...cancelTarget(bytes))
      this.close()
    })
  }

  private startup(bytes: Uint8Array, fault: Fault | undefined): void {
    this.session = this.network.server.makeSession(this)
    const { session } = this
    this.toServer(0, () => this.network.server.start(session, bytes, fault))
  }

  private send(bytes: Uint8Array): void {
    const { plan, server } = this.network
    const session = this.session!
    for (const frame of this.reader.read(bytes)) {
      if (this.isDeaf) return
      if (frame.type === "X") {
        this.leave(false)
        continue
      }
      if (frame.type === "p") {
        this.toServer(0, () => server.admit(session))
        continue
      }
      const complete = this.statements.add(frame)
      if (complete === undefined) continue
      const fault = plan.take(complete.moment)
      const statement = { ...complete, fault }
      switch (fault?.kind) {
        case "cutRequest": {
          // Without its Sync the server does nothing that lasts.
          const part = cutAt(complete.frames, fault.messages, fault.bytes)
          this.toServer(0, () => server.leave(session, part.length > 0))
          this.isDeaf = true
          this.isMute = true
          this.network.world.after(
            this.way(),
            () => this.closeClient(fault.how === "reset" ? socketError("ECONNRESET", "read") : undefined)
          )
          break
        }
        case "loseRequest":
          this.silence()
          break
        case "strand":
          this.toServer(fault.ms, () => server.arrive(session, statement))
          this.toServer(0, () => server.leave(session, false))
          this.isDeaf = true
          this.isMute = true
          this.network.world.after(this.way(), () => this.closeClient(socketError("ECONNRESET", "read")))
          break
        default:
          this.toServer(fault?.kind === "delayRequest" ? fault.ms : 0, () => server.arrive(session, statement))
      }
    }
  }

  /** Plans `run` for when what is sent now arrives. */
  private toServer(delay: number, run: () => void): void {
    const { world } = this.network
    this.serverAt = Math.max(this.serverAt, world.now + this.way() + delay)
    const event = world.at(this.serverAt, () => {
      this.inFlight.delete(event)
      run()
    })
    this.inFlight.add(event)
  }

  /** The client is gone. `isReset`: what was under way is lost with it. */
  private leave(isReset: boolean): void {
    if (this.isClosed) return
    this.isClosed = true
    if (this.isDeaf) return
    this.isDeaf = true
    if (isReset) { for (const event of this.inFlight) event.cancelled = true }
    const { session } = this
    if (session !== undefined) this.toServer(0, () => this.network.server.leave(session, isReset))
  }

  /** From the server. */
  reply(bytes: Uint8Array, fault: Fault | undefined): void {
    switch (fault?.kind) {
      case "cutReply": {
        this.toClient(0, cutAt(framesOf(bytes), fault.messages, fault.bytes))
        this.isMute = true
        const { world } = this.network
        world.at(
          this.clientAt + 0.01,
          () => this.closeClient(fault.how === "reset" ? socketError("ECONNRESET", "read") : undefined)
        )
        break
      }
      case "loseReply":
        this.isMute = true
        this.noticeSilence()
        break
      case "slice":
        this.toClient(0, bytes, fault.pieces)
        break
      case "garbage":
        this.toClient(0, Uint8Array.of(0x3f, 0, 0, 0, 1, 0xff, 0xfe))
        this.isMute = true
        break
      default:
        this.toClient(fault?.kind === "delayReply" ? fault.ms : 0, bytes)
    }
  }

  private toClient(delay: number, bytes: Uint8Array, pieces = 1): void {
    if (this.isMute || bytes.length === 0) return
    const { world } = this.network
    this.clientAt = Math.max(this.clientAt, world.now + this.way() + delay)
    const size = Math.ceil(bytes.length / pieces)
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size)
      world.at(this.clientAt, () => this.socket.receive(piece))
    }
  }

  /** The server has nothing more to say. */
  close(): void {
    if (this.isMute) return
    this.isMute = true
    this.isDeaf = true
    const { world } = this.network
    world.at(Math.max(this.clientAt, world.now + this.way()) + 0.01, () => this.closeClient(undefined))
  }

  private closeClient(error: Error | undefined): void {
    if (this.socket.destroyed) return
    if (error === undefined) this.socket.peerClosed()
    else this.socket.destroy(error)
  }

  private silence(): void {
    this.isDeaf = true
    this.isMute = true
    this.noticeSilence()
  }

  private noticeSilence(): void {
    const { server, world } = this.network
    const { session } = this
    if (session !== undefined) world.after(notices.server, () => server.leave(session, true))
    world.after(notices.client, () => this.closeClient(socketError("ETIMEDOUT", "read")))
  }
}
