/** `@ems/db-core`: its Optimizer, once for each level of consistency. */
import { Database, type DatabaseShape } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import * as ChangeLog from "@ems/db-core/migration/ChangeLog"
import { type CacheOptions, type Consistency, Optimizer } from "@ems/db-core/optimizer/Optimizer"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Build, Db } from "../Drizzle.ts"
import type { Contestant, OpenOptions, ReadOptions, Statements, Subject } from "../Subject.ts"
import { rowsOf } from "./drizzle.ts"
import { relations, toolbox } from "./drizzleRc.ts"

const patienceMs = 60_000

type Handle = Parameters<Parameters<DatabaseShape<typeof relations>["query"]>[0]>[0]
type Query = Parameters<Optimizer["Service"]["cached"]>[0]
type Prepared = Parameters<Optimizer["Service"]["prepare"]>[0]

/** A builder of the Effect API: it says its text, and is an effect itself. */
type Built = Query & Effect.Effect<unknown, DbError> & {
  readonly toSQL?: () => { readonly sql: string }
  readonly getQuery?: () => { readonly sql: string }
  readonly prepare: (name: string) => Prepared
}
type DbError = Effect.Error<ReturnType<Optimizer["Service"]["cached"]>>

/** The builders of both APIs are called the same way. */
const builtBy = (build: Build, db: Handle): Built => build(db as unknown as Db, toolbox) as Built

/** What the body of a transaction rejected with, on its way through. */
class Failed extends Data.TaggedError("Failed")<{ readonly cause: unknown }> {}

const settle = <A>(exit: Exit.Exit<A, unknown>): A => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Cause.squash(exit.cause)
  throw error instanceof Failed ? error.cause : error
}

type Run = <A>(effect: Effect.Effect<A, unknown, Database | Optimizer>) => Promise<A>

const optionsOf = (consistency: Consistency, options: ReadOptions = {}): CacheOptions => ({
  consistency: options.after === undefined ? consistency : { after: options.after },
  ...(options.tables === undefined ? {} : { tables: options.tables })
})

const open = async (options: OpenOptions, consistency: Consistency): Promise<Subject> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, {
    url: options.url,
    poolMax: options.max,
    // How fast it is, is not asked here, and a busy machine takes long to start an embedded database.
    connectTimeout: patienceMs,
    acquireTimeout: patienceMs,
    queryTimeout: patienceMs,
    cacheStaleness: options.staleness,
    cachePollInterval: Math.floor(options.staleness / 3),
    applicationName: "cases"
  }))
  const run: Run = async (effect) => settle(await runtime.runPromiseExit(effect))
  const { database, optimizer } = await run(Effect.all({ database: Database.with(relations), optimizer: Optimizer }))

  /** `inside` runs on the connection of the transaction that is open, if any. */
  const statements = (inside: Run): Statements => ({
    read: async (build, how) =>
      rowsOf(
        await inside(database.query((db) => optimizer.cached(builtBy(build, db), optionsOf(consistency, how))))
      ),
    uncached: async (build) => rowsOf(await inside(database.query((db) => builtBy(build, db)))),
    write: async (build) => rowsOf(await inside(database.query((db) => builtBy(build, db))))
  })
  let prepared = 0
  return {
    ...statements(run),
    transaction: (use) =>
      run(database.transaction(() =>
        Effect.gen(function*() {
          const context = yield* Effect.context<Database | Optimizer>()
          const inside: Run = async (effect) => settle(await Effect.runPromiseExitWith(context)(effect))
          return yield* Effect.tryPromise({
            try: () => use(statements(inside)),
            catch: (error) => new Failed({ cause: error })
          })
        })
      )),
    prepare: (build) => {
      let query: ReturnType<typeof optimizer.prepare> | undefined
      return async (values) => {
        query ??= await run(
          database.query((db) =>
            Effect.sync(() =>
              optimizer.prepare(builtBy(build, db).prepare(`case_${++prepared}`), optionsOf(consistency))
            )
          )
        )
        return rowsOf(query.tryHit(values) ?? await run(query.execute(values)))
      }
    },
    readAs: async (scope, build) =>
      rowsOf(await run(database.query((db) => optimizer.cached(builtBy(build, db), { consistency, scope })))),
    textOf: (build) => {
      let text = ""
      Effect.runSync(database.query((db) =>
        Effect.sync(() => {
          const query = builtBy(build, db)
          text = (query.toSQL?.() ?? query.getQuery?.())?.sql ?? ""
        })
      ))
      return text
    },
    asked: async () => {
      const { bypasses, misses } = await run(optimizer.snapshot)
      return Object.values(bypasses).reduce((sum, count) => sum + count, misses)
    },
    causal: async (build) => {
      const { after } = await run(optimizer.causal(database.write((db) => builtBy(build, db))))
      return after ?? ""
    },
    install: () => run(Effect.asVoid(ChangeLog.install)),
    close: () => runtime.dispose()
  }
}

/** What a migration does after it: every table of the schema that is nobody's partition or child. */
const adopt = `select ems_internal.track(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname not in ('ems_internal', 'information_schema')
    and n.nspname not like 'pg\\_%' and c.relpersistence <> 't'
    and not exists (select from pg_inherits i where i.inhrelid = c.oid)`

const make = (name: string, consistency: Consistency): Contestant => ({
  name,
  immediate: consistency === "strong",
  mustServe: true,
  ours: true,
  open: (options) => open(options, consistency),
  adopt
})

export const emsBounded = make("ems bounded", "bounded")
export const emsStrong = make("ems strong", "strong")
