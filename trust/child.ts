/**
 * The process with the data layer under test: a crash of the one must not end the run, and its uncaught exceptions and
 * unhandled rejections are counted here.
 */
import * as readline from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import type { Contender } from "./contenders/Contender.ts"
import { openContender } from "./contenders/index.ts"
import { HistoryWriter } from "./History.ts"
import { type Answer, type Command, type Findings, mark, nobodyInterrupted } from "./Protocol.ts"
import { Secrets } from "./Secrets.ts"
import { Stalls } from "./Stalls.ts"
import { Workload } from "./Workload.ts"

const closeWithinMs = 4000
const say = (answer: Answer) => process.stdout.write(`${mark}${JSON.stringify(answer)}\n`)

let contender: Contender | undefined
let history: HistoryWriter | undefined
let secrets: Secrets | undefined
let workload: Workload | undefined
let unhandled: Array<string> = []
let sleeping: AbortController | undefined

const crash = (how: string) => (error: unknown) => {
  secrets?.error(how, error)
  unhandled.push(`${how}: ${error instanceof Error ? error.message : String(error)}`)
}
process.on("uncaughtException", crash("uncaught exception"))
process.on("unhandledRejection", crash("unhandled rejection"))

const stalls = new Stalls()
setInterval(() => {
  if (workload !== undefined) say({ did: "progress", progress: workload.progress })
}, 20)

/** What is still in use when no caller is; what was interrupted may take a moment to be cleaned up. */
const stillHeld = async (): Promise<number> => {
  for (let tries = 0;; tries++) {
    const held = contender?.held?.() ?? 0
    if (held === 0 || tries >= 50) return held
    await sleep(20)
  }
}

const close = async (): Promise<Findings> => {
  const held = await stillHeld()
  const closed = await Promise.race([
    (async () => contender?.close())().then(() => true, (error: unknown) => {
      secrets?.error("close", error)
      return true
    }),
    sleep(closeWithinMs, false)
  ])
  // Sockets report their end after `close` has answered.
  await sleep(30)
  const findings: Findings = {
    codes: { ...workload?.codes },
    unhandled,
    secrets: [...secrets?.found ?? []],
    overrunMs: workload?.overrunMs ?? 0,
    lateMs: workload?.lateMs ?? 0,
    stallMs: stalls.longestMs,
    interrupted: workload?.interrupted ?? nobodyInterrupted(),
    held,
    closeHung: !closed
  }
  if (workload !== undefined) say({ did: "progress", progress: workload.progress })
  history?.close()
  contender =
    history =
    secrets =
    workload =
      undefined
  unhandled = []
  return findings
}

const obey = async (command: Command): Promise<Answer> => {
  switch (command.do) {
    case "open":
      secrets = new Secrets(command.canaries)
      history = new HistoryWriter(command.history)
      contender = await openContender(command.contender, command.options)
      stalls.reset()
      workload = new Workload({
        contender,
        history,
        secrets,
        stalls,
        prefix: command.prefix,
        deadlineMs: command.options.deadlineMs,
        seed: command.seed
      })
      return { did: "open" }
    case "work":
      workload?.start(command)
      return { did: "work" }
    case "statement":
      await contender?.statement(command.sql)
      return { did: "statement" }
    case "sleep": {
      sleeping = new AbortController()
      // It ends with an interruption, and nobody asks how.
      contender?.sleep?.(command.mark, sleeping.signal).catch(() => {})
      return { did: "sleep" }
    }
    case "wake": {
      const at = performance.timeOrigin + performance.now()
      sleeping?.abort()
      return { did: "wake", at }
    }
    case "block":
      for (const until = performance.now() + command.ms; performance.now() < until;);
      return { did: "block" }
    case "stop":
      await workload?.stop()
      return { did: "stop" }
    case "close":
      return { did: "close", findings: await close() }
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  obey(JSON.parse(line) as Command).catch((error: unknown): Answer => {
    secrets?.error("open", error)
    return { did: "failed", error: error instanceof Error ? error.name : "error" }
  }).then(say, () => {})
}).on("close", () => process.exit(0))
