/**
 * What a run would do now, read in one look: migrations that are not applied, their statements that have not run, and
 * what the database knows of the tables they touch.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { Database } from "../connection/Database.ts"
import { type LiveTable, liveTables, namesIn, referencedBy, volatileFunctions } from "./LiveTables.ts"
import { type Migration, type MigrationSource, parseFile, readFiles } from "./MigrationFiles.ts"
import * as Journal from "./run/Journal.ts"
import type { Lock } from "./statement/Lock.ts"
import type { LockMode } from "./statement/LockMode.ts"
import { display, isSame, type RelationName, relationOf, sqlOf } from "./statement/RelationName.ts"
import type { Statement } from "./statement/Statement.ts"
import { functionsIn } from "./statement/statementLocks.ts"

/** A lock with the table it means. */
export interface TableLock {
  /** As `schema.name` where the database knows it, else as the statement has it. */
  readonly table: string
  readonly mode: LockMode
  /** A pending statement before this one makes it: nobody else can wait for it. */
  readonly isNew: boolean
  /** The planner's estimate; null where nobody knows. */
  readonly rows: number | null
  readonly bytes: number | null
}

export interface Pending {
  /** As `server_version_num`. */
  readonly version: number
  /** With the statements that are left. */
  readonly migrations: ReadonlyArray<Migration>
  readonly live: (relation: RelationName) => LiveTable | undefined
  /** Whether a pending statement before `statement` makes the relation. */
  readonly isNew: (relation: RelationName, statement: Statement) => boolean
  readonly locks: (statement: Statement) => ReadonlyArray<TableLock>
  /** Functions that may answer differently each time. */
  readonly volatile: ReadonlySet<string>
}

/** Changes nothing. */
export const readPending = Effect.fn("Migrator.readPending")(function*(source: MigrationSource) {
  const database = yield* Database
  const files = yield* readFiles(source)
  const known = new Set((yield* database.query(Journal.applied)).map(({ name }) => name))
  const noted = yield* database.query(Journal.noted)
  const done = new Set(
    noted.filter(({ state }) => state === "finished").map(({ migration, ordinal }) => `${migration} ${ordinal}`)
  )
  const parsed = yield* Effect.forEach(files.filter(({ name }) => !known.has(name)), parseFile)
  const migrations = parsed.map((migration) => ({
    ...migration,
    statements: migration.statements.filter(({ ordinal }) => !done.has(`${migration.name} ${ordinal}`))
  }))
  const statements = migrations.flatMap((migration) => migration.statements)
  const asked = namesIn(statements.flatMap(({ locks }) => locks))
  const first = yield* database.query((db) => liveTables(db, asked))
  const led = statements.flatMap(({ locks }) =>
    locks.flatMap((lock) => lock.on === "referenced" ? referencedBy(lock, first.get(sqlOf(lock.relation))) : [])
  )
  const second = yield* database.query((db) => liveTables(db, led))
  const volatile = yield* database.query((db) =>
    volatileFunctions(db, statements.flatMap(({ node }) => functionsIn(node)))
  )
  const { rows: [row] } = yield* database.query((db) =>
    db.execute<{ version: number }>(sql`select current_setting('server_version_num')::int4 as version`)
  )

  const live = (relation: RelationName) => first.get(sqlOf(relation))
  const isNew = (relation: RelationName, statement: Statement) => {
    const before = statements.slice(0, statements.indexOf(statement))
    return before.some(({ creates }) => creates.some((made) => isSame(made, relation)))
  }
  /** The table of an index that a pending statement makes. */
  const madeOn = (index: RelationName, statement: Statement): RelationName | undefined =>
    statements.slice(0, statements.indexOf(statement)).flatMap(({ node }) =>
      "IndexStmt" in node && node.IndexStmt.idxname === index.name ? relationOf(node.IndexStmt.relation) : []
    )[0]

  const lockOn = (table: LiveTable | undefined, name: string, mode: LockMode, fresh: boolean): TableLock => ({
    table: table?.name ?? name,
    mode,
    isNew: fresh,
    rows: table?.rows ?? null,
    bytes: table?.bytes ?? null
  })
  const resolve = (lock: Lock, statement: Statement): ReadonlyArray<TableLock> => {
    const table = live(lock.relation)
    switch (lock.on) {
      case "relation":
        // Of an index its table counts.
        if ((table !== undefined && table.index !== null) || madeOn(lock.relation, statement) !== undefined) return []
        return [lockOn(table, display(lock.relation), lock.mode, isNew(lock.relation, statement))]
      case "table": {
        const made = madeOn(lock.relation, statement)
        if (made !== undefined) return [lockOn(live(made), display(made), lock.mode, isNew(made, statement))]
        return table === undefined ? [] : [lockOn(table, table.name, lock.mode, false)]
      }
      case "referenced":
        return referencedBy(lock, table).map((name) => lockOn(second.get(name), name, lock.mode, false))
    }
  }
  return {
    version: row?.version ?? 0,
    migrations,
    live,
    isNew,
    locks: (statement) => statement.locks.flatMap((lock) => resolve(lock, statement)),
    volatile
  } satisfies Pending
})
