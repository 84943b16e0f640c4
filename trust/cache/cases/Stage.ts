/** What a case can reach: the cache under test, a second instance of it, the wire, and somebody who knows no cache. */
import { connect } from "@ems/db-testing/Admin"
import type { WireProxy } from "@ems/db-testing/WireProxy"
import { setTimeout as sleep } from "node:timers/promises"
import { Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, text } from "./queries.ts"
import type { ReadOptions, Rows, Subject } from "./Subject.ts"

/** For so long a read is repeated until one is served without the database: a cache may have to learn first. */
const fillMs = 3000

/** Longer than the bound by this: a timer may be early, and a poll takes a moment. */
const marginMs = 60

const tables = `select c.oid::regclass as name, c.relname as copy from pg_class c
  where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`

const keepRows = `do $$ declare one record; begin
  execute 'drop schema if exists kept cascade';
  execute 'create schema kept';
  for one in ${tables} loop
    execute format('create table kept.%I as select * from only %s', one.copy, one.name);
  end loop;
end $$`

/** Neither foreign keys nor triggers have a say in it, but for those that always fire. */
const restoreRows = `do $$ declare one record; begin
  perform set_config('session_replication_role', 'replica', true);
  for one in ${tables} loop
    execute format('delete from only %s', one.name);
    execute format('insert into %s select * from kept.%I', one.name, one.copy);
  end loop;
end $$`

export interface StageOptions {
  readonly subject: Subject
  readonly open: (() => Promise<Subject>) | undefined
  readonly adminUrl: string | undefined
  readonly proxy: WireProxy | undefined
  readonly stalenessMs: number
  readonly immediate: boolean
  readonly mustServe: boolean
  readonly adopt?: string | undefined
  readonly quick: boolean
}

type Client = Awaited<ReturnType<typeof connect>>

/** A plain connection past everything. */
export interface Session {
  readonly sql: (text: string) => Promise<Rows>
  readonly end: () => Promise<void>
}

export class Stage {
  readonly subject: Subject
  readonly quick: boolean
  /** Reads of ours see others' writes at once. */
  readonly immediate: boolean
  readonly stalenessMs: number
  /** There is more than one session. */
  readonly several: boolean
  private readonly given: StageOptions
  private readonly opened: Array<Subject> = []
  private readonly clients: Array<Client> = []
  private readonly answers = new Map<string, number>()
  private admin: Promise<Client> | undefined

  constructor(given: StageOptions) {
    this.given = given
    this.subject = given.subject
    this.quick = given.quick
    this.immediate = given.immediate
    this.stalenessMs = given.stalenessMs
    this.several = given.open !== undefined
    this.listen()
  }

  get proxy(): WireProxy {
    if (this.given.proxy === undefined) throw new Error("this case needs a wire")
    return this.given.proxy
  }

  /** The server's own word on how often it answered; rules are lost when a proxy heals. */
  private listen(): void {
    this.given.proxy?.add({
      match: ({ from, sql, tag, type }) => {
        if (from === "server" && type === "C" && tag?.startsWith("SELECT") === true && sql !== undefined) {
          this.answers.set(sql, (this.answers.get(sql) ?? 0) + 1)
        }
        return false
      },
      action: { do: "drop" }
    })
  }

  async heal(): Promise<void> {
    await this.proxy.heal()
    this.listen()
  }

  /** How often the database has answered this query. */
  async answered(build: Build): Promise<number> {
    if (this.given.proxy === undefined) return await this.subject.asked?.() ?? 0
    const text = this.subject.textOf(build)
    let sum = 0
    for (const [sql, count] of this.answers) if (sql.includes(text)) sum += count
    return sum
  }

  /** The answer, in a cache that now has it. A cache that is never seen to serve it could not be wrong either. */
  async fill(build: Build, options?: ReadOptions): Promise<Rows> {
    return this.fillBy(() => this.subject.read(build, options), build)
  }

  async fillBy(read: () => Promise<Rows>, build: Build): Promise<Rows> {
    let rows = await read()
    const until = performance.now() + (this.given.mustServe ? fillMs : 0)
    for (let tries = 0; tries < 3 || performance.now() < until; tries++) {
      const before = await this.answered(build)
      rows = await read()
      if (await this.answered(build) === before) return rows
      if (tries > 2) await sleep(20)
    }
    if (this.given.mustServe) throw new Wrong("it is never served from the cache: nothing is shown")
    return rows
  }

  /**
   * Writes for once and takes the effects back, so that the write is known when it counts: of one that it never saw, a
   * cache may suppose that it touches everything, and be right for that.
   */
  async rehearse(write: Build): Promise<void> {
    const run = this.several
      ? (statement: string) => this.outsider(statement)
      : (statement: string) => this.subject.write(text(statement))
    await run(keepRows)
    // With the new tables whatever is known of statements may be forgotten, by the next read.
    await this.settle()
    await this.subject.read(readT())
    await this.subject.write(write)
    // What a write touches may be learned behind its back.
    await sleep(50)
    await run(restoreRows)
    await this.settle()
  }

  /** Others' writes that were acknowledged before it must be seen after it. */
  async settle(): Promise<void> {
    if (!this.immediate) await sleep(this.given.stalenessMs + marginMs)
  }

  readonly sleep = (ms: number): Promise<void> => sleep(ms)

  /** As superuser, with a client that knows no cache; several statements at once are allowed. */
  async outsider(text: string): Promise<Rows> {
    const client = await (this.admin ??= this.connect())
    const result = await client.query<Record<string, unknown>>(text)
    return Array.isArray(result) ? [] : result.rows
  }

  /** Another such connection. */
  async session(): Promise<Session> {
    const client = await this.connect()
    return {
      sql: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
      end: () => client.end()
    }
  }

  private async connect(): Promise<Client> {
    if (this.given.adminUrl === undefined) throw new Error("this case needs a second session")
    const client = await connect(this.given.adminUrl)
    this.clients.push(client)
    return client
  }

  /** Puts tables that are new under the cache's care, as a migration would. */
  async adopt(): Promise<void> {
    if (this.given.adopt !== undefined) await this.outsider(this.given.adopt)
  }

  /** The same cache in what stands for another process. */
  async second(): Promise<Subject> {
    if (this.given.open === undefined) throw new Error("this case needs a second session")
    const subject = await this.given.open()
    this.opened.push(subject)
    return subject
  }

  /** Waits until somebody waits for a lock. */
  async blocked(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const rows = await this.outsider(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
      )
      if (rows.length > 0) return
      await sleep(5)
    }
    throw new Error("nobody waits for a lock")
  }

  async end(): Promise<void> {
    await this.subject.close()
    for (const subject of this.opened) await subject.close()
    await Promise.all(this.clients.map((client) => client.end()))
  }
}
