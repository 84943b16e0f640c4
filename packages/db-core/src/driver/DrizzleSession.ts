/**
 * Drizzle's Effect API straight on our statements.
 *
 * Drizzle's own session for sql-pg goes through a statement object, a span, a logger and a cache for each query; with
 * this one a query costs its building, one lookup of the fibre's transaction and the wire. What a query fails with is
 * a `DbError`, inside transactions too.
 */
import type { AnyRelations, Query } from "drizzle-orm"
import { fillPlaceholders, is, Param, Placeholder } from "drizzle-orm"
import type { EffectCacheShape } from "drizzle-orm/cache/core/cache-effect"
import type { EffectLoggerShape, QueryEffectHKTBase, QueryEffectKind } from "drizzle-orm/effect-core"
import { effectPgCodecs, type EffectPgQueryResultHKT } from "drizzle-orm/effect-postgres"
import { PgDialect, type PgTransactionConfig, type PreparedQueryConfig } from "drizzle-orm/pg-core"
import {
  PgEffectDatabase,
  PgEffectPreparedQuery,
  PgEffectSession,
  PgEffectTransaction
} from "drizzle-orm/pg-core/effect"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { DbError } from "../errors/DbError.ts"
import type { Statements } from "./Statements.ts"

/** Tells Drizzle's types what queries fail with. */
export interface QueryEffect extends QueryEffectHKTBase {
  readonly error: DbError
  readonly context: never
}

/** What a callback is lent: builders, relational queries, raw SQL. */
export type Handle<Relations extends AnyRelations> = PgEffectDatabase<QueryEffect, EffectPgQueryResultHKT, Relations>

/** A transaction's handle. */
export type TransactionHandle<Relations extends AnyRelations> = PgEffectTransaction<
  QueryEffect,
  EffectPgQueryResultHKT,
  Relations
>

type Mapper = (rows: Array<unknown>) => unknown

/** Asked once for its strategy; the `execute` that would use the rest is replaced by ours. */
const unused = { strategy: () => "explicit" } as EffectLoggerShape & EffectCacheShape

/** Also what the promise API prepares with: see `PromiseSession`. */
export const dialect = new PgDialect({ codecs: effectPgCodecs })

class PreparedQuery<T extends PreparedQueryConfig> extends PgEffectPreparedQuery<T, QueryEffect> {
  private readonly statements: Statements
  /** Drizzle's own fields of these are hidden by its declarations. */
  private readonly text: Query
  private readonly rowMapper: Mapper | undefined

  constructor(statements: Statements, query: Query, mode: "arrays" | "objects" | "raw", mapper: Mapper | undefined) {
    super(() => Effect.void, query, mapper, mode, unused, unused, undefined, undefined, false)
    this.statements = statements
    this.text = query
    this.rowMapper = mapper
  }

  override execute(placeholderValues: Record<string, unknown> = {}): QueryEffectKind<QueryEffect, T["execute"]> {
    return Effect.suspend(() => {
      const { params, sql } = this.text
      const filled = params.length === 0 ? params : fillPlaceholders(params, placeholderValues)
      const run = this.statements.execute(this.mode, sql, filled)
      // In `arrays` mode, the only one with a mapper, the result is an array of rows.
      return this.rowMapper === undefined
        ? run
        : Effect.map(run, (rows) => this.rowMapper!(rows as Array<unknown>))
    })
  }
}

class Session<Relations extends AnyRelations> extends PgEffectSession<QueryEffect, EffectPgQueryResultHKT, Relations> {
  private readonly statements: Statements
  private readonly relations: Relations

  constructor(statements: Statements, relations: Relations) {
    super(dialect)
    this.statements = statements
    this.relations = relations
  }

  override prepareQuery<T extends PreparedQueryConfig = PreparedQueryConfig>(
    query: Query,
    mode: "arrays" | "objects" | "raw",
    _name: string | boolean,
    mapper?: Mapper
  ): PgEffectPreparedQuery<T, QueryEffect> {
    return new PreparedQuery(this.statements, query, mode, mapper)
  }

  override transaction<A, E, R>(
    use: (tx: Transaction<Relations>) => Effect.Effect<A, E, R>,
    config?: PgTransactionConfig
  ): Effect.Effect<A, E | SqlError, R> {
    const tx = new Transaction(dialect, this, this.relations)
    const configure = config === undefined ? Effect.void : tx.setTransaction(config)
    // A `DbError` under Drizzle's type: see `own`.
    return this.statements.transaction(
      Effect.andThen(configure, Effect.suspend(() => use(tx)))
    ) as unknown as Effect.Effect<
      A,
      E | SqlError,
      R
    >
  }
}

