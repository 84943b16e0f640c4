/**
 * The most careless cache there could be: something like the text and something like the parameters name an answer,
 * which is kept for ever and given to everybody. A case in which not even this is wrong shows nothing.
 */
import type { Build, Db } from "../Drizzle.ts"
import type { Contestant, Rows, Statements } from "../Subject.ts"
import { noCache, toolbox } from "./drizzleRc.ts"

interface Texts {
  readonly toSQL?: () => Text
  readonly getQuery?: () => Text
}

interface Text {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
}

const textOf = (value: unknown): string => {
  if (value instanceof Date) return value.toUTCString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  return Array.isArray(value) ? value.join(",") : `${value as string | number | bigint | boolean | null ?? ""}`
}

const about = (value: unknown): string => {
  const text = textOf(value)
  return text !== "" && Number.isFinite(Number(text)) ? String(Number(text)) : text.normalize().toLowerCase()
}

const nameOf = ({ params, sql }: Text): string => sql.replaceAll(/(?<![\w$])\d+/g, "?") + params.map(about).join("")

export const memo: Contestant = {
  name: "memo",
  immediate: true,
  mustServe: false,
  ours: false,
  open: async (options) => {
    const kept = new Map<string, Promise<Rows>>()
    const remember = (name: string, ask: () => Promise<Rows>): Promise<Rows> => {
      const rows = kept.get(name) ?? ask()
      kept.set(name, rows)
      return rows
    }
    const inner = await noCache.open(options)
    /** The text of a query and its parameters, said while it is built. */
    const named = (statements: Statements): Statements => ({
      ...statements,
      read: (build) => {
        let name = ""
        const listening: Build = (db: Db, tools) => {
          const query = build(db, tools) as Texts
          const text = query.toSQL?.() ?? query.getQuery?.()
          if (text !== undefined) name = nameOf(text)
          return query
        }
        inner.textOf(listening)
        return remember(name, () => statements.read(build))
      }
    })
    return {
      ...inner,
      ...named(inner),
      transaction: (use) => inner.transaction((tx) => use(named(tx))),
      readAs: (settings, build) =>
        remember(nameOf({ sql: inner.textOf(build), params: [] }), () => inner.readAs(settings, build)),
      prepare: (build) => {
        const execute = inner.prepare(build)
        const text = inner.textOf((db) => build(db, toolbox))
        return (values) => remember(nameOf({ sql: text, params: Object.values(values) }), () => execute(values))
      }
    }
  }
}
