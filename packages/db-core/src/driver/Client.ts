/**
 * Builds the SQL client that Drizzle runs on. It stands below Drizzle and above the wire, so every statement of every
 * API passes here once.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type { DbConfigShape } from "../config/DbConfig.ts"
import { DbError } from "../errors/DbError.ts"
import { LaneChoice, laneOf } from "./Lane.ts"
import type { Session } from "./Session.ts"
import type { StatementHooks } from "./StatementHooks.ts"
import { carry, WireConnection } from "./WireConnection.ts"

/** Where connections come from. Implemented by the pool. */
export interface Lanes {
  /** Lends a session that other callers read on at the same time. */
  readonly shared: <A, E>(use: (session: Session) => Effect.Effect<A, E>) => Effect.Effect<A, E | DbError>
  /** Leases a session alone until the scope closes. */
  readonly lease: Effect.Effect<Session, DbError, Scope.Scope>
}

/** COMMIT answered ROLLBACK is a failed transaction that the server reports as a success. */
const commit = (connection: Connection): Effect.Effect<void, SqlError> =>
  Effect.flatMap(
    connection.executeRaw("COMMIT", []),
    // Our connections answer `executeRaw` with the wire client's result.
    (result) =>
      (result as PgConnection.Result).command === "ROLLBACK"
        ? Effect.fail(carry(DbError.of("CommitRolledBack", "RolledBack", "commit", {
          message: "the transaction had failed, so COMMIT rolled it back"
        })))
        : Effect.void
  )

const unsupported = (what: string): SqlError =>
  carry(DbError.of("Unsupported", "NotSent", what, { message: `${what} is not offered by this client` }))

export const makeClient = Effect.fnUntraced(function*(
  config: DbConfigShape,
  lanes: Lanes,
  hooks: StatementHooks,
  clock: Clock
) {
  const shared = new WeakMap<Session, WireConnection>()
  const sharedConnection = (session: Session): WireConnection => {
    let connection = shared.get(session)
    if (connection === undefined) {
      connection = new WireConnection(session, session.connection, "shared", hooks, clock)
      shared.set(session, connection)
    }
    return connection
  }
  const lease: Effect.Effect<WireConnection, SqlError, Scope.Scope> = Effect.flatMap(
    Effect.mapError(lanes.lease, carry),
    (session) =>
      Effect.map(session.connection.pin, (wire) => new WireConnection(session, wire, "exclusive", hooks, clock))
  )

  /** Decides the lane when the statement is known, which is after the client asks for a connection. */
  const route = <A>(
    sql: string,
    run: (connection: WireConnection) => Effect.Effect<A, SqlError>
  ): Effect.Effect<A, SqlError> =>
    Effect.withFiber((fiber) => {
      const choice = fiber.getRef(LaneChoice)
      return (choice === "auto" ? laneOf(sql) : choice) === "shared"
        ? Effect.mapError(
          lanes.shared((session) => run(sharedConnection(session))),
          (error) => error instanceof SqlError ? error : carry(error)
        )
        : Effect.scoped(Effect.flatMap(lease, run))
    })
  const routed: Connection = {
    execute: (sql, params, transform) => route(sql, (connection) => connection.execute(sql, params, transform)),
    executeRaw: (sql, params) => route(sql, (connection) => connection.executeRaw(sql, params)),
    executeValues: (sql, params) => route(sql, (connection) => connection.executeValues(sql, params)),
    executeValuesUnprepared: (sql, params) =>
      route(sql, (connection) => connection.executeValuesUnprepared(sql, params)),
    executeUnprepared: (sql, params, transform) =>
      route(sql, (connection) => connection.executeUnprepared(sql, params, transform)),
    executeStream: (sql, params) =>
      Stream.unwrap(Effect.map(lease, (connection) => connection.executeStream(sql, params)))
  }

  const client = yield* SqlClient.make({
    driver: "pg",
    acquirer: Effect.succeed(routed),
    borrower: (use) => use(routed),
    transactionAcquirer: lease,
    compiler: PgClient.makeCompiler(),
    prepareTransactionControls: true,
    commit,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    // A lost connection has no transaction left to roll back; trying would turn the caller's error into a defect.
    isTransaction: (connection) => connection instanceof WireConnection && !connection.session.isLost,
    spanAttributes: [["db.system.name", "postgresql"], ["db.namespace", config.target.database]]
  }).pipe(Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make))

  return Object.assign(client, {
    [PgClient.TypeId]: PgClient.TypeId,
    // Drizzle reads no setting from here, and the real ones hold the password.
    config: {},
    json: (value: unknown) => Statement.fragment([{ kind: "PgJson", paramA: value } as never]),
    listen: () => Effect.fail(unsupported("listen")),
    notify: () => Effect.fail(unsupported("notify"))
  }) as PgClient.PgClient
})
