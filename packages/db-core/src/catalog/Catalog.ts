/**
 * Reads Postgres's catalogs and statistics: one file for each question, each answered with rows or with why there are
 * none. Changes nothing, and is not counted among the callers' statements.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DbConfig } from "../config/DbConfig.ts"
import { StatementRunner } from "../connection/StatementRunner.ts"
import { Driver } from "../driver/Driver.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import { type Answer, available, type CatalogQuery, unavailable } from "./CatalogQuery.ts"
import type { AnyCheck } from "./Check.ts"
import { allChecks } from "./checks.ts"
import type { Finding } from "./Finding.ts"
import type { IndexDefinition } from "./IndexDefinition.ts"
import { readServerFacts, type ServerFacts } from "./ServerFacts.ts"

export interface CheckResult {
  readonly name: string
  readonly title: string
  /** Findings, or why nobody knows. */
  readonly answer: Answer<Finding>
}

export interface CheckOptions {
  /** Names of checks; without it all of them. */
  readonly only?: ReadonlyArray<string>
  /** Other figures than the thresholds', as `check.threshold`. */
  readonly limits?: Readonly<Record<string, number>>
}

export class Catalog extends Context.Service<Catalog, {
  readonly server: Effect.Effect<ServerFacts, DbError>
  /**
   * Asks one question. What this server or role cannot answer is part of the answer; fails only when the connection
   * does. Within `DbConfig.queryTimeout`.
   */
  readonly read: <Row>(query: CatalogQuery<Row>) => Effect.Effect<Answer<Row>, DbError>
  /** Runs checks one after the other on one connection, each within `DbConfig.queryTimeout`. */
  readonly checks: (options?: CheckOptions) => Effect.Effect<ReadonlyArray<CheckResult>, DbError>
}>()("@ems/db-core/catalog/Catalog") {
  /** `indexes`: those that are there on purpose are no findings, but notes. */
  static readonly layerNoDeps = ({ indexes = [] }: { readonly indexes?: ReadonlyArray<IndexDefinition> } = {}) =>
    Layer.effect(Catalog, make(indexes))
}

/** What a definition may answer for: that an index is needed by nobody who could be seen. */
const excusable: ReadonlySet<string> = new Set(["redundant-index", "unused-index"])

/** Findings without those that somebody wanted so, which become notes. */
const excused = (
  findings: ReadonlyArray<Finding>,
  notes: ReadonlyArray<string>,
  indexes: ReadonlyArray<IndexDefinition>
): Answer<Finding> => {
  const reasons = new Map(
    indexes.flatMap(({ intentional, name, schema }): Array<[string, string]> =>
      intentional === undefined || intentional === null ? [] : [[`${schema}.${name}`, intentional]]
    )
  )
  const reasonOf = ({ name, object }: Finding) => excusable.has(name) ? reasons.get(object.name) : undefined
  return available(
    findings.filter((finding) => reasonOf(finding) === undefined),
    [
      ...notes,
      ...findings.flatMap((finding) => {
        const reason = reasonOf(finding)
        return reason === undefined ? [] : [`${finding.object.name} is kept on purpose: ${reason}`]
      })
    ]
  )
}

/** The server's answer was an error: the next question may have a better one. */
const isAnswer = ({ fate, reason }: DbError): boolean =>
  fate === "Refused" || reason._tag === "StatementTimeout" || reason._tag === "InsufficientPrivilege"

const make = Effect.fnUntraced(function*(indexes: ReadonlyArray<IndexDefinition>) {
  const { queryTimeout } = yield* DbConfig
  const { statements, within } = yield* StatementRunner
  const { capabilities: { backend } } = yield* Driver

  const lent = <A>(use: (connection: WireConnection) => Effect.Effect<A, DbError>): Effect.Effect<A, DbError> =>
    Effect.scoped(Effect.flatMap(statements.quiet, use))

  const factsFrom = (connection: WireConnection) => readServerFacts(connection, backend)

  const ask = <Row>(
    connection: WireConnection,
    server: ServerFacts,
    query: CatalogQuery<Row>
  ): Effect.Effect<Answer<Row>, DbError> => {
    const missing = query.unavailable?.(server)
    if (missing !== undefined) return Effect.succeed({ isAvailable: false, unavailable: missing })
    return Effect.matchEffect(connection.rows<Row>(query.sql(server)), {
      onSuccess: (rows) =>
        Effect.succeed(available(
          query.shown === undefined ? rows : rows.map((row) => query.shown!(row)),
          query.notes?.(server)
        )),
      onFailure: (error) =>
        isAnswer(error)
          ? Effect.succeed({
            isAvailable: false,
            unavailable: unavailable(
              error.reason._tag === "InsufficientPrivilege" ? "privilege" : "failed",
              `the server refused: ${error.reason.message}`
            )
          })
          : Effect.fail(error)
    })
  }

  const runCheck = (
    connection: WireConnection,
    server: ServerFacts,
    { findings, name, query, title }: AnyCheck,
    limits: Readonly<Record<string, number>>
  ): Effect.Effect<CheckResult, DbError> =>
    Effect.map(within(ask(connection, server, query), queryTimeout), (answer) => ({
      name,
      title,
      answer: answer.isAvailable ? excused(findings(answer.rows, server, limits), answer.notes, indexes) : answer
    }))

  return {
    server: within(lent(factsFrom), queryTimeout),
    read: (query) =>
      within(
        lent((connection) => Effect.flatMap(factsFrom(connection), (server) => ask(connection, server, query))),
        queryTimeout
      ),
    checks: ({ limits = {}, only } = {}) =>
      lent((connection) =>
        Effect.flatMap(within(factsFrom(connection), queryTimeout), (server) =>
          Effect.forEach(
            allChecks.filter(({ name }) => only === undefined || only.includes(name)),
            (check) => runCheck(connection, server, check, limits)
          ))
      )
  } satisfies Catalog["Service"]
})
