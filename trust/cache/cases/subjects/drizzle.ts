/** Drizzle's promise API with its own cache, whichever version opened it. */
import type { Build, Db, Toolbox } from "../Drizzle.ts"
import type { Rows, Statements, Subject } from "../Subject.ts"
import type { Failing } from "./mapCache.ts"

/** What builders of both versions can do; their types do not say so in the same words. */
interface Query extends PromiseLike<unknown> {
  readonly toSQL?: () => { readonly sql: string }
  readonly getQuery?: () => { readonly sql: string }
  readonly prepare: (name: string) => { readonly execute: (values: object) => Promise<unknown> }
}

/** Each is built by the handle that it is given. */
const queryOf = (build: Build, db: Db, toolbox: Toolbox): Query => build(db, toolbox) as Query

/** `execute` answers with the driver's result, builders with rows. */
export const rowsOf = (result: unknown): Rows =>
  Array.isArray(result) ? result : (result as { readonly rows?: Rows } | undefined)?.rows ?? []

export interface DrizzleOptions {
  readonly db: Db
  /** On the same connections, without the cache. */
  readonly plain: Db
  readonly toolbox: Toolbox
  readonly failing: Failing | undefined
  readonly close: () => Promise<void>
}

let prepared = 0

export const makeSubject = ({ close, db, failing, plain, toolbox }: DrizzleOptions): Subject => {
  const statements = (handle: Db, past: Db): Statements => ({
    read: async (build) => rowsOf(await queryOf(build, handle, toolbox)),
    uncached: async (build) => rowsOf(await queryOf(build, past, toolbox)),
    write: async (build) => rowsOf(await queryOf(build, handle, toolbox))
  })
  const transaction: Subject["transaction"] = (use) =>
    db.transaction(async (tx) => {
      // A transaction has one handle: nothing of it is past the cache.
      const handle = tx as unknown as Db
      return use(statements(handle, handle))
    })
  return {
    ...statements(db, plain),
    transaction,
    prepare: (build) => {
      const query = queryOf(build, db, toolbox).prepare(`case_${++prepared}`)
      return async (values) => rowsOf(await query.execute(values))
    },
    readAs: (settings, build) =>
      transaction(async (tx) => {
        for (const [name, value] of Object.entries(settings)) {
          await tx.write((handle, { sql }) => handle.execute(sql`select set_config(${name}, ${value}, true)`))
        }
        return tx.read(build)
      }),
    textOf: (build) => {
      const query = queryOf(build, db, toolbox)
      return (query.toSQL?.() ?? query.getQuery?.())?.sql ?? ""
    },
    ...(failing === undefined ? {} : {
      failStore: (moment) => {
        failing.at = moment
      }
    }),
    close
  }
}
