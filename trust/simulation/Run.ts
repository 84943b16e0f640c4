/** Runs one scenario from an empty table to a verdict. */
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { Database } from "@ems/db-core/connection/Database"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Observations } from "@ems/db-core/connection/Observations"
import { Pool, type PoolSnapshot } from "@ems/db-core/connection/Pool"
import { StatementRunner } from "@ems/db-core/connection/StatementRunner"
import { capabilities } from "@ems/db-core/driver/Capabilities"
import { Driver } from "@ems/db-core/driver/Driver"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import { createHash } from "node:crypto"
import { random } from "../random.ts"
import type { Backend } from "./Backend.ts"
import { Callers, history, relations, type SimulatedDatabase, type Told } from "./Callers.ts"
import { FaultPlan } from "./FaultPlan.ts"
import { judge, type Judgement } from "./Judge.ts"
import { Link, type Network } from "./Link.ts"
import type { Scenario } from "./Scenario.ts"
import { type Answers, Server } from "./Server.ts"
import { virtualTimers } from "./Timers.ts"
import { World } from "./World.ts"

export interface Result extends Judgement {
  readonly told: ReadonlyArray<Told>
  readonly fired: FaultPlan["fired"]
  readonly answers: Answers
  readonly executed: number
  readonly trace: ReadonlyArray<string>
  /** Of the trace and the table: the same for every run of the same scenario. */
  readonly hash: string
  /** Virtual milliseconds. */
  readonly elapsed: number
}

/** Puts something between the callers and the data layer: a mistake that must be found. */
export type Wrap = (database: SimulatedDatabase) => SimulatedDatabase

const layerOf = ({ settings }: Scenario, open: () => Link["duplex"]) =>
  HealthCheck.layerNoDeps().pipe(
    Layer.provideMerge(Database.layerNoDeps(relations)),
    Layer.provide(StatementRunner.layerNoDeps()),
    Layer.provideMerge(Pool.layerNoDeps()),
    Layer.provideMerge(Driver.layerOf({ capabilities: capabilities[settings.backend], open })),
    Layer.provide(Observations.layer()),
    Layer.provide(DbConfig.layerOf({
      url: "postgres://sim:secret@localhost/sim",
      transport: "tcp",
      poolMax: settings.poolMax,
      poolSharedDepth: settings.sharedDepth,
      poolIdleTimeout: settings.idleTimeout,
      poolMaxUses: settings.maxUses,
      queryTimeout: settings.queryTimeout,
      acquireTimeout: settings.acquireTimeout,
      connectTimeout: settings.connectTimeout,
      commitResolveTimeout: settings.resolveTimeout,
      // Small, so that a stream takes several turns.
      streamBatch: 5
    }))
  )

/** Time for what was left behind to be noticed and cleared away. Milliseconds. */
const settling = 6000

const leak = (snapshot: PoolSnapshot): ReadonlyArray<string> =>
  (["acquired", "shared", "sharedStatements", "opening", "waiting"] as const).flatMap((key) =>
    snapshot[key] === 0 ? [] : [`LEAKED ${key} ${snapshot[key]}`]
  )

export const run = async (
  backend: Backend,
  scenario: Scenario,
  wrap: Wrap = (database) => database
): Promise<Result> => {
  backend.reset()
  const world = new World()
  const plan = new FaultPlan(world, scenario)
  const server = new Server(world, backend)
  const network: Network = {
    world,
    server,
    plan,
    random: random(scenario.seed ^ 0x5eed),
    latency: scenario.settings.latency
  }
  const flaws: Array<string> = []
  const number = random(scenario.seed ^ 0x0ff)
  const services = Context.make(Clock.Clock, world.clock).pipe(
    Context.add(Scheduler.Scheduler, world.scheduler),
    Context.add(References.MinimumLogLevel, "None"),
    Context.add(Random.Random, {
      nextDoubleUnsafe: number,
      nextIntUnsafe: () => Math.floor((number() - 0.5) * 2 * Number.MAX_SAFE_INTEGER)
    })
  )
  let callers: Callers | undefined

  const program = Effect.scoped(Effect.gen(function*() {
    const context = yield* Layer.build(layerOf(scenario, () => new Link(network).duplex))
    const database = wrap(yield* Effect.provide(Database.with(relations), context))
    callers = new Callers(world, scenario, database, Context.get(context, HealthCheck))
    yield* callers.run
    plan.isHealed = true
    world.note("healed")
    yield* Effect.sleep(settling)
    const pool = Context.get(context, Pool)
    flaws.push(...leak(yield* pool.snapshot))
    flaws.push(...yield* recover(database))
  }))

  const unhandled = (error: unknown) => void flaws.push(`UNHANDLED ${String(error)}`)
  process.on("uncaughtException", unhandled)
  process.on("unhandledRejection", unhandled)
  const restore = virtualTimers(world)
  let isEnded: boolean
  try {
    const fiber = Effect.runForkWith(services)(program)
    isEnded = await world.run(() => fiber.pollUnsafe() !== undefined)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) flaws.push("HUNG the run never ended")
    else if (Exit.isFailure(exit)) flaws.push(`DEFECT ${Cause.pretty(exit.cause)}`)
    if (isEnded) {
      // What is still under way arrives; nothing of the data layer may be left to wait for.
      await world.run(() => false)
      if (server.sessionCount > 0) flaws.push(`LEAKED ${server.sessionCount} backends after close`)
    }
  } finally {
    restore()
    process.off("uncaughtException", unhandled)
    process.off("unhandledRejection", unhandled)
  }
  const table = backend.column("select id from history order by id").filter((id) => !id.startsWith("probe"))
  const told = callers?.told ?? []
  if (!plan.isCancelForged) flaws.push(...told.flatMap(strangers))
  const judgement = judge(told, scenario.settings, table)
  const trace = [...world.trace, `table ${table.join(" ")}`]
  return {
    verdict: judgement.verdict,
    flaws: [...judgement.flaws, ...flaws],
    told,
    fired: plan.fired,
    answers: server.answers,
    executed: server.executed,
    trace,
    hash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    elapsed: world.elapsed
  }
}

/** A statement was cancelled, and not by its own caller. */
const strangers = ({ at, isInterrupted, outcome }: Told): ReadonlyArray<string> =>
  !isInterrupted && outcome?.code?.includes(" Cancelled") === true ? [`STRANGER o${at} was cancelled`] : []

/** The network is whole again: a write must get through, at the third attempt if connections were dead unnoticed. */
const recover = (database: SimulatedDatabase): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    let last = ""
    for (let attempt = 0; attempt < 6; attempt++) {
      const exit = yield* Effect.exit(database.write((db) => db.insert(history).values({ id: `probe${attempt}` })))
      if (Exit.isSuccess(exit)) return []
      last = Cause.pretty(exit.cause).split("\n")[0] ?? ""
      yield* Effect.sleep(500)
    }
    return [`STUCK ${last}`]
  })
