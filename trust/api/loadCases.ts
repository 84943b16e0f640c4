/** What it does when it is asked more than it can do, and when it is told to stop meanwhile. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import type { ApiServer } from "./ApiServer.ts"
import type { Case, Outcome } from "./Case.ts"
import { agent, ask, type Asked, closedLoop, paced, percentile } from "./Load.ts"
import type { Stage } from "./Stage.ts"

/** What a request may take. Milliseconds. */
const deadline = 1000

/** Beyond that a client still waits for what it is served. Milliseconds. */
const tolerance = 50

/** A probe is answered within this time, whatever else is asked. Milliseconds. */
const probeLimit = 50

/** Reads the catalog: what the database takes for it is what limits it. */
const route = "/api/db/activity"

const clients = 200

const served = (asked: ReadonlyArray<Asked>) => asked.filter(({ status }) => status === 200)

const count = (asked: ReadonlyArray<Asked>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { error, status } of asked) {
    const key = status === 0 ? error ?? "no answer" : String(status)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/** One try: what was wrong, and whether the machine held the process up for longer than any limit is. */
const tryOverload = async (stage: Stage, server: ApiServer, bearer: string) => {
  const by = agent()
  const probes = agent()
  const one = () => ask(`${server.url}${route}`, bearer, by)
  const problems: Array<string> = []
  const late: Array<string> = []
  const seconds = stage.quick ? 2.5 : 20
  const aloneSeconds = stage.quick ? 1 : 5

  await closedLoop(8, stage.quick ? 500 : 1000, one)
  const alone = served(await closedLoop(8, 1000 * aloneSeconds, one)).length / aloneSeconds
  await server.stall()
  const own = monitorEventLoopDelay({ resolution: 1 })
  own.enable()

  const probed: Array<Asked> = []
  let isOver = false
  const probing = (async () => {
    while (!isOver) {
      for (const path of ["/livez", "/readyz", "/api/db/health"]) {
        probed.push(await ask(server.url + path, undefined, probes))
      }
      await sleep(20)
    }
  })()
  const asked = await paced(clients, 4 * alone, seconds * 1000, one)
  isOver = true
  await probing
  own.disable()
  // What is measured here waits for both of them.
  const stall = await server.stall() + own.max / 1e6

  const good = served(asked)
  const shed = asked.filter(({ status }) => status === 503)
  const p99 = percentile(good, 0.99)
  const rate = good.length / seconds
  const slowest = Math.max(...probed.map(({ ms }) => ms))
  if (shed.length === 0) problems.push("nothing was shed")
  if (shed.some(({ retryAfter }) => !retryAfter)) problems.push("a 503 does not say when to try again")
  if (good.length + shed.length !== asked.length) problems.push(`other answers: ${JSON.stringify(count(asked))}`)
  if (probed.some(({ status }) => status !== 200)) problems.push(`probes: ${JSON.stringify(count(probed))}`)
  if (p99 > deadline + tolerance) late.push(`p99 of what was served is ${p99.toFixed(0)} ms`)
  if (rate < alone / 2) late.push(`${rate.toFixed(0)} a second were served, ${alone.toFixed(0)} when unloaded`)
  if (slowest > probeLimit) late.push(`a probe took ${slowest.toFixed(0)} ms`)

  await sleep(deadline)
  const after = await closedLoop(8, stage.quick ? 500 : 2000, one)
  const failed = after.length - served(after).length
  if (failed > 0) problems.push(`${failed} of ${after.length} failed when it was over: ${JSON.stringify(count(after))}`)
  by.destroy()
  probes.destroy()
  return {
    problems: [...problems, ...late],
    // Nobody is in time on a machine that stands still: what was late then says nothing.
    isVoid: problems.length === 0 && late.length > 0 && stall > probeLimit,
    figures: { requests: asked.length + probed.length + after.length, overloadErrorsAfter: failed },
    note: `${alone.toFixed(0)}/s unloaded, ${rate.toFixed(0)}/s of ${(asked.length / seconds).toFixed(0)}/s served, ` +
      `${shed.length} shed, p50 ${percentile(good, 0.5).toFixed(0)} p99 ${p99.toFixed(0)} ms of ${deadline}, ` +
      `probes p99 ${percentile(probed, 0.99).toFixed(1)} max ${slowest.toFixed(0)} ms, stalls of both sides ${
        stall.toFixed(0)
      } ms`
  }
}

const overload = async (stage: Stage): Promise<Outcome> => {
  const server = await stage.serve({ EMS_POOL_MAX: "4", EMS_REQUEST_TIMEOUT_MS: String(deadline), EMS_LOG: "info" })
  const { accessToken } = await stage.login("admin")
  let outcome = await tryOverload(stage, server, accessToken)
  for (let left = 4; left > 0 && outcome.isVoid; left--) outcome = await tryOverload(stage, server, accessToken)
  return outcome
}

const stopped = async (stage: Stage): Promise<Outcome> => {
  const rounds = stage.quick ? 1 : 5
  const problems: Array<string> = []
  let requests = 0
  let inFlight = 0
  const { accessToken } = await stage.login("viewer")
  for (let round = 0; round < rounds; round++) {
    const server = await stage.serve({ EMS_LOG: "info" })
    const by = agent()
    const asked: Array<Asked> = []
    let isStopped = false
    const asking = Array.from({ length: 64 }, async (_, at) => {
      const path = at % 2 === 0 ? route : "/livez"
      while (!isStopped) {
        const one = await ask(server.url + path, accessToken, by)
        asked.push(one)
        if (one.status === 0) return
      }
    })
    await sleep(700)
    const at = performance.now()
    const code = await server.stop("SIGTERM")
    isStopped = true
    await Promise.all(asking)
    by.destroy()
    requests += asked.length
    const before = asked.filter(({ sentAt }) => sentAt !== undefined && sentAt < at)
    const unanswered = before.filter(({ status }) => status === 0)
    inFlight += before.filter(({ ms, sentAt }) => (sentAt ?? 0) + ms > at).length
    if (unanswered.length > 0) {
      problems.push(
        `${unanswered.length} requests sent before SIGTERM have no answer: ${JSON.stringify(count(unanswered))}`
      )
    }
    const wrong = before.filter(({ status }) => status !== 0 && status !== 200)
    if (wrong.length > 0) problems.push(`answers: ${JSON.stringify(count(wrong))}`)
    if (code !== 0) problems.push(`it ended with ${code}`)
  }
  if (inFlight === 0) problems.push("no request was under way")
  return { problems, figures: { requests }, note: `${inFlight} under way at SIGTERM, ${rounds} times` }
}

export const loadCases: ReadonlyArray<Case> = [
  { id: "L1", name: "200 clients ask four times what it can do", quick: true, run: overload },
  { id: "L2", name: "SIGTERM under load: what was sent is answered", quick: true, run: stopped }
]
