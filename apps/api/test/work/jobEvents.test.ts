/** Progress as it happens, over a real socket: a stream that is buffered, cut or left open is none. */
import type { Progress } from "@ems/db-core/maintenance/Progress"
import { MaintenanceProgress } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { EventStreams } from "../../src/http/EventStream.ts"
import { eventsAfter } from "../../src/routes/work/jobEvents.ts"
import { type Run, runServer } from "../process.ts"
import { get, problemOf } from "../support.ts"
import { acceptedOf, type Bench, bench, eventually, post, sleep } from "./support.ts"

const decode = Schema.decodeUnknownSync(MaintenanceProgress, { onExcessProperty: "error" })

interface Event {
  readonly id: number
  readonly event: string
  readonly data: MaintenanceProgress
  /** When it came. */
  readonly at: number
}

/** Reads a stream as a browser does; `stop` goes away. */
const listen = async (url: string, lastEventId?: number) => {
  const client = new AbortController()
  const response = await fetch(url, {
    signal: client.signal,
    headers: lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }
  })
  const events: Array<Event> = []
  let text = ""
  const ended = (async () => {
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of response.body ?? []) {
      const piece = decoder.decode(chunk as Uint8Array, { stream: true })
      text += piece
      rest += piece
      const blocks = rest.split("\n\n")
      rest = blocks.pop() ?? ""
      for (const block of blocks) {
        const found = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block)
        if (found === null) continue
        const [, id = "", event = "", data = ""] = found
        events.push({ id: Number(id), event, data: decode(JSON.parse(data)), at: performance.now() })
      }
    }
  })().catch(() => undefined)
  return { response, events, ended, text: () => text, stop: () => client.abort() }
}

let it_: Bench
let server: Run
let url: string
const runs: Array<Run> = []
const start = async () => {
  const run = runServer({ DATABASE_URL: it_.database.url, EMS_AUTH: "off" })
  runs.push(run)
  return { run, url: await run.url }
}
beforeAll(async () => {
  it_ = await bench()
  const started = await start()
  server = started.run
  url = started.url
})
afterAll(async () => {
  for (const { child } of runs) child.kill("SIGKILL")
  await it_.close()
})

const isIdle = async () =>
  (await it_.admin(
    "select 1 from pg_locks l join pg_database d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database()"
  )).length === 0
afterEach(() => eventually(isIdle))

const begin = async () => {
  const body = JSON.stringify({ action: "analyzeTables", tables: ["users"] })
  const response = await fetch(`${url}/api/db/maintenance`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" }
  })
  return await acceptedOf(response)
}

/** A job whose process hangs: it has the lock, and says nothing. */
const hanging = async () => {
  const client = await it_.client()
  await client.query("select pg_advisory_lock(-103729019966691563)")
  const { rows: [row] } = await client.query<{ id: string }>(
    `insert into ems_internal.maintenance_job (action, request) values ('analyzeTables', '{"action": "analyzeTables"}')
returning id::text as id`
  )
  return {
    path: `/api/db/maintenance/jobs/${row?.id}/events`,
    release: async () => {
      await client.query("select pg_advisory_unlock_all()")
    }
  }
}

const progress = (elapsedMs: number, status: Progress["status"] = "running"): Progress => ({
  jobId: "j",
  action: "analyzeTables",
  status,
  percent: 0,
  etaMs: null,
  elapsedMs,
  doneSteps: 0,
  steps: 1,
  current: []
})

describe("ids of events", () => {
  const idsAfter = (seen: number, states: ReadonlyArray<Progress>) => {
    const eventOf = eventsAfter(seen)
    return states.flatMap((state) => {
      const event = eventOf(state)
      return Result.isSuccess(event) ? [[event.success.id, event.success.event]] : []
    })
  }

  it("increase, and say again what was seen never but for an end that was not", () => {
    const states = [progress(0), progress(250), progress(250), progress(500), progress(500, "done")]
    const all = [[0, "progress"], [500, "progress"], [1000, "progress"], [1001, "done"]]
    expect(idsAfter(-1, states)).toEqual(all)
    expect(idsAfter(500, states)).toEqual(all.slice(2))
    expect(idsAfter(1000, states)).toEqual(all.slice(3))
    // Of a process that was killed the last record is older than what a client has heard.
    expect(idsAfter(5000, [progress(500, "failed")])).toEqual([[5001, "failed"]])
  })
})