class Transaction<Relations extends AnyRelations>
  extends PgEffectTransaction<QueryEffect, EffectPgQueryResultHKT, Relations>
{
  private readonly inner: Session<Relations>

  constructor(pgDialect: PgDialect, session: Session<Relations>, relations: Relations) {
    super(pgDialect, session, relations)
    this.inner = session
  }

  override transaction<A, E, R>(
    use: (tx: Transaction<Relations>) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | SqlError, R> {
    return this.inner.transaction(use)
  }
}

/** Drizzle's types say that a transaction may fail with its client's `SqlError`; ours fails with a `DbError` instead. */
export const own = <E>(error: E): Exclude<E, SqlError> | DbError => error as Exclude<E, SqlError> | DbError

export const makeHandle = <Relations extends AnyRelations>(
  statements: Statements,
  relations: Relations
): Handle<Relations> => new PgEffectDatabase(dialect, new Session(statements, relations), relations)

/** A query as it goes to the server, and what is made of its rows. */
export interface Described {
  readonly sql: string
  /** With placeholders, until `fill`. */
  readonly params: ReadonlyArray<unknown>
  readonly mode: "arrays" | "objects" | "raw"
  readonly mapper: ((rows: ReadonlyArray<unknown>) => unknown) | undefined
  /** The prepared query itself, the same whenever it runs; `undefined` for one that was built for this call. */
  readonly prepared: object | undefined
}

/** What Drizzle's prepared queries have, members that its declarations hide among them. */
interface PreparedMembers {
  readonly query: Query
  readonly mode: Described["mode"]
  readonly mapper: Described["mapper"]
}

const isPrepared = (query: object): query is PreparedMembers =>
  "query" in query && "mode" in query && "execute" in query && !("_prepare" in query)

/** Of a builder, a relational query, raw SQL or a prepared query, of the Effect API or the promise API. */
export const describe = (query: object): Described => {
  if (isPrepared(query)) {
    return {
      sql: query.query.sql,
      params: query.query.params,
      mode: query.mode,
      mapper: query.mapper,
      prepared: query
    }
  }
  // Every query of Drizzle's has it; the declarations of raw SQL hide it.
  const { mapper, mode, query: { params, sql } } = (query as { readonly _prepare: () => PreparedMembers })._prepare()
  return { sql, params, mode, mapper, prepared: undefined }
}

const noValues: Record<string, unknown> = {}

/** Members that Drizzle's declarations hide, and that its own `fillPlaceholders` reads. */
interface Members {
  /** Of a placeholder. */
  readonly name: string
  /** Of a parameter. */
  readonly value: unknown
  readonly codec: unknown
  readonly encoder: { readonly mapToDriverValue: { readonly isNoop?: boolean } }
}
const membersOf = (param: Param | Placeholder): Members => param as unknown as Members

/** The placeholder that `param` is, or holds. */
const placeholderIn = (param: unknown): Placeholder | undefined => {
  if (is(param, Placeholder)) return param
  const value = is(param, Param) ? membersOf(param).value : undefined
  return is(value, Placeholder) ? value : undefined
}

/** The name of a placeholder whose value is sent as it is; `undefined` for anything else. */
const plainName = (param: unknown): string | undefined => {
  const placeholder = placeholderIn(param)
  if (placeholder === undefined) return undefined
  if (is(param, Param)) {
    const { codec, encoder } = membersOf(param)
    if (codec !== undefined || encoder.mapToDriverValue.isNoop !== true) return undefined
  }
  return membersOf(placeholder).name
}

/** Fills the placeholders of `params`: what they are is found out once. */
export const filler = (
  params: ReadonlyArray<unknown>
): (values?: Record<string, unknown>) => ReadonlyArray<unknown> => {
  if (params.every((param) => placeholderIn(param) === undefined)) return () => params
  const names = params.map(plainName)
  // One that is encoded for its column is Drizzle's affair.
  if (params.some((param, at) => placeholderIn(param) !== undefined && names[at] === undefined)) {
    return (values = noValues) => fillPlaceholders([...params], values)
  }
  return (values = noValues) => {
    const filled: Array<unknown> = []
    for (let at = 0; at < params.length; at++) {
      const name = names[at]
      if (name === undefined) filled.push(params[at])
      // Says which one is missing.
      else if (!(name in values)) return fillPlaceholders([...params], values)
      else filled.push(values[name])
    }
    return filled
  }
}
