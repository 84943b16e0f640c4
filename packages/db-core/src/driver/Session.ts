/**
 * One connection to the server: the wire client over our own socket, with what the socket knows.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { Target } from "../config/DbUrl.ts"
import { DbError } from "../errors/DbError.ts"
import { fromCause, fromServerFields } from "../errors/ServerError.ts"
import type { Capabilities } from "./Capabilities.ts"
import { FrameTap, type TransactionStatus } from "./FrameTap.ts"
import type { CountingDuplex } from "./transport/WireDuplex.ts"

/** How long a closing connection may take to say goodbye before its socket is destroyed. */
const closeGrace = "1 second"

/** A cluster and its history: changes with a failover, a restore or a branch. */
export interface ServerIdentity {
  readonly systemIdentifier: string
  /** Of the WAL being written, in eight hex digits. The control file's lags behind a promotion. */
  readonly timeline: string
  /**
   * When its statistics began. They are lost in a crash, and so are the xids of transactions that were under way: the
   * next ones get the same xids, on the same timeline. A clean restart keeps both.
   */
  readonly statisticsSince: string
  /** The backend's real process id; `backendPid` may be a proxy's. */
  readonly pid: number
}

export class Session {
  readonly connection: PgConnection.PgConnection
  private readonly socket: CountingDuplex
  /** CancelRequests on their way. */
  private readonly cancels: ReadonlySet<CountingDuplex>
  private readonly tap: FrameTap
  private readonly scope: Scope.Closeable
  private gone = false
  /**
   * What the server's default lets an autocommit statement do. `read` makes sure that what was taken for a read is one:
   * it could otherwise be a function that writes, and be done twice when it is retried.
   */
  access: "write" | "read" | "unknown" = "write"
  /** The server's limit for a statement, as last set on this connection; `undefined` is what it was opened with. */
  statementTimeout: number | "unknown" | undefined = undefined
  /** A caller left a setting, a lock or a table in it: it is lent to nobody else. */
  isTainted = false
  /** The server that it speaks to, once asked: tells whether an xid read here means anything elsewhere. */
  identity: ServerIdentity | undefined = undefined
  /** Its server must not be written to any more: it is a standby, or was replaced. */
  isSuperseded = false
  /** Whether a server may be written to that says it is this one. Set by who knows what the other connections speak to. */
  accepts: (identity: ServerIdentity) => boolean = () => true
  private readonly goneListeners = new Set<() => void>()

  constructor(
    connection: PgConnection.PgConnection,
    socket: CountingDuplex,
    cancels: ReadonlySet<CountingDuplex>,
    tap: FrameTap,
    scope: Scope.Closeable
  ) {
    this.connection = connection
    this.socket = socket
    this.cancels = cancels
    this.tap = tap
    this.scope = scope
    if (socket.closed) this.gone = true
    else {
      socket.once("close", () => {
        this.gone = true
        for (const listener of this.goneListeners) listener()
        this.goneListeners.clear()
      })
    }
  }

  /** The server's process id; behind Neon's proxy a stand-in that only cancels. */
  get backendPid(): number {
    return this.connection.processId
  }

  /** Transaction status as of the last ReadyForQuery. */
  get status(): TransactionStatus {
    return this.tap.status
  }

  /** The server is a standby: it reads, and refuses to write. */
  get isStandby(): boolean {
    return this.tap.isStandby
  }

  /** The socket is closed or about to be: lend it to nobody. */
  get isLost(): boolean {
    return this.gone || this.socket.destroyed || this.tap.fatal !== undefined
  }

  /** Grows with every chunk received. */
  get heard(): number {
    return this.tap.heard
  }

  /** Bytes given to the socket since it was opened. */
  get bytesWritten(): number {
    return this.socket.bytesWritten
  }

  /** Whether COMMIT was answered since `expectCommit`. */
  get sawCommit(): boolean {
    return this.tap.sawCommit
  }

  expectCommit(): void {
    this.tap.expectCommit()
  }

  /** What the server said before it hung up, if it said anything. */
  get lastWords(): FrameTap["fatal"] {
    return this.tap.fatal
  }

  /** Calls `listener` once, when the socket is closed. */
  onGone(listener: () => void): void {
    if (this.gone) listener()
    else this.goneListeners.add(listener)
  }

  /** Ends when the socket is closed. */
  readonly awaitGone: Effect.Effect<void> = Effect.callback((resume) => {
    const listener = () => resume(Effect.void)
    this.onGone(listener)
    return Effect.sync(() => this.goneListeners.delete(listener))
  })

