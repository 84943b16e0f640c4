/** Clients that send a byte a second, or do not read: they are cut off, and stand in nobody's way. */
import { setTimeout as sleep } from "node:timers/promises"
import { Stalls } from "../../Stalls.ts"
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { bearer, type Sending, statusOf, Wire, Wires, written } from "../Wire.ts"
import { Suspect } from "./Suspect.ts"

/** Of each kind. */
const clients = 50

/** A body has to be there within 10 s, by the documentation. Milliseconds. */
const bodyBound = 12_000

/** A head for which there is no word: as long as an idle connection may last, and some more. Milliseconds. */
const headBound = 75_000

/** A probe is answered within this time, whatever else is asked. Milliseconds. */
const probeLimit = 50

/** Sends a byte a second until it is answered, cut off, or the time is over: then `undefined`. How long that was. */
const drip = async (
  url: string,
  start: Uint8Array,
  byte: string,
  bound: number
): Promise<{ readonly ms: number; readonly status: number } | undefined> => {
  const wire = await Wire.open(url)
  const began = performance.now()
  void wire.send(start)
  while (performance.now() - began < bound) {
    const answer = await wire.answer({ timeout: 1000 })
    if (answer !== "hung") {
      wire.close()
      return { ms: performance.now() - began, status: statusOf(answer) }
    }
    void wire.send(byte)
  }
  wire.close()
  return undefined
}

interface Cut {
  readonly name: string
  readonly bound: number
  readonly ends: ReadonlyArray<{ readonly ms: number; readonly status: number } | undefined>
}

const many = async (name: string, bound: number, one: () => ReturnType<typeof drip>): Promise<Cut> => ({
  name,
  bound,
  ends: await Promise.all(Array.from({ length: clients }, one))
})

export const slowClients = async (stage: Stage): Promise<Outcome> => {
  const suspect = await Suspect.start(stage)
  const { canaries, known, server } = suspect
  const auth = [bearer(known.accessToken)]
  const problems: Array<string> = []
  const stalls = new Stalls()
  await server.stall()

  const json: NonNullable<Sending["headers"]> = [...auth, ["content-type", "application/json"]]
  const body = (headers: typeof json, start: string) =>
    written({ method: "POST", target: "/api/db/explain", headers, body: start })
  const head = Buffer.from("GET /api/db/cache HTTP/1.1\r\nhost: localhost\r\nx-a: ")
  const slow = Promise.all([
    many(
      "a body with a length",
      bodyBound,
      () => drip(server.url, body([...json, ["content-length", "5000"]], "{"), " ", bodyBound)
    ),
    many(
      "a chunked body",
      bodyBound,
      () => drip(server.url, body([...json, ["transfer-encoding", "chunked"]], "1\r\n{\r\n"), "1\r\n \r\n", bodyBound)
    ),
    many("a head", headBound, () => drip(server.url, head, "a", headBound)),
    many("a head that stops", headBound, () => drip(server.url, head, "", headBound)),
    many("no byte at all", headBound, () => drip(server.url, Buffer.alloc(0), "", headBound))
  ])

  let isOver = false
  const probed: Array<number> = []
  const probing = (async () => {
    const wires = new Wires(server.url)
    while (!isOver) {
      const began = performance.now()
      const status = statusOf(await wires.ask({ target: probed.length % 2 === 0 ? "/livez" : "/api/db/health" }))
      const ended = performance.now()
      if (status !== 200) problems.push(`a probe beside slow clients is answered ${status}`)
      probed.push(ended - began - stalls.between(began, ended))
      await sleep(50)
    }
    wires.close()
  })()
  // Answers that nobody reads: 50 × the largest one, on connections that stay.
  const deaf = await Promise.all(Array.from({ length: clients }, () => Wire.open(server.url)))
  for (const wire of deaf) {
    // Not at once: that would be a thousand requests in one moment, and not slow.
    await sleep(100)
    void wire.send(Buffer.concat(Array.from({ length: 20 }, () => written({ target: "/openapi/json" }))))
  }

  const cuts = await slow
  isOver = true
  await probing
  for (const wire of deaf) wire.close()
  const stall = await server.stall()

  for (const { bound, ends, name } of cuts) {
    const left = ends.filter((one) => one === undefined).length
    if (left > 0) {
      problems.push(`${name}: ${left} of ${ends.length} slow clients are still there after ${bound / 1000} s`)
    }
  }
  const slowest = Math.max(...probed)
  // What the process as a whole did not get to run is the machine's.
  if (slowest > probeLimit + stall) {
    problems.push(`a probe took ${slowest.toFixed(0)} ms beside slow clients, the longest stall ${stall.toFixed(0)} ms`)
  }
  problems.push(...await suspect.end())
  const told = cuts.map(({ ends, name }) => {
    const known = ends.filter((one) => one !== undefined)
    const seconds = known.length === 0 ? "never" : `${(Math.max(...known.map(({ ms }) => ms)) / 1000).toFixed(1)} s`
    return `${name} ${seconds} (${[...new Set(known.map(({ status }) => status || "closed"))].join(", ")})`
  })
  return {
    problems: [...new Set([...problems, ...canaries.problems])],
    figures: { requests: 5 * clients + 20 * clients + probed.length, leaks: canaries.leaks },
    note: `cut after at most: ${told.join("; ")}; probes beside them at most ${slowest.toFixed(0)} ms, stall ${
      stall.toFixed(0)
    } ms`
  }
}
