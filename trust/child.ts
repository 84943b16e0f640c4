/**
 * The process with the data layer under test: a crash of the one must not end the run, and its uncaught exceptions and
 * unhandled rejections are counted here.
 */
import * as readline from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import type { Contender } from "./contenders/Contender.ts"
import { openContender } from "./contenders/index.ts"
import { HistoryWriter } from "./History.ts"
import { type Answer, type Command, type Findings, mark } from "./Protocol.ts"
import { Secrets } from "./Secrets.ts"
import { Workload } from "./Workload.ts"

const closeWithinMs = 4000
const say = (answer: Answer) => process.stdout.write(`${mark}${JSON.stringify(answer)}\n`)

let contender: Contender | undefined
let history: HistoryWriter | undefined
let secrets: Secrets | undefined
let workload: Workload | undefined
let unhandled: Array<string> = []
let stallMs = 0

const crash = (how: string) => (error: unknown) => {
  secrets?.error(how, error)
  unhandled.push(`${how}: ${error instanceof Error ? error.message : String(error)}`)
}
process.on("uncaughtException", crash("uncaught exception"))
process.on("unhandledRejection", crash("unhandled rejection"))

const tickMs = 10
let before = performance.now()
setInterval(() => {
  const now = performance.now()
  stallMs = Math.max(stallMs, now - before - tickMs)
  before = now
}, tickMs)
setInterval(() => {
  if (workload !== undefined) say({ did: "progress", progress: workload.progress })
}, 20)

const close = async (): Promise<Findings> => {
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
    stallMs,
    interrupted: workload?.interrupted ?? 0,
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
      stallMs = 0
      secrets = new Secrets(command.canaries)
      history = new HistoryWriter(command.history)
      contender = await openContender(command.contender, command.options)
      stallMs = 0
      workload = new Workload({
        contender,
        history,
        secrets,
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
