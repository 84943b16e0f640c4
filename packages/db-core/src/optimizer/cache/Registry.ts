/**
 * Statements that the cache has met, by their text: what they read and write as Postgres says. Everything is forgotten
 * when definitions change.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { LRUCache } from "lru-cache"
import type { Statements } from "../../driver/Statements.ts"
import type { DbError } from "../../errors/DbError.ts"
import type { CacheCounter } from "../statistics/QueryEntry.ts"
import { type Analysis, analyze, type Bypass, type Declared, type Reading, unfit } from "./Analysis.ts"
import type { Model } from "./Model.ts"
import { loadModel, locksOf } from "./Oracle.ts"
import type { Table, Tables, WriteSet } from "./Tables.ts"

/** One text, with what its callers declare. */
export interface Statement {
  /** Begins the keys of its answers. */
  readonly prefix: string
  readonly sql: string
  readonly version: number
  readonly tables: ReadonlyArray<Table>
  readonly names: ReadonlyArray<string>
  /** Its answers depend on the declared settings. */
  readonly settings: boolean
  readonly bypass: Bypass | undefined
  readonly usage: Usage
}

/** How calls of one text were answered, since start or since it was forgotten for others. */
export interface Usage {
  readonly sql: string
  hits: number
  revalidated: number
  joined: number
  shared: number
  misses: number
  bypassed: number
  /** What the queries took whose answers were given from memory. Milliseconds. */
  savedMs: number
  /** The same for the statistics. */
  readonly counter: CacheCounter
}

/** Texts remembered. */
const remembered = 2048

/** Longer texts are mostly values, and would fill memory. */
const rememberedLength = 8192

/** Texts of writes that wait to be learned; of more the tables stay unknown until they come again. */
const maxWaiting = 32

/** Definitions that change all the time are not waited for. */
const attempts = 3

/** Utility statements that change no row. */
const harmless =
  /^(?:\s|--[^\n\r]*(?:[\n\r]|$)|\/\*[\s\S]*?\*\/)*(?:vacuum|analyze|reindex|cluster|checkpoint|set|reset|show|listen|unlisten|notify|create\s+(?:unique\s+)?index)\b/i

/**
 * Writes with another number of rows are the same to us: parameters lose their numbers, and lists of them their length.
 */
const shapeOf = (sql: string): string =>
  sql.includes("$") && !/"[^"]*\$/.test(sql)
    ? sql.replaceAll(/(?<![\w$])\$\d+/g, "?").replaceAll(
      /\((?:\?|default)(?:, ?(?:\?|default))*\)(?:, ?\((?:\?|default)(?:, ?(?:\?|default))*\))*/g,
      "(?)"
    )
    : sql

const signature = ({ settings, tables }: Declared): string =>
  settings.length === 0 && tables.length === 0 ? "" : `\0${tables.join("\0")}\0\0${settings.join("\0")}`

/** One table, for people. */
export interface TableReport {
  /** As `schema.name`. */
  readonly name: string
  /** Why no answer from it is cached: `row_security` only without a `scope` that its policies read. */
  readonly bypass: Bypass | null
}

