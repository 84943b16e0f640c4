/** One fault against one data layer: break, offer work, heal, wait until it is quiet, look into the table. */
import * as fs from "node:fs"
import * as path from "node:path"
import { Arena, type Cancelled, role } from "./Arena.ts"
import { check, type Verdict } from "./Checker.ts"
import type { ChildHandle } from "./ChildHandle.ts"
import type { Cluster } from "./Cluster.ts"
import type { ContenderName, ContenderOptions } from "./contenders/Contender.ts"
import type { Fault } from "./faults/Fault.ts"
import { type Operation, readHistory } from "./History.ts"
import { type Findings, type Load, nobodyInterrupted } from "./Protocol.ts"
import { reset } from "./Schema.ts"
import { type Canaries, Secrets } from "./Secrets.ts"

export const deadlineMs = 1000

const load: Load = { workers: 8, kinds: ["insert", "transaction", "read"], pauseMs: 2, interrupts: 0, spreadMs: 12 }
const options: Omit<ContenderOptions, "url"> = {
  max: 4,
  deadlineMs,
  connectTimeoutMs: 800,
  maxWaiting: 1000,
  tls: false
}

export interface CaseResult {
  readonly fired: number
  readonly offered: number
  readonly verdict: Verdict
  readonly findings: Findings
  /** Operations that never had an answer. */
  readonly hung: number
  readonly leaked: number
  readonly strangers: number
  /** From healing to the next success. */
  readonly recoveryMs: number | undefined
  /** The process ended by itself, or had to be ended. */
  readonly crashed: boolean
  readonly error: string | undefined
  readonly cancelled: ReadonlyArray<Cancelled>
  /** Acknowledged by a server that was lost with them: a matter of synchronous standbys. */
  readonly gone: number
  /** What the case took as a whole. */
  readonly spentMs: number
}

export interface CaseOptions {
  readonly cluster: Cluster
  readonly standby: Cluster | undefined
  readonly fault: Fault
  readonly contender: ContenderName
  readonly canaries: Canaries
  readonly seed: number
  readonly directory: string
  /** How many times the usual number of operations to offer. */
  readonly scale: number
}

const noFindings: Findings = {
  codes: {},
  unhandled: [],
  secrets: [],
  overrunMs: 0,
  lateMs: 0,
  stallMs: 0,
  interrupted: nobodyInterrupted(),
  held: 0,
  closeHung: false
}

/** Somebody else's cancel must not end a statement that nobody interrupted. */
const strangers = (history: ReadonlyArray<Operation>): number =>
  history.filter(({ completion }) =>
    completion !== undefined && completion.interrupted !== true && /57014/.test(completion.code ?? "")
  ).length

/** Waits until no backend is left; returns how many are after a second. */
const leftover = async (arena: Arena): Promise<number> => {
  for (let tries = 0;; tries++) {
    const left = await arena.backends()
    if (left.length === 0 || tries >= 50) return left.length
    await arena.sleep(20)
  }
}

/** `child` is kept between cases for as long as it is alive. */
export const runCase = async (given: CaseOptions, child: ChildHandle): Promise<CaseResult> => {
  const { canaries, cluster, contender, fault, seed } = given
  const started = performance.now()
  await reset(cluster, canaries)
  const merged = { ...load, ...fault.load }
  const neon = fault.neon === true
  const { scale, standby } = given
  const prefix = canaries.value
  const arena = await Arena.make({
    cluster,
    standby,
    child,
    contender,
    neon,
    load: merged,
    prefix,
    seed,
    deadlineMs,
    scale
  })
  const file = path.join(given.directory, `${fault.id}-${contender.replaceAll(/[^a-z0-9.]/gi, "_")}-${seed}.jsonl`)
  fs.rmSync(file, { force: true })

  let error: string | undefined
  let fired = 0
  let offered = 0
  let recoveryMs: number | undefined
  let findings: Findings | undefined
  try {
    await fault.before?.(arena)
    const url = new URL(arena.proxy.url)
    url.username = role
    url.password = canaries.password
    url.searchParams.set("sslmode", "disable")
    fault.url?.(url)
    const opened = await child.ask({
      do: "open",
      contender,
      options: {
        ...options,
        ...fault.options,
        url: url.href,
        ...(arena.neon === undefined ? {} : { neonProxy: `${arena.neon.host}:${arena.neon.port}/v2` })
      },
      canaries,
      history: file,
      prefix,
      seed
    }, 10_000)
    if (opened?.did !== "open") {
      throw new Error(`it could not be opened: ${opened?.did === "failed" ? opened.error : ""}`)
    }
    await child.ask({ do: "work", ...merged }, 1000)
    if (fault.cold !== true) await child.reaches(({ ok }) => ok >= merged.workers, 3000)
    arena.begin()
    fired = await fault.inject(arena)
    offered = arena.offered
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause)
  }
  await arena.proxy.heal()
  await fault.heal?.(arena).catch((cause: unknown) => {
    error ??= `healing: ${String(cause)}`
  })
  if (fault.kills !== true) {
    if (fault.recovers !== false && error === undefined) {
      const healed = performance.now()
      const { ok } = child.progress
      if (await child.reaches((progress) => progress.ok > ok + merged.workers, 5000)) {
        recoveryMs = performance.now() - healed
      }
    }
    const stopped = await child.ask({ do: "stop" }, deadlineMs + 4000)
    // Who does not answer this does not answer anything any more.
    if (stopped !== undefined) findings = await child.close(6000)
  }
  const crashed = findings === undefined && fault.kills !== true
  if (crashed) child.end()
  const leaked = await leftover(arena)
  // A backend that is still there could still commit.
  await arena.terminate(await arena.backends())
  await leftover(arena)
  await fault.after?.(arena).catch((cause: unknown) => {
    error ??= `afterwards: ${String(cause)}`
  })
  await arena.close()
  const rows = await arena.sql("select id, xmin::text, at::text from h")
  const history = fs.existsSync(file) ? readHistory(file) : []
  const found = check(history, rows.map(({ id }) => String(id)))
  const verdict = { ...found, lost: found.lost.filter((id) => !arena.answered.has(id)) }
  // What a run that failed is explained with.
  fs.writeFileSync(file.replace(/l$/, ""), JSON.stringify({ verdict, rows }, undefined, 2))
  const printed = new Secrets(canaries)
  printed.text("output", child.output)
  return {
    fired,
    offered,
    verdict,
    findings: { ...findings ?? noFindings, secrets: [...findings?.secrets ?? [], ...printed.found] },
    hung: history.filter(({ completion }) => completion?.hung === true).length,
    leaked: leaked + (findings?.held ?? 0),
    strangers: fault.cancels === true ? 0 : strangers(history),
    recoveryMs,
    crashed,
    error,
    gone: found.lost.length - verdict.lost.length,
    cancelled: arena.cancelled,
    spentMs: Math.round(performance.now() - started)
  }
}
