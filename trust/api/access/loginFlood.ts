/** Logins without limits: what their answers tell by their time, and what a flood of them does to others. */
import { setTimeout as sleep } from "node:timers/promises"
import { Stalls } from "../../Stalls.ts"
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { inParallel, statusOf, Wires } from "../Wire.ts"
import { login } from "./login.ts"

/** A probe is answered within this time, whatever else is asked. Milliseconds. */
const probeLimit = 50

/** An account that nobody has may be told from a wrong password by no more than this. */
const mostRatio = 1.5

const guessers = 100

/** Milliseconds. */
const duration = 5000

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Medians of 15, taken by turns. */
const times = async (wires: Wires, email: string): Promise<readonly [known: number, unknown: number]> => {
  const known: Array<number> = []
  const unknown: Array<number> = []
  for (let at = 0; at < 17; at++) {
    for (const [into, who] of [[known, email], [unknown, `nobody${at}@example.org`]] as const) {
      const began = performance.now()
      await wires.ask(login(who, "a wrong phrase of some length"))
      // The first ones warm up.
      if (at >= 2) into.push(performance.now() - began)
    }
  }
  return [median(known), median(unknown)]
}

export const loginFlood = async (stage: Stage): Promise<Outcome> => {
  const server = await stage.serve({ EMS_LOG: "error" })
  const { email } = await stage.login("admin")
  const wires = new Wires(server.url)
  const problems: Array<string> = []
  const [known, unknown] = await times(wires, email)
  if (!(Math.max(known, unknown) / Math.min(known, unknown) <= mostRatio)) {
    problems.push(`a wrong password takes ${known.toFixed(0)} ms, an account that nobody has ${unknown.toFixed(0)} ms`)
  }

  const stalls = new Stalls()
  await server.stall()
  const until = performance.now() + duration
  const statuses = new Map<number, number>()
  const flood = inParallel(Array.from({ length: guessers }, (_, at) => at), guessers, async (at) => {
    while (performance.now() < until) {
      const status = statusOf(await wires.ask(login(at % 2 === 0 ? email : `flood${at}@example.org`, "wrong")))
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  const probed: Array<number> = []
  const probe = new Wires(server.url)
  while (performance.now() < until) {
    const began = performance.now()
    const status = statusOf(await probe.ask({ target: "/livez" }))
    const ended = performance.now()
    if (status !== 200) problems.push(`/livez is answered ${status} during a flood of logins`)
    probed.push(ended - began - stalls.between(began, ended))
    await sleep(10)
  }
  await flood
  const stall = await server.stall()
  wires.close()
  probe.close()
  const told = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ")
  // Refused as wrong, or as one too many.
  if ([...statuses.keys()].some((status) => status !== 401 && status !== 503)) {
    problems.push(`a flood of logins is answered ${told}`)
  }
  const slowest = Math.max(...probed)
  // What the process as a whole did not get to run is the machine's.
  if (slowest > probeLimit + stall) {
    problems.push(`/livez took ${slowest.toFixed(0)} ms, the longest stall ${stall.toFixed(0)} ms`)
  }
  return {
    problems,
    figures: { requests: 34 + probed.length + [...statuses.values()].reduce((sum, count) => sum + count, 0) },
    note: `wrong password ${known.toFixed(1)} ms, nobody's ${unknown.toFixed(1)} ms; ${guessers} who guess: ${told}; `
      + `/livez beside them ${median(probed).toFixed(1)} ms, at most ${slowest.toFixed(0)}, stall ${stall.toFixed(0)}`
  }
}
