/** Caches with one thing wrong, each with the scenario and the promise that it breaks. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Table, Tables } from "../../../../src/optimizer/cache/Tables.ts"
import { tableOid } from "./ModelDatabase.ts"
import type { Process } from "./Process.ts"
import type { Promised } from "./Promises.ts"
import { staleness } from "./Scenario.ts"
import type { scenarios } from "./Scenarios.ts"
import type { Tampering } from "./World.ts"

export interface Mutant {
  readonly name: string
  readonly scenario: keyof typeof scenarios
  readonly breaks: Promised
  readonly tamper: Tampering
}

/** Flights are joined that began with what is known now, and while `condition` holds. */
const joinWhile = (
  { cache, fences: { tables } }: Process,
  condition: (read: ReadonlyArray<Table>, isFenced: Tables["isFenced"]) => boolean
): void => {
  const flights = cache["flights"]
  const take = flights.take.bind(flights)
  const read = [tables.of(tableOid)]
  const mayJoin = ({ token }: { readonly token: number }) =>
    token === tables.token(read) && condition(read, (of) => tables.isFenced(of))
  flights.take = (key, _mayJoin, ...rest) => take(key, mayJoin, ...rest)
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "no lease",
    scenario: "bounded reads while the lease runs out",
    breaks: "staleness",
    tamper: ({ feed }) => {
      feed.isWithinLease = () => true
    }
  },
  {
    name: "a lease from when the poll was answered",
    scenario: "bounded reads while a poll is slow",
    breaks: "staleness",
    tamper: (process) => {
      const { feed } = process
      const apply = feed["apply"].bind(feed)
      let answeredAt = 0
      feed["apply"] = (answer) => {
        answeredAt = process.now
        apply(answer)
      }
      feed.isWithinLease = () => process.now < answeredAt + staleness
    }
  },
  {
    name: "no fence",
    scenario: "bounded reads of two queries, one cached",
    breaks: "backwards",
    tamper: ({ fences: { tables } }) => {
      tables.isFenced = () => false
      tables.isCurrent = (read, tags, token) => tables.token([...read, ...tags]) === token
    }
  },
  {
    name: "the token of the moment when the answer is put",
    scenario: "bounded reads, nothing cached",
    breaks: "own write",
    tamper: ({ cache }) => {
      const fill = cache["fill"].bind(cache)
      cache["fill"] = (read, begun) =>
        fill(read, {
          ...begun,
          get token() {
            return cache["tokenOf"](read.statement.tables, [])
          }
        })
    }
  },
  {
    name: "any flight is joined",
    scenario: "bounded reads, nothing cached",
    breaks: "own write",
    tamper: ({ cache }) => {
      const flights = cache["flights"]
      const take = flights.take.bind(flights)
      flights.take = (key, _mayJoin, ...rest) => take(key, () => true, ...rest)
    }
  },
  {
    name: "strong reads join what bounded ones would",
    scenario: "strong reads, nothing cached",
    breaks: "staleness",
    tamper: (process) => joinWhile(process, (tables, isFenced) => !isFenced(tables))
  },
  {
    name: "flights are joined during a write",
    scenario: "bounded reads of two queries, nothing cached",
    breaks: "backwards",
    tamper: (process) => joinWhile(process, () => true)
  },
  {
    name: "flights are joined however old they are",
    scenario: "bounded reads while a query is slow",
    breaks: "staleness",
    tamper: (process) => joinWhile(process, (tables, isFenced) => !isFenced(tables))
  },
  {
    name: "invalidation before the commit",
    scenario: "bounded reads, nothing cached",
    breaks: "own write",
    tamper: ({ fences: { tables } }) => {
      const fence = tables.fence.bind(tables)
      tables.fence = (written) => {
        fence(written)()
        return () => {}
      }
    }
  },
  {
    name: "own writes are left to the feed",
    scenario: "bounded reads of a cached answer",
    breaks: "own write",
    tamper: ({ fences: { tables } }) => {
      tables.fence = () => () => {}
    }
  },
  {
    name: "a read waits for the poll under way",
    scenario: "a strong read while the feed polls",
    breaks: "staleness",
    tamper: ({ feed }) => {
      const next = feed["next"].bind(feed)
      feed["next"] = () => feed["running"] ?? next()
    }
  },
  {
    name: "transactions under way in the last snapshot are forgotten",
    scenario: "strong reads of a cached answer",
    breaks: "staleness",
    tamper: ({ source }) => {
      const { ask } = source
      Object.assign(source, {
        ask: ((since, guarded) =>
          ask(since === undefined ? undefined : { ...since, running: [] }, guarded)) satisfies typeof ask
      })
    }
  },
  {
    name: "a new epoch changes nothing",
    scenario: "bounded reads around the loss of the log",
    breaks: "staleness",
    tamper: ({ feed }) => {
      const flush = feed["flush"].bind(feed)
      feed["flush"] = (why) => {
        if (why !== "epoch") flush(why)
      }
    }
  },
  {
    name: "every transaction counts as seen",
    scenario: "causal reads of a cached answer",
    breaks: "causal",
    tamper: ({ feed }) => {
      feed.covers = () => true
    }
  },
  {
    name: "transactions read and fill the cache",
    scenario: "reads beside a transaction that is rolled back",
    breaks: "dirty",
    tamper: ({ statements }) => {
      Object.assign(statements, { current: () => undefined })
    }
  },
  {
    name: "who gives up takes the others along",
    scenario: "readers that give up",
    breaks: "unanswered",
    tamper: ({ cache }) => {
      const flights = cache["flights"]
      flights["wait"] = (flight) =>
        Effect.onInterrupt(Deferred.await(flight.answer), () => Effect.sync(() => flight.fiber?.interruptUnsafe()))
    }
  },
  {
    name: "an abandoned flight is joined",
    scenario: "readers that give up",
    breaks: "unanswered",
    tamper: ({ cache }) => {
      const flights = cache["flights"]
      const wait = flights["wait"].bind(flights)
      flights["wait"] = (flight) =>
        wait(Object.defineProperty(flight, "isAbandoned", { get: () => false, set: () => {} }))
    }
  }
]
