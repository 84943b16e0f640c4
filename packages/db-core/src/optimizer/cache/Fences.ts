/**
 * Hears of every write of this process before it is sent and when it was answered, and suspends cached answers of its
 * tables in between. Below the connection, which tells it; what a statement writes it asks of who learns that later.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { StatementHooksShape, TransactionHooks } from "../../driver/StatementHooks.ts"
import { type Table, Tables, type WriteSet } from "./Tables.ts"

/** A transaction of more distinct statements counts as one that may have written anything. */
const maxStatements = 256

export class Fences extends Context.Service<Fences, {
  readonly tables: Tables
  readonly hooks: Pick<StatementHooksShape, "writing" | "transaction">
  /** From now on `written` says which tables a statement may change; until then it is all of them. */
  readonly consult: (written: (sql: string) => WriteSet) => void
}>()("@ems/db-core/optimizer/cache/Fences") {
  static readonly layer = () =>
    Layer.effect(
      Fences,
      Effect.sync(() => {
        const tables = new Tables()
        let written: (sql: string) => WriteSet = () => "all"

        const transaction = (): TransactionHooks => {
          const statements = new Set<string>()
          return {
            statement: (sql) => {
              if (statements.size <= maxStatements) statements.add(sql)
            },
            committing: () => {
              if (statements.size > maxStatements) return tables.fence("all")
              const all = new Set<Table>()
              for (const sql of statements) {
                const one = written(sql)
                if (one === "all") return tables.fence("all")
                for (const table of one) all.add(table)
              }
              return tables.fence([...all])
            }
          }
        }

        return {
          tables,
          hooks: { writing: (sql) => tables.fence(written(sql)), transaction },
          consult: (learned) => {
            written = learned
          }
        }
      })
    )
}