export class Registry {
  private readonly statements: Pick<Statements, "quiet">
  private readonly tables: Tables
  private readonly needsLog: boolean
  private readonly within: <A>(effect: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly counterOf: (sql: string) => CacheCounter
  private readonly known = new LRUCache<string, Statement>({ max: remembered })
  private readonly usage = new LRUCache<string, Usage>({ max: remembered })
  private readonly writes = new LRUCache<string, WriteSet>({ max: remembered })
  private readonly learning = new Map<string, Deferred.Deferred<Statement, DbError>>()
  private readonly waiting = new Set<string>()
  private loading: Deferred.Deferred<Model, DbError> | undefined
  private model: Model | undefined
  private ids = 0
  /** Grows when definitions change. */
  version = 0
  /** Nothing is learned before anybody reads through the cache. */
  isActive = false

  constructor(
    statements: Pick<Statements, "quiet">,
    tables: Tables,
    needsLog: boolean,
    within: <A>(effect: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>,
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    counterOf: (sql: string) => CacheCounter
  ) {
    this.counterOf = counterOf
    this.statements = statements
    this.tables = tables
    this.needsLog = needsLog
    this.within = within
    this.fork = fork
  }

  /** Definitions changed. */
  forget(): void {
    this.version++
    this.model = undefined
    this.loading = undefined
    this.known.clear()
    this.writes.clear()
    this.learning.clear()
  }

  find(sql: string, declared: Declared): Statement | undefined {
    return this.known.get(sql + signature(declared))
  }

  /** What Postgres says of it; asked once for all who want to know. */
  learn(sql: string, declared: Declared): Effect.Effect<Statement, DbError> {
    return Effect.suspend(() => {
      this.isActive = true
      const key = sql + signature(declared)
      const known = this.known.get(key)
      if (known !== undefined) return Effect.succeed(known)
      const asked = this.learning.get(key)
      if (asked !== undefined) return Deferred.await(asked)
      const asking = Deferred.makeUnsafe<Statement, DbError>()
      this.learning.set(key, asking)
      this.fork(
        Effect.flatMap(Effect.exit(this.within(this.study(sql, declared, attempts))), (exit) =>
          Effect.sync(() => {
            if (this.learning.get(key) === asking) this.learning.delete(key)
            if (Exit.isSuccess(exit) && exit.value.version === this.version && sql.length <= rememberedLength) {
              this.known.set(key, exit.value)
            }
            Deferred.doneUnsafe(asking, exit)
          }))
      )
      return Deferred.await(asking)
    })
  }

  private study(sql: string, declared: Declared, left: number): Effect.Effect<Statement, DbError> {
    return Effect.suspend(() => {
      const { version } = this
      return Effect.flatMap(this.analysisOf(sql, declared), (analysis) => {
        if (version !== this.version && left > 0) return this.study(sql, declared, left - 1)
        this.noteWrites(sql, analysis.writing)
        return Effect.succeed(
          this.statement(sql, version, version === this.version ? analysis.reading : { bypass: "undecided" })
        )
      })
    })
  }

  private statement(sql: string, version: number, reading: Reading): Statement {
    const prefix = `${this.ids++}\0`
    // Kept when definitions change: people want to know of more than the last minute.
    const usage = this.usage.get(sql) ??
      {
        sql,
        hits: 0,
        revalidated: 0,
        joined: 0,
        shared: 0,
        misses: 0,
        bypassed: 0,
        savedMs: 0,
        counter: this.counterOf(sql)
      }
    this.usage.set(sql, usage)
    return "bypass" in reading
      ? { prefix, sql, version, tables: [], names: [], settings: false, bypass: reading.bypass, usage }
      : { prefix, sql, version, ...reading, bypass: undefined, usage }
  }

  private analysisOf(sql: string, declared: Declared): Effect.Effect<Analysis, DbError> {
    const undecided: Analysis = { reading: { bypass: "undecided" }, writing: "all" }
    return Effect.flatMap(this.definitions, (model) =>
      locksOf(this.statements, sql).pipe(
        Effect.map((locks) => analyze({ sql, locks, declared, model, tables: this.tables, needsLog: this.needsLog })),
        // Refused: no statement that can be prepared, or one with parameters of no known type.
        Effect.catchIf((error) => error.fate === "Refused", () => Effect.succeed(undecided))
      ))
  }

  private get definitions(): Effect.Effect<Model, DbError> {
    if (this.model !== undefined) return Effect.succeed(this.model)
    if (this.loading !== undefined) return Deferred.await(this.loading)
    const loading = this.loading = Deferred.makeUnsafe<Model, DbError>()
    this.fork(Effect.flatMap(Effect.exit(this.within(loadModel(this.statements))), (exit) =>
      Effect.sync(() => {
        if (this.loading === loading) {
          this.loading = undefined
          if (Exit.isSuccess(exit)) this.model = exit.value
        }
        Deferred.doneUnsafe(loading, exit)
      })))
    return Deferred.await(loading)
  }

  /** Those of the named tables that there are. */
  oidsOf(names: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<number>, DbError> {
    if (names.length === 0) return Effect.succeed([])
    return Effect.suspend(() =>
      Effect.map(this.definitions, (model) =>
        names.flatMap((name) => {
          const relation = model.named(name)
          return relation === undefined ? [] : model.family(relation.oid).map(({ oid }) => oid)
        }))
    )
  }

  /** The tables of these names as far as they are known now: a name that says nothing may stand for any. */
  named(names: ReadonlyArray<string>): WriteSet {
    const { model } = this
    if (model === undefined) return "all"
    const found: Array<number> = []
    for (const name of names) {
      const relation = model.named(name)
      if (relation === undefined) return "all"
      found.push(relation.oid)
    }
    return model.written(found, this.tables)
  }

  /** Every statement that is known now. */
  get all(): ReadonlyArray<Statement> {
    return [...this.known.values()]
  }

  /** Every table, and why no answer from it is cached if that is so. */
  tableReports(): Effect.Effect<ReadonlyArray<TableReport>, DbError> {
    return Effect.suspend(() =>
      Effect.map(this.definitions, (model) =>
        [...model.relations.values()]
          .filter(({ kind }) => kind === "r" || kind === "p")
          .map((relation): TableReport => ({ name: relation.name, bypass: unfit(relation, this.needsLog) ?? null }))
          .toSorted((a, b) => a.name < b.name ? -1 : 1))
    )
  }

  private noteWrites(sql: string, written: WriteSet): void {
    this.writes.set(shapeOf(sql), written)
  }

  /** The tables that a statement may change, `all` while that is not known. */
  written(sql: string): WriteSet {
    if (!this.isActive) return "all"
    if (sql.length > rememberedLength) return harmless.test(sql) ? [] : "all"
    const shape = shapeOf(sql)
    const known = this.writes.get(shape)
    if (known !== undefined) return known
    if (harmless.test(sql)) {
      this.writes.set(shape, [])
      return []
    }
    if (this.waiting.size < maxWaiting && !this.waiting.has(shape)) {
      this.waiting.add(shape)
      this.fork(Effect.ensuring(
        Effect.ignore(this.learn(sql, { tables: [], settings: [] })),
        Effect.sync(() => this.waiting.delete(shape))
      ))
    }
    return "all"
  }
}
