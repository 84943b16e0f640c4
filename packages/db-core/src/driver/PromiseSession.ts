/**
 * Drizzle's promise API over the same client, for callers without Effect: builders can be awaited, and what they
 * reject with is a `DbError`.
 */
import type { AnyRelations, Query } from "drizzle-orm"
import type { EffectPgQueryResultHKT } from "drizzle-orm/effect-postgres"
import { NoopLogger } from "drizzle-orm/logger"
import type { PgDialect, PgTransactionConfig, PreparedQueryConfig } from "drizzle-orm/pg-core"
import { PgAsyncDatabase, PgAsyncPreparedQuery, PgAsyncSession, PgAsyncTransaction } from "drizzle-orm/pg-core/async"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { fromCause } from "../errors/ServerError.ts"
import { dialect } from "./DrizzleSession.ts"
import type { Statements } from "./Statements.ts"

/** Runs an effect of the client; inside a transaction, on its connection. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<Exit.Exit<A, unknown>>

/** Drizzle with awaitable builders. */
export type PromiseHandle<Relations extends AnyRelations> = PgAsyncDatabase<EffectPgQueryResultHKT, Relations>

/** What a caller's own callback rejected with, on its way through the transaction. */
class Rejection {
  readonly reason: unknown
  constructor(reason: unknown) {
    this.reason = reason
  }
}

/** What the caller gets: the value, or a `DbError` thrown. */
export const settle = <A, E>(exit: Exit.Exit<A, E>, operation: string): A => {
  if (Exit.isSuccess(exit)) return exit.value
  const error: unknown = Option.getOrUndefined(Exit.findErrorOption(exit)) ?? Cause.squash(exit.cause)
  if (error instanceof Rejection) throw error.reason
  throw fromCause(error, "ServerError", operation, { server: "Refused", socket: "Unknown" })
}

class PreparedQuery<T extends PreparedQueryConfig> extends PgAsyncPreparedQuery<T> {
  /** Runs what is done for it where it would run itself: inside its transaction, if it has one. */
  run: Run | undefined
  override execute(placeholderValues?: Record<string, unknown>): Promise<T["execute"]> {
    return super.execute(placeholderValues).catch((error: unknown) => {
      // Drizzle's wrapper repeats the statement's text; what it wraps is ours already.
      throw fromCause(error, "ServerError", "query", { server: "Refused", socket: "Unknown" })
    })
  }
}

class Session<Relations extends AnyRelations> extends PgAsyncSession<EffectPgQueryResultHKT, Relations> {
  private readonly statements: Statements
  private readonly relations: Relations
  private readonly run: Run

  constructor(statements: Statements, relations: Relations, run: Run) {
    super(dialect)
    this.statements = statements
    this.relations = relations
    this.run = run
  }

  override prepareQuery<T extends PreparedQueryConfig = PreparedQueryConfig>(
    query: Query,
    mode: "arrays" | "objects" | "raw",
    _name: string | boolean,
    mapper?: Mapper
  ): PgAsyncPreparedQuery<T> {
    const executor = (params?: ReadonlyArray<unknown>) =>
      this.run(this.statements.execute(mode, query.sql, params ?? [])).then((exit) => settle(exit, "query"))
    const prepared = new PreparedQuery<T>(
      executor,
      query,
      mapper,
      mode,
      new NoopLogger(),
      undefined,
      undefined,
      undefined,
      false
    )
    prepared.run = this.run
    return prepared
  }

  override transaction<T>(
    use: (tx: Transaction<Relations>) => Promise<T>,
    config?: PgTransactionConfig
  ): Promise<T> {
    const { relations, statements } = this
    const body = Effect.gen(function*() {
      // Holds the transaction, so what runs with it runs inside.
      const inside = yield* Effect.context()
      const session = new Session(statements, relations, (effect) => Effect.runPromiseExitWith(inside)(effect))
      const tx = new Transaction(dialect, session, relations, 0, false)
      return yield* Effect.tryPromise({
        try: () => (config === undefined ? Promise.resolve() : tx.setTransaction(config)).then(() => use(tx)),
        catch: (reason) => new Rejection(reason)
      })
    })
    return this.run(statements.transaction(body)).then((exit) => settle(exit, "transaction"))
  }
}

type Mapper = NonNullable<Parameters<PgAsyncSession["prepareQuery"]>[3]>

class Transaction<Relations extends AnyRelations> extends PgAsyncTransaction<EffectPgQueryResultHKT, Relations> {
  private readonly inner: Session<Relations>

  constructor(
    pgDialect: PgDialect,
    session: Session<Relations>,
    relations: Relations,
    nestedIndex: number | undefined,
    parseRqbJson: boolean | undefined
  ) {
    super(pgDialect, session, relations, nestedIndex, parseRqbJson)
    this.inner = session
  }

  override transaction<T>(use: (tx: Transaction<Relations>) => Promise<T>): Promise<T> {
    return this.inner.transaction(use)
  }
}

/** Where `query` would run: `undefined` for what is no query of these. */
export const runOf = (query: unknown): Run | undefined => {
  if (typeof query !== "object" || query === null) return undefined
  if (query instanceof PreparedQuery) return query.run
  const prepare: unknown = "_prepare" in query ? query._prepare : undefined
  if (typeof prepare !== "function") return undefined
  const prepared: unknown = prepare.call(query)
  return prepared instanceof PreparedQuery ? prepared.run : undefined
}

/** Promise builders over `statements`, each run by `run`. */
export const makePromiseHandle = <Relations extends AnyRelations>(
  statements: Statements,
  relations: Relations,
  run: Run
): PromiseHandle<Relations> => new PgAsyncDatabase(dialect, new Session(statements, relations, run), relations)
