/** `Idempotency-Key`: once, whoever repeats it, whatever ends in between. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { get, problemOf } from "../support.ts"
import { acceptedOf, type Answerer, type Bench, bench, eventually, post } from "./support.ts"

const path = "/api/db/maintenance"
const wanted = { action: "analyzeTables", tables: ["users"] }

let it_: Bench
beforeAll(async () => {
  it_ = await bench()
})
afterAll(() => it_.close())

const isIdle = async () =>
  (await it_.admin(
    "select 1 from pg_locks l join pg_database d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database()"
  )).length === 0

beforeEach(async () => {
  await eventually(isIdle)
  await it_.admin("truncate ems_internal.idempotency_key")
})

const send = (key: string, body: unknown = wanted, app: Answerer = it_.app, headers = {}) =>
  app.handle(post(path, body, { "idempotency-key": key, ...headers }))

const jobs = async () =>
  Number((await it_.admin("select count(*)::int as n from ems_internal.maintenance_job"))[0]?.["n"])

const rows = () => it_.admin("select key, attempt, answer is not null as answered from ems_internal.idempotency_key")

describe("Idempotency-Key", () => {
  it("the same request is answered as the first time, by any process, while the job runs and after", async () => {
    const before = await jobs()
    const release = await it_.holdUp()
    const first = await acceptedOf(await send("a"))
    const { app } = await it_.second()
    for (const which of [it_.app, app]) {
      expect(await acceptedOf(await send("a", { ...wanted }, which))).toEqual(first)
    }
    await release()
    await eventually(isIdle)
    // In another order of members, with what is the default: the same request.
    expect(await acceptedOf(await send("a", { full: false, tables: ["users"], action: "analyzeTables" }))).toEqual(
      first
    )
    expect(await jobs()).toBe(before + 1)
    expect(await rows()).toEqual([{ key: "a", attempt: 1, answered: true }])
  })

  it("another request is a 422, and begins nothing", async () => {
    const first = await acceptedOf(await send("a"))
    const before = await jobs()
    await eventually(isIdle)
    const problem = await problemOf(await send("a", { ...wanted, tables: ["events"] }))
    expect(problem).toMatchObject({ status: 422, reason: "KeyReused" })
    expect(await jobs()).toBe(before)
    expect(await acceptedOf(await send("a"))).toEqual(first)
  })

  it("is one's own: another principal's key is another", async () => {
    const operator = await it_.guarded("operator")
    const first = await acceptedOf(await send("a"))
    await eventually(isIdle)
    const second = await acceptedOf(await send("a", wanted, operator.app, operator.headers))
    expect(second.job.id).not.toBe(first.job.id)
  })

  it("of many at once, in two processes, one begins a job", async () => {
    const before = await jobs()
    const { app } = await it_.second()
    const release = await it_.holdUp()
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => await send("race", wanted, at % 2 ? app : it_.app))
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status !== 202 && status !== 409)).toEqual([])
    const accepted = await Promise.all(answers.filter(({ status }) => status === 202).map(acceptedOf))
    expect(accepted.length).toBeGreaterThan(0)
    expect(new Set(accepted.map(({ job }) => job.id)).size).toBe(1)
    for (const answer of answers.filter(({ status }) => status === 409)) {
      expect(await problemOf(answer)).toMatchObject({ reason: "InProgress" })
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
    }
    expect((await acceptedOf(await send("race", wanted, app))).job.id).toBe(accepted[0]?.job.id)
    await release()
    expect(await jobs()).toBe(before + 1)
  })

  it("a process that ended before the job began is taken over after a minute, with the same job's id", async () => {
    const fingerprint = async () => {
      await acceptedOf(await send("shape"))
      await eventually(isIdle)
      const [row] = await it_.admin("select fingerprint from ems_internal.idempotency_key where key = 'shape'")
      return row?.["fingerprint"]
    }
    const [row] = await it_.admin(
      "insert into ems_internal.idempotency_key (owner, key, fingerprint) values ('anonymous', 'a', $1) returning operation_id",
      [await fingerprint()]
    )
    const problem = await problemOf(await send("a"))
    expect(problem).toMatchObject({ status: 409, reason: "InProgress" })
    await it_.admin("update ems_internal.idempotency_key set claimed_at = claimed_at - interval '61 seconds'")
    const before = await jobs()
    const { job } = await acceptedOf(await send("a"))
    expect(job.id).toBe(row?.["operation_id"])
    expect((await acceptedOf(await send("a"))).job.id).toBe(job.id)
    expect(await jobs()).toBe(before + 1)
    expect(await rows()).toContainEqual({ key: "a", attempt: 2, answered: true })
  })

  it("a process that ended after the job began does not begin another", async () => {
    const { job } = await acceptedOf(await send("a"))
    await eventually(isIdle)
    await it_.admin("update ems_internal.idempotency_key set answer = null")
    const before = await jobs()
    expect((await acceptedOf(await send("a"))).job.id).toBe(job.id)
    await it_.admin(
      "update ems_internal.idempotency_key set answer = null, claimed_at = claimed_at - interval '61 seconds'"
    )
    expect((await acceptedOf(await send("a"))).job.id).toBe(job.id)
    expect(await jobs()).toBe(before)
    expect(await rows()).toEqual([{ key: "a", attempt: 2, answered: true }])
  })

  it("what was refused frees the key", async () => {
    const release = await it_.holdUp("events")
    const busy = await acceptedOf(await it_.app.handle(post(path, { action: "analyzeTables", tables: ["events"] })))
    expect((await problemOf(await send("a"))).reason).toBe("RunnerBusy")
    expect((await problemOf(await send("b", { action: "analyzeTables", tables: ["user"] }))).reason).toBe(
      "UnknownObject"
    )
    expect(await rows()).toEqual([])
    await release()
    await eventually(async () =>
      (await (await it_.app.handle(get(busy.links.self))).json() as { status: string }).status === "done"
    )
    await eventually(isIdle)
    expect((await acceptedOf(await send("a"))).job.id).not.toBe(busy.job.id)
  })

  it("is forgotten after 24 hours, and swept", async () => {
    const first = await acceptedOf(await send("a"))
    await eventually(isIdle)
    await acceptedOf(await send("b"))
    await eventually(isIdle)
    await it_.admin("update ems_internal.idempotency_key set created_at = created_at - interval '23 hours 59 minutes'")
    expect(await acceptedOf(await send("a"))).toEqual(first)
    await it_.admin("update ems_internal.idempotency_key set created_at = created_at - interval '2 minutes'")
    const second = await acceptedOf(await send("a", { ...wanted, tables: ["events"] }))
    expect(second.job.id).not.toBe(first.job.id)
    expect((await rows()).map(({ key }) => key)).toEqual(["a"])
  })

  it("takes 1 to 255 visible ASCII characters, and none for a dry run", async () => {
    for (const key of ["x".repeat(256), "a b", "\u00e9", ""]) {
      expect([key, (await problemOf(await send(key))).status]).toEqual([key, 400])
    }
    const dry = { ...wanted, dryRun: true }
    expect((await send("\"quoted-!~\"", dry)).status).toBe(200)
    expect(await rows()).toEqual([])
    await acceptedOf(await send("x".repeat(255)))
  })
})
