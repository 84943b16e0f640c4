/** A process with a data layer and its cache: readers and a writer. */
import { Callers } from "./Callers.ts"
import type { CacheContender, Level, Written } from "./Contender.ts"
import { openCacheContender } from "./contenders/index.ts"
import { keyOf, queries, queryNames, rowCount, weighted } from "./Layout.ts"
import { LogWriter } from "./Log.ts"
import { monotonic } from "./Monotonic.ts"
import { type Acked, type Answer, type AppLoad, type Command, listen } from "./Protocol.ts"

/** Of the writes, so many are transactions that roll back, and so many others are transactions. */
const poisonedShare = 0.2
const transactionShare = 0.4

const written: ReadonlyArray<Written> = [...Array.from({ length: 10 }, () => "pair" as const), "family", "quiet"]

let contender: CacheContender | undefined
let callers: Callers | undefined
const unhandled: Array<string> = []
/** The last transaction of each key, of any process. */
const told = new Map<number, Acked>()

const crash = (error: unknown) => void unhandled.push(error instanceof Error ? error.message : String(error))
process.on("uncaughtException", crash)
process.on("unhandledRejection", crash)

/** Low rows more often: a cache is for what is read again. */
const rowOf = (random: () => number): number => Math.floor(rowCount * random() ** 3)

const read = async (layer: CacheContender, by: Callers, isStrong: boolean, load: AppLoad): Promise<void> => {
  const name = by.random() < load.slowShare ? "slow" : by.pick(weighted)
  const row = rowOf(by.random)
  const known = told.get(keyOf(queries[name].values[0], row))
  const wanted = isStrong || by.random() >= load.afterShare ? undefined : known
  const level: Level = isStrong ? "strong" : wanted === undefined ? "bounded" : { after: wanted.xid }
  const invoked = monotonic()
  const at = level === "bounded" ? layer.tryRead?.(name, row) : undefined
  const values = at ?? await layer.read(name, row, level)
  by.read({
    query: queryNames.indexOf(name),
    row,
    invoked,
    completed: monotonic(),
    isStrong,
    after: wanted?.version ?? -1,
    first: values[0] ?? Number.NaN,
    second: values[1] ?? Number.NaN
  })
}

const write = (layer: CacheContender, by: Callers): Promise<void> => {
  const group = by.pick(written)
  const row = Math.floor(rowCount * by.random())
  const kind = by.random()
  const poisoned = kind < poisonedShare
  return by.write(keyOf(group, row), (sending) =>
    kind < poisonedShare + transactionShare
      ? layer.transaction(group, row, { poisoned, sending: ({ version }) => sending(version) })
      : layer.write(group, row))
}

const work = (load: AppLoad): void => {
  const [layer, by] = [contender, callers]
  if (layer === undefined || by === undefined) throw new Error("it is not open")
  by.start([
    ...Array.from({ length: load.readers }, (_, index) => ({
      pauseMs: load.readPauseMs,
      call: async () => {
        for (let left = load.burst; left > 0; left--) {
          await read(layer, by, index < load.strongReaders, load)
        }
      }
    })),
    { pauseMs: load.writePauseMs, call: () => write(layer, by) }
  ])
}

const done: Answer = { did: "done" }

const obey = async (command: Command): Promise<Answer | undefined> => {
  switch (command.do) {
    case "open":
      contender = await openCacheContender(command.contender, command.options)
      callers = new Callers(new LogWriter(command.log, command.process), command.seed)
      return done
    case "install":
      await contender?.install?.()
      return done
    case "work":
      if (command.app !== undefined) work(command.app)
      return done
    case "acked":
      told.set(command.key, command)
      return undefined
    case "report": {
      callers?.log.flush()
      const counts = await contender?.counts() ?? { hits: 0, misses: 0, bypasses: 0 }
      return { did: "done", report: { reads: 0, writes: 0, errors: {}, ...callers?.report, counts, unhandled } }
    }
    case "stop":
      await callers?.stop()
      callers?.log.flush()
      return done
    case "close":
      await contender?.close()
      return done
    case "openOutsider":
      throw new Error("this is no outsider")
  }
}

listen(obey)