describe("GET /api/db/maintenance/jobs/:id/events", () => {
  it.each(["this process", "another process"])(
    "tells of a job of %s as it goes on, and ends with it",
    async (whose) => {
      const release = await it_.holdUp()
      const { links } = whose === "this process"
        ? await begin()
        : await acceptedOf(
          await it_.app.handle(post("/api/db/maintenance", { action: "analyzeTables", tables: ["users"] }))
        )
      const { ended, events, response, text } = await listen(url + links.events)
      expect(response.status).toBe(200)
      expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8")
      expect(response.headers.get("cache-control")).toBe("no-store")
      await eventually(async () => events.length >= 2)
      expect(events.every(({ event }) => event === "progress")).toBe(true)
      const releasedAt = performance.now()
      await release()
      await ended
      expect(text()).toMatch(/^retry: \d+\n\n/)
      const last = events.at(-1)
      expect(last).toMatchObject({ event: "done", data: { status: "done", percent: 100 } })
      // What came before came before: nothing was kept back until the end.
      expect(events[0]?.at).toBeLessThan(releasedAt)
      const ids = events.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b))
    }
  )

  it("goes on after Last-Event-ID: the end again when it was not seen, 204 when it was", async () => {
    const release = await it_.holdUp()
    const { links } = await begin()
    const first = await listen(url + links.events)
    await eventually(async () => first.events.length >= 2)
    first.stop()
    await first.ended
    const seen = first.events.at(-1)?.id ?? -1
    const second = await listen(url + links.events, seen)
    await eventually(async () => second.events.length >= 1)
    await release()
    await second.ended
    for (const { id } of second.events) expect(id).toBeGreaterThan(seen)
    const end = second.events.at(-1)
    expect(end?.event).toBe("done")
    for (const from of [undefined, seen, (end?.id ?? 0) - 1]) {
      const late = await listen(url + links.events, from)
      await late.ended
      expect(late.events.map(({ event, id }) => [event, id])).toEqual([["done", end?.id]])
    }
    const over = await listen(url + links.events, end?.id)
    await over.ended
    expect([over.response.status, over.text()]).toEqual([204, ""])
  })

  it("a job that is cancelled ends as cancelled; one whose process is killed as failed", async () => {
    const release = await it_.holdUp()
    const { links } = await begin()
    const cancelled = await listen(url + links.events)
    await fetch(url + links.cancel, { method: "DELETE" })
    await cancelled.ended
    expect(cancelled.events.at(-1)).toMatchObject({ event: "cancelled" })
    await eventually(isIdle)
    const doomed = await start()
    const response = await fetch(`${doomed.url}/api/db/maintenance`, {
      method: "POST",
      body: JSON.stringify({ action: "analyzeTables", tables: ["users"] }),
      headers: { "content-type": "application/json", "idempotency-key": "doomed" }
    })
    const { job, links: { events } } = await acceptedOf(response)
    const killed = await listen(url + events)
    await eventually(async () => killed.events.length > 0)
    doomed.run.child.kill("SIGKILL")
    await killed.ended
    expect(killed.events.at(-1)).toMatchObject({ event: "failed" })
    // Who repeats the request is told of the same job by the next process.
    const again = await fetch(`${url}/api/db/maintenance`, {
      method: "POST",
      body: JSON.stringify({ action: "analyzeTables", tables: ["users"] }),
      headers: { "content-type": "application/json", "idempotency-key": "doomed" }
    })
    expect((await acceptedOf(again)).job.id).toBe(job.id)
    await release()
  })

  it("a client that goes away takes its questions to the database along", async () => {
    const { path, release } = await hanging()
    const lastAsked = async () =>
      (await it_.admin(
        "select max(query_start)::text as at from pg_stat_activity where application_name = 'ems' " +
          "and query like '%maintenance_job%' and datname = current_database()"
      ))[0]?.["at"]
    const clients = await Promise.all(Array.from({ length: 3 }, () => listen(url + path)))
    await eventually(async () => clients.every(({ events }) => events.length === 1))
    const before = await lastAsked()
    await eventually(async () => (await lastAsked()) !== before)
    for (const { ended, stop } of clients) {
      stop()
      await ended
    }
    await sleep(300)
    const after = await lastAsked()
    await sleep(2500)
    expect(await lastAsked()).toBe(after)
    await release()
  })

  it("32 at once, then 503; those that go away make room", { timeout: 30_000 }, async () => {
    const { path, release } = await hanging()
    const clients = await Promise.all(Array.from({ length: 32 }, () => listen(url + path)))
    expect(clients.map(({ response }) => response.status)).toEqual(Array.from({ length: 32 }, () => 200))
    const refused = await fetch(url + path)
    expect(await problemOf(refused)).toMatchObject({ status: 503, reason: "TooManyStreams" })
    expect(refused.headers.get("retry-after")).toBe("5")
    expect((await fetch(url + path, { method: "HEAD" })).status).toBe(200)
    clients[0]?.stop()
    await eventually(async () => {
      const next = await listen(url + path)
      clients.push(next)
      return next.response.status === 200
    })
    for (const { stop } of clients) stop()
    await release()
  })

  it("ends when the server is told to stop, and does not keep it", async () => {
    const { path, release } = await hanging()
    const stopping = await start()
    const { ended, events, text } = await listen(stopping.url + path)
    await eventually(async () => events.length === 1)
    const signalledAt = performance.now()
    stopping.run.child.kill("SIGTERM")
    await ended
    expect(await stopping.run.exit).toBe(0)
    expect(performance.now() - signalledAt).toBeLessThan(5000)
    expect(stopping.run.stdout()).not.toContain("cut ")
    expect(text()).not.toContain("event: failed")
    await release()
    expect(server.stderr()).toBe("")
  })
})

describe("an event stream", () => {
  it("says something every 15 s when there is nothing to say", async () => {
    const request = get("/")
    const streams = new EventStreams()
    const text = await it_.run(
      Effect.gen(function*() {
        const response = yield* streams.respond(Stream.never, request)
        const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())
          .getReader()
        const reading = yield* Effect.forkChild(
          Effect.promise(async () => [(await reader.read()).value, (await reader.read()).value])
        )
        yield* Effect.promise(() => sleep(50))
        yield* TestClock.adjust("14 seconds")
        yield* Effect.promise(() => sleep(50))
        const early = reading.pollUnsafe() !== undefined
        yield* TestClock.adjust("1 seconds")
        const said = yield* Fiber.join(reading)
        yield* Effect.promise(() => reader.cancel())
        return { early, said, open: streams.open }
      }).pipe(Effect.provide(TestClock.layer()))
    )
    expect(text).toEqual({ early: false, said: ["retry: 3000\n\n", ": keep-alive\n\n"], open: 0 })
  })
})
