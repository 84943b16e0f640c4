/**
 * The callers: fibres that do a scenario's operations and write down what they were told.
 */
import { type DatabaseShape } from "@ems/db-core/connection/Database"
import type { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { own } from "@ems/db-core/driver/DrizzleSession"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import { defineRelations, inArray, sql } from "drizzle-orm"
import { pgTable, text } from "drizzle-orm/pg-core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Outcome } from "../contenders/Contender.ts"
import type { Operation, Scenario } from "./Scenario.ts"
import type { World } from "./World.ts"

export const history = pgTable("history", { id: text("id").notNull(), note: text("note") })
export const relations = defineRelations({ history })

export type SimulatedDatabase = DatabaseShape<typeof relations>

/** What the body of a transaction fails with when the scenario says so. */
interface Abandoned {
  readonly _tag: "Abandoned"
}
const abandoned: Abandoned = { _tag: "Abandoned" }

/** What a caller asked, and what it was told. */
export interface Told {
  readonly at: number
  readonly operation: Operation
  /** Rows that are there exactly if it took effect. */
  readonly rows: ReadonlyArray<string>
  /** Rows that must not be there whatever happens: a savepoint undid them. */
  readonly undone: ReadonlyArray<string>
  readonly startedAt: number
  endedAt: number | undefined
  outcome: Outcome | undefined
  isInterrupted: boolean
  /** What was wrong with what it was told. */
  readonly flaws: Array<string>
}

const fates = {
  NotSent: "failed",
  Refused: "failed",
  RolledBack: "failed",
  Committed: "ok",
  Unknown: "unknown"
} as const

const ofError = ({ fate, operation, reason }: DbError): Outcome => ({
  is: fates[fate],
  code: `${fate} ${reason._tag}${reason.sqlState === undefined ? "" : ` ${reason.sqlState}`}`,
  resolution: operation === "commit" && fate === "RolledBack" && reason._tag !== "CommitRolledBack"
    ? "aborted"
    : undefined
})

/** What a caller has to believe after `exit`. */
export const outcomeOf = (exit: Exit.Exit<unknown, DbError | Abandoned>): Outcome => {
  if (Exit.isSuccess(exit)) return { is: "ok" }
  const found = Exit.findErrorOption(exit)
  if (found._tag === "Some") return isDbError(found.value) ? ofError(found.value) : { is: "failed", code: "Abandoned" }
  return Cause.hasInterruptsOnly(exit.cause)
    ? { is: "unknown", code: "Interrupted" }
    : { is: "unknown", code: "Defect" }
}

export class Callers {
  readonly told: Array<Told> = []
  private readonly byPlace = new Map<number, Told>()
  private readonly world: World
  private readonly scenario: Scenario
  private readonly database: SimulatedDatabase
  private readonly health: HealthCheck["Service"]

  constructor(world: World, scenario: Scenario, database: SimulatedDatabase, health: HealthCheck["Service"]) {
    this.world = world
    this.scenario = scenario
    this.database = database
    this.health = health
  }

  /** Ends when every caller has done everything. */
  get run(): Effect.Effect<void> {
    const callers = new Set(this.scenario.operations.map(({ caller }) => caller))
    return Effect.forEach(callers, (caller) => this.caller(caller), { concurrency: "unbounded", discard: true })
  }

  private caller(number: number): Effect.Effect<void> {
    const mine = [...this.scenario.operations.entries()].filter(([, { caller }]) => caller === number)
    return Effect.forEach(mine, ([at, operation]) => this.ask(at, operation), { discard: true })
  }

  private ask(at: number, operation: Operation): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      yield* Effect.sleep(operation.pause)
      const told = this.begin(at, operation)
      const fiber = yield* Effect.forkChild(this.call(told))
      if (operation.interrupt !== undefined) {
        this.world.after(operation.interrupt, () => {
          if (fiber.pollUnsafe() !== undefined) return
          told.isInterrupted = true
          this.world.note(`o${at} interrupted`)
          fiber.interruptUnsafe()
        })
      }
      const exit = yield* Fiber.await(fiber)
      told.outcome = outcomeOf(exit)
      told.endedAt = this.world.now
      if (told.outcome.code === "Defect") {
        told.flaws.push(`DEFECT ${String(Exit.isFailure(exit) ? Cause.squash(exit.cause) : "")}`)
      }
      this.world.note(`o${at} ${told.outcome.is} ${told.outcome.code ?? ""}`)
    })
  }

  private begin(at: number, operation: Operation): Told {
    const id = `o${at}`
    const rows = operation.kind === "transaction"
      ? [...Array(operation.inserts).keys()].map((n) => `${id}.${n}`)
      : ["insert", "write", "disguised"].includes(operation.kind)
      ? [id]
      : []
    const nested = operation.kind === "transaction" ? operation.nested : undefined
    const told: Told = {
      at,
      operation,
      rows: nested === "kept" ? [...rows, `${id}.n`] : rows,
      undone: nested === "undone" ? [`${id}.n`] : [],
      startedAt: this.world.now,
      endedAt: undefined,
      outcome: undefined,
      isInterrupted: false,
      flaws: []
    }
    this.told.push(told)
    this.byPlace.set(at, told)
    this.world.note(`${id} ${operation.kind}`)
    return told
  }

  private call(told: Told): Effect.Effect<unknown, DbError | Abandoned> {
    const { database } = this
    const { operation } = told
    const limit = operation.timeout === undefined ? {} : { timeout: operation.timeout }
    switch (operation.kind) {
      case "insert":
        return database.query((db) => db.insert(history).values(this.row(told)), limit)
      case "write":
        return database.write((db) => db.insert(history).values(this.row(told)), limit)
      case "disguised": {
        const { id, note } = this.row(told)
        return database.query((db) => db.execute(sql`select disguised_insert(${id}, ${note}) ${this.unique}`), limit)
      }
      case "transaction":
        return this.transaction(told, operation)
      case "read":
        return this.read(told, operation)
      case "stream":
        return this.stream(told)
      case "health":
        return this.health.check
    }
  }

  /** The layer remembers texts that turned out to write; a run must not know what an earlier one found out. */
  private get unique() {
    return sql.raw(`/* ${String(texts++).padStart(9, "0")} */`)
  }

  private row({ operation, rows }: Told) {
    const doom = "doom" in operation ? operation.doom : undefined
    return { id: rows[0]!, note: doom === undefined ? null : `${doom.when}:${doom.code}` }
  }

  private transaction(told: Told, operation: Extract<Operation, { kind: "transaction" }>) {
    const { careless, doom, fails, idle, inserts, nested, retry, timeout } = operation
    const note = doom === undefined ? null : `${doom.when}:${doom.code}`
    const inner = { id: `o${told.at}.n`, note: null }
    return this.database.transaction((tx) =>
      Effect.gen(function*() {
        for (let n = 0; n < inserts; n++) {
          if (idle > 0) yield* Effect.sleep(idle)
          // The last one is the doomed one, so that something is there to be undone.
          const insert = tx.insert(history).values({ id: `o${told.at}.${n}`, note: n === inserts - 1 ? note : null })
          yield* careless ? Effect.ignore(insert) : insert
        }
        if (nested !== undefined) {
          const savepoint = tx.transaction((inside) =>
            Effect.andThen(
              inside.insert(history).values(inner),
              nested === "kept" ? Effect.void : Effect.fail(abandoned)
            )
          )
          yield* savepoint.pipe(Effect.mapError(own), Effect.catchTag("Abandoned", () => Effect.void))
        }
        if (fails) return yield* Effect.fail(abandoned)
      }), { retry, ...(timeout === undefined ? {} : { timeout }) })
  }

  /** What has to be there, and what must not be, by what its callers have been told up to now. */
  private get known(): { readonly present: Set<string>; readonly absent: Set<string> } {
    const present = new Set<string>()
    const absent = new Set<string>()
    for (const { outcome, rows, undone } of this.told) {
      for (const row of undone) absent.add(row)
      if (outcome?.is === "ok") { for (const row of rows) present.add(row) }
      if (outcome?.is === "failed") { for (const row of rows) absent.add(row) }
    }
    return { present, absent }
  }

  private compare(
    told: Told,
    ids: ReadonlyArray<string>,
    { absent, present }: Callers["known"],
    among?: ReadonlyArray<string>
  ): void {
    const found = new Set(ids)
    if (found.size < ids.length) told.flaws.push("DOUBLE read")
    for (const row of among ?? present) if (present.has(row) && !found.has(row)) told.flaws.push(`LOST ${row} not read`)
    for (const row of found) if (absent.has(row)) told.flaws.push(`LIED ${row} read`)
  }

  private read(told: Told, { alone, of, timeout }: Extract<Operation, { kind: "read" }>) {
    const wanted = this.byPlace.get(of)
    const ids = wanted === undefined ? [] : [...wanted.rows, ...wanted.undone]
    const { known } = this
    return this.database.query(
      (db) => db.select({ id: history.id }).from(history).where(inArray(history.id, ids.length === 0 ? ["none"] : ids)),
      { cancellable: alone, ...(timeout === undefined ? {} : { timeout }) }
    ).pipe(Effect.map((rows) => this.compare(told, rows.map(({ id }) => id), known, ids)))
  }

  private stream(told: Told) {
    const { known } = this
    return Stream.runCollect(this.database.stream((db) => db.select({ id: history.id }).from(history))).pipe(
      Effect.map((rows) => this.compare(told, [...rows].map(({ id }) => id), known))
    )
  }
}

let texts = 0
