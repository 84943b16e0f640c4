/** The mistakes that the checker has to find, and the load under which each of them shows. */
import type { Patch } from "./Mutant.ts"
import type { AppLoad, OutsiderLoad } from "./Protocol.ts"
import { feedHole, janitor, logLost, quiet, type Window } from "./Windows.ts"

export interface MutantLoad {
  readonly windows: ReadonlyArray<Window>
  readonly apps: ReadonlyArray<AppLoad>
  readonly outsider: OutsiderLoad
  /** Acknowledgements are late for up to this. Milliseconds. */
  readonly ackDelayMs: number
}

export interface Mutant {
  readonly name: string
  readonly patch: Patch
  readonly load: MutantLoad
}

/** On each of them every mutant has to be found. */
export const mutantSeeds: ReadonlyArray<number> = [11, 22, 33]

const cache = "packages/db-core/src/optimizer/cache"

const never = 1e9

/** No strong reader: its polls would come between a mistake and whoever meets it. */
const reading: AppLoad = {
  readers: 8,
  strongReaders: 0,
  afterShare: 0.1,
  slowShare: 0,
  burst: 4,
  readPauseMs: 10,
  writePauseMs: never
}
const strong: AppLoad = { ...reading, strongReaders: 1 }
const busy: AppLoad = { ...strong, slowShare: 0.1, writePauseMs: 15 }
const outsider: OutsiderLoad = { writePauseMs: 25, longMs: 600 }

/** Writes of its own, with queries and acknowledgements that take their time: what a process gets wrong about them shows. */
const own: MutantLoad = {
  windows: [quiet(1200)],
  apps: [busy, { ...busy, strongReaders: 4 }],
  outsider: { writePauseMs: 200, longMs: 600 },
  ackDelayMs: 12
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "no lease",
    patch: [{
      file: `${cache}/Feed.ts`,
      find: "return now < this.leaseMonotonic && wall < this.leaseWall",
      replace: "return this.snapshot !== undefined"
    }],
    load: { windows: [quiet(600), feedHole], apps: [reading, strong], outsider, ackDelayMs: 0 }
  },
  {
    name: "no fence",
    patch: [
      { file: `${cache}/Tables.ts`, find: "if (this.inFlight > 0) return true", replace: "return false" },
      { file: `${cache}/Tables.ts`, find: "if (this.inFlight > 0) return false", replace: "" },
      { file: `${cache}/Tables.ts`, find: "if (table.inFlight > 0) return false", replace: "" }
    ],
    load: own
  },
  {
    name: "token at put",
    patch: [
      {
        file: `${cache}/QueryCache.ts`,
        find: "this.entryOf(read, found, begun.token, begun.at,",
        replace: "this.entryOf(read, found, this.tokenOf(statement.tables, call.tags), begun.at,"
      },
      {
        file: `${cache}/QueryCache.ts`,
        find: "const isKept = begun.hasBase && !begun.isFenced && statement.version === registry.version &&\n" +
          "begun.token === this.tokenOf(statement.tables, call.tags)",
        replace: "const isKept = begun.hasBase && !begun.isFenced && statement.version === registry.version"
      }
    ],
    load: own
  },
  {
    name: "invalidate before commit",
    patch: [{
      file: `${cache}/Tables.ts`,
      find: "  fence(written: WriteSet): () => void {\n",
      replace: `  fence(written: WriteSet): () => void {
    if (written === "all") this.generation++
    else for (const table of written) table.generation++
    return () => {}
`
    }],
    load: own
  },
  {
    name: "join any flight",
    patch: [{
      file: `${cache}/QueryCache.ts`,
      find: "const mayJoin = (begun: Begun): boolean =>\n",
      replace: "const mayJoin = (begun: Begun): boolean => true ||\n"
    }],
    load: own
  },
  {
    name: "lost epoch",
    patch: [{
      file: `${cache}/Feed.ts`,
      find: "answer.epoch !== this.epoch || ",
      replace: ""
    }],
    // Few writes: the next one of a table would hide that one was lost.
    load: {
      windows: [logLost(6), quiet(700)],
      apps: [reading, strong],
      outsider: { writePauseMs: 120, longMs: 2400 },
      ackDelayMs: 0
    }
  },
  {
    name: "janitor by xid order",
    patch: [{
      file: "packages/db-core/src/migration/changeLogSql.ts",
      find: " and pg_catalog.pg_visible_in_snapshot(xid, old)",
      replace: ""
    }],
    load: {
      windows: [janitor(2500)],
      apps: [reading, strong],
      outsider: { writePauseMs: never, longMs: 1600 },
      ackDelayMs: 0
    }
  }
]