  /** Asks for an answer. One of the statements of a shared connection, behind those that were sent before. */
  readonly ping: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    Effect.asVoid(this.connection.query("select 1", [], false))
  )

  /** Asks the server to end what the caller who has it alone is running. Does not wait for it; never fails. */
  cancel: Effect.Effect<void> = Effect.void

  /** Cuts the socket: for a connection that cannot be trusted any more. */
  readonly destroy: Effect.Effect<void> = Effect.suspend(() => {
    this.socket.destroy()
    // Nothing is left to cancel, and the wire client would wait seconds for one that gets lost.
    for (const cancel of this.cancels) cancel.destroy()
    return Scope.close(this.scope, Exit.void)
  })

  /** Says Terminate and ends once the socket is closed, by force after a second. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Scope.close(this.scope, Exit.void).pipe(
      Effect.andThen(this.awaitGone),
      Effect.timeoutOption(closeGrace),
      Effect.andThen(Effect.sync(() => this.socket.destroy()))
    )
  )
}

export interface ConnectOptions {
  readonly target: Target
  readonly capabilities: Capabilities
  /** Makes the socket, and one more for every CancelRequest. */
  readonly open: () => CountingDuplex
  /** What the session is for, when it is not one of the pool's: shown behind the application's name. */
  readonly purpose?: string
}

/** `pg_stat_activity.application_name` holds 63 bytes. */
const named = (applicationName: string, purpose: string | undefined): string =>
  purpose === undefined
    ? applicationName
    : `${Buffer.from(applicationName).subarray(0, 62 - purpose.length).toString()} ${purpose}`

/** Opens a session. */
export const connect = (
  config: Pick<DbConfigShape, "applicationName" | "connectTimeout" | "queryTimeout">,
  { capabilities, open, purpose, target }: ConnectOptions
): Effect.Effect<Session, DbError> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const tap = new FrameTap()
    let socket: CountingDuplex | undefined
    const cancels = new Set<CountingDuplex>()
    const first = (): CountingDuplex => {
      if (socket !== undefined) {
        const cancel = open()
        cancels.add(cancel)
        cancel.once("close", () => cancels.delete(cancel))
        return cancel
      }
      socket = open()
      // Before the wire client's own listener, so the tap has seen a message when the client acts on it.
      socket.on("data", tap.push)
      return socket
    }
    const connection = yield* PgConnection.make({
      host: target.host,
      port: target.port,
      ssl: false,
      database: target.database,
      username: target.username,
      ...(target.password === undefined ? {} : { password: target.password }),
      connectTimeout: config.connectTimeout,
      applicationName: named(config.applicationName, purpose),
      multiplex: true,
      prepare: capabilities.prepared,
      // Not as a startup parameter of its own: Neon's proxy drops those, and forwards `options`.
      ...(capabilities.startupOptions ? { startupOptions: `-c statement_timeout=${config.queryTimeout}` } : {}),
      stream: first
    }).pipe(
      Scope.provide(scope),
      Effect.mapError((error) => connectError(error, tap)),
      Effect.onError((cause) => {
        socket?.destroy()
        return Scope.close(scope, Exit.failCause(cause))
      })
    )
    // `make` succeeded, so it has called `first`.
    return new Session(connection, socket!, cancels, tap, scope)
  })

const connectError = (error: unknown, tap: FrameTap): DbError => {
  if (tap.fatal !== undefined) return fromServerFields(tap.fatal, "NotSent", "connect")
  const known = fromCause(error, "ConnectFailed", "connect", { server: "NotSent", socket: "NotSent" })
  if (known.reason.message !== "the connection failed") return known
  const text = String((error as { readonly message?: unknown }).message)
  if (/timed out/i.test(text)) {
    return DbError.of("ConnectFailed", "NotSent", "connect", { message: "no answer within the connect timeout" })
  }
  if (/password|SCRAM|authentication|identity/i.test(text)) {
    return DbError.of("AuthenticationFailed", "NotSent", "connect", {
      message: /No password/.test(text)
        ? "the server asks for a password and the URL has none"
        : "authentication failed"
    })
  }
  return DbError.of("ConnectFailed", "NotSent", "connect", { message: transportText(error) })
}

/** Texts that our own transports wrote; anybody else's could hold an address. */
const transportText = (error: unknown): string => {
  for (let current = error, depth = 0; depth < 8 && typeof current === "object" && current !== null; depth++) {
    const { message, reason, cause } = current as Record<string, unknown>
    if (
      typeof message === "string" &&
      /^the (server does not offer TLS|file named by sslrootcert|embedded|WebSocket)/.test(message)
    ) {
      return message
    }
    current = reason ?? cause
  }
  return "the connection was closed before it was ready"
}
