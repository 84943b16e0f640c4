/** What it does when it is asked more than it can do, and when it is told to stop meanwhile. */
import { setTimeout as sleep } from "node:timers/promises"
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

const overload = async (stage: Stage): Promise<Outcome> => {
  const server = await stage.serve({ EMS_POOL_MAX: "4", EMS_REQUEST_TIMEOUT_MS: String(deadline), EMS_LOG: "info" })
  const { accessToken } = await stage.login("admin")
  const by = agent()
  const probes = agent()
  const one = () => ask(`${server.url}${route}`, accessToken, by)
  const problems: Array<string> = []
  const seconds = stage.quick ? 4 : 20

  await closedLoop(8, 1000, one)
  const alone = served(await closedLoop(8, stage.quick ? 1500 : 5000, one)).length / (stage.quick ? 1.5 : 5)
  await server.stall()

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
  const stall = await server.stall()

  const good = served(asked)
  const shed = asked.filter(({ status }) => status === 503)
  const p99 = percentile(good, 0.99)
  const rate = good.length / seconds
  const slowest = Math.max(...probed.map(({ ms }) => ms))
  if (shed.length === 0) problems.push("nothing was shed")
  if (shed.some(({ retryAfter }) => !retryAfter)) problems.push("a 503 does not say when to try again")
  if (good.length + shed.length !== asked.length) problems.push(`other answers: ${JSON.stringify(count(asked))}`)
  if (p99 > deadline + tolerance) problems.push(`p99 of what was served is ${p99.toFixed(0)} ms`)
  if (rate < alone / 2) problems.push(`${rate.toFixed(0)} a second were served, ${alone.toFixed(0)} when unloaded`)
  if (probed.some(({ status }) => status !== 200)) problems.push(`probes: ${JSON.stringify(count(probed))}`)
  // What the process as a whole did not get to run is the machine's.
  if (slowest > probeLimit + stall) {
    problems.push(`a probe took ${slowest.toFixed(0)} ms, the longest stall ${stall.toFixed(0)} ms`)
  }

  await sleep(deadline)
  const after = await closedLoop(8, 2000, one)
  const failed = after.length - served(after).length
  if (failed > 0) problems.push(`${failed} of ${after.length} failed when it was over: ${JSON.stringify(count(after))}`)
  by.destroy()
  probes.destroy()
  return {
    problems,
    figures: { requests: asked.length + probed.length + after.length, overloadErrorsAfter: failed },
    note: `${alone.toFixed(0)}/s unloaded, ${rate.toFixed(0)}/s of ${(asked.length / seconds).toFixed(0)}/s served, ` +
      `${shed.length} shed, p50 ${percentile(good, 0.5).toFixed(0)} p99 ${p99.toFixed(0)} ms of ${deadline}, ` +
      `probes p99 ${percentile(probed, 0.99).toFixed(1)} max ${slowest.toFixed(0)} ms, stall ${stall.toFixed(0)} ms`
  }
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
