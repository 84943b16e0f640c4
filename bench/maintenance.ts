/** Maintenance on a million registrations: beside writers, beside a plain client, and killed. */
import { indexCatalog } from "@ems/schema"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { type Demo, emsdb, startDemo } from "./maintenance/Demo.ts"
import { buildPlainly, drop, invalid, openOurs, usable } from "./maintenance/indexes.ts"
import { startRegistering } from "./maintenance/Registering.ts"
import type { BenchOptions } from "./options.ts"
import { type Outcome, type Part, print } from "./Part.ts"
import { median } from "./Side.ts"

const writers = 16
const leastWrites = 200
const kills = 10

const is = (what: string, figure: number, goal: number): Outcome => ({
  what,
  figure: String(figure),
  goal: String(goal),
  isMet: figure === goal
})

const beside = async (demo: Demo): Promise<Part> => {
  await drop(demo)
  const ours = openOurs(demo.url)
  const registering = await startRegistering(demo.url, writers)
  await sleep(1000)
  const seconds = await ours.build(1)
  await ours.close()
  const registered = await registering.stop()
  // The seconds of the build: the one before it, and what came after its end, are not.
  const during = registered.seconds.slice(1, 1 + Math.floor(seconds))
  const least = Math.min(...during)
  const failed = Object.values(registered.failures).reduce((sum, n) => sum + n, 0)
  return {
    title: `createIndexes, all ${indexCatalog.length}, while ${writers} clients register people`,
    measured: [],
    seen: [
      `built in ${seconds.toFixed(1)} s`,
      `${registered.committed} registrations; in each second of the build ${during.join(" ")}`,
      ...Object.entries(registered.failures).map(([code, n]) => `failed with ${code}: ${n}`)
    ],
    outcomes: [
      is("registrations that failed", failed, 0),
      {
        what: "registrations in the slowest second",
        figure: String(least),
        goal: `at least ${leastWrites}`,
        isMet: least >= leastWrites
      },
      is("indexes usable", await usable(demo), indexCatalog.length)
    ]
  }
}

const timed = async (demo: Demo, { rounds }: BenchOptions): Promise<Part> => {
  const ours = openOurs(demo.url)
  const sides = {
    "a plain client": () => buildPlainly(demo.url),
    "createIndexes": () => ours.build(1),
    "createIndexes, two tables at a time": () => ours.build(2)
  }
  const figures = new Map<string, Array<number>>(Object.keys(sides).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, build] of Object.entries(sides)) {
      await drop(demo)
      figures.get(name)?.push(await build())
    }
  }
  await ours.close()
  const ratio = (name: string) =>
    median((figures.get(name) ?? []).map((seconds, round) => seconds / figures.get("a plain client")![round]!))
  const outcome = (name: string, goal: number): Outcome => ({
    what: `${name}, against a plain client`,
    figure: `${ratio(name).toFixed(2)}x`,
    goal: `at most ${goal}x`,
    isMet: ratio(name) <= goal
  })
  return {
    title: `all ${indexCatalog.length} without writers; seconds`,
    measured: [],
    seen: [...figures].map(([name, seconds]) =>
      `${name.padEnd(36)} ${median(seconds).toFixed(1)}   rounds ${seconds.map((one) => one.toFixed(1)).join(" ")}`
    ),
    outcomes: [outcome("createIndexes", 1.1), outcome("createIndexes, two tables at a time", 0.8)]
  }
}

const killed = async (demo: Demo, seconds: number): Promise<Part> => {
  const left: Array<number> = []
  let wrong = 0
  for (let round = 0; round < kills; round++) {
    await drop(demo)
    const child = emsdb(demo.url, "indexes", "create", "--json", "--parallel", "2")
    await sleep(500 + Math.random() * seconds * 1000)
    child.kill("SIGKILL")
    if (child.exitCode === null) await once(child, "exit")
    left.push(await invalid(demo))
    // Until the server has seen that the killed one is gone, a new one is refused.
    for (;;) {
      const [code] = await once(emsdb(demo.url, "indexes", "create", "--json"), "exit")
      if (code !== 4) break
      await sleep(200)
    }
    if (await invalid(demo) !== 0 || await usable(demo) !== indexCatalog.length) wrong++
  }
  return {
    title: `emsdb indexes create, killed at ${kills} random moments, then run again`,
    measured: [],
    seen: [`invalid indexes when it had been killed: ${left.join(" ")}`],
    outcomes: [is("runs after which an index was invalid or missing", wrong, 0)]
  }
}

/** Rounds are minutes here: three of them say enough. */
const mostRounds = 3

export const maintenance = async (options: BenchOptions): Promise<number> => {
  const demo = await startDemo(options.scale)
  try {
    console.log(`maintenance, Bun ${process.versions["bun"]}, ${demo.registrations.toLocaleString("en")} registrations`)
    const rounds = Math.min(mostRounds, options.rounds)
    const parts: Array<Part> = []
    let missed = 0
    for (
      const part of [
        () => beside(demo),
        () => timed(demo, { ...options, rounds }),
        () => killed(demo, 8)
      ]
    ) {
      const shown = await part()
      missed += print(shown)
      parts.push(shown)
    }
    if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ parts }, null, 2))
    return missed === 0 ? 0 : 1
  } finally {
    await demo.stop()
  }
}
