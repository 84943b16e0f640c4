/**
 * Many sessions in front of one backend.
 *
 * A transaction has the backend to itself: everybody else's statements wait, as if every transaction had locked the
 * table. Only questions about other transactions are answered meanwhile, as a real server does. Whatever waits has a
 * statement timeout and can be cancelled; a session whose client is gone finishes what it has received, and is rolled
 * back.
 */
import type { Backend } from "./Backend.ts"
import { askPassword, errorResponse, framesOf, readyForQuery, startupTimeout, welcome } from "./Frames.ts"
import type { Link } from "./Link.ts"
import type { Fault, Words } from "./Scenario.ts"
import type { Statement } from "./Statement.ts"
import type { World } from "./World.ts"

interface Item {
  /** `undefined`: the client is gone. */
  readonly statement: Statement | undefined
  readonly order: number
  /** Not before. */
  readonly readyAt: number
}

export class ServerSession {
  readonly pid: number
  readonly secret: number
  readonly link: Link
  status = "I"
  isOpen = false
  isReadOnly = false
  /** `statement_timeout`, and the one that SET LOCAL put in its place. Milliseconds; 0 for none. */
  limit = 0
  localLimit: number | undefined
  queue: Array<Item> = []

  constructor(pid: number, link: Link) {
    this.pid = pid
    this.secret = pid * 7919
    this.link = link
  }
}

/** What the server was asked about other transactions, and said. */
export interface Answers {
  committed: number
  aborted: number
  inProgress: number
  nothing: number
  terminated: number
}

export class Server {
  readonly answers: Answers = { committed: 0, aborted: 0, inProgress: 0, nothing: 0, terminated: 0 }
  /** Statements executed. */
  executed = 0
  private readonly backend: Backend
  private readonly world: World
  private readonly sessions = new Set<ServerSession>()
  private pids = 100
  private orders = 0
  private holder: ServerSession | undefined
  private isReadOnly = false
  private isPumping = false
  private downUntil = 0

  constructor(world: World, backend: Backend) {
    this.world = world
    this.backend = backend
  }

  get sessionCount(): number {
    return this.sessions.size
  }

  makeSession(link: Link): ServerSession {
    return new ServerSession(++this.pids, link)
  }

  start(session: ServerSession, startup: Uint8Array, fault: Fault | undefined): void {
    const words: Words | undefined = fault?.kind === "connectFatal"
      ? fault.words
      : this.world.now < this.downUntil
      ? { code: "57P03", text: "the database system is starting up" }
      : undefined
    if (fault?.kind === "connectCut") return session.link.close()
    session.limit = startupTimeout(startup)
    if (words === undefined) return session.link.reply(askPassword, undefined)
    session.link.reply(errorResponse("FATAL", words.code, words.text), undefined)
    session.link.close()
  }

  admit(session: ServerSession): void {
    session.isOpen = true
    this.sessions.add(session)
    session.link.reply(welcome(session.pid, session.secret), undefined)
  }

  arrive(session: ServerSession, statement: Statement): void {
    if (!session.isOpen) return
    const { fault } = statement
    const readyAt = this.world.now + (fault?.kind === "slow" ? fault.ms : 0)
    const item: Item = { statement, order: this.orders++, readyAt }
    session.queue.push(item)
    if (readyAt > this.world.now) this.world.at(readyAt, () => this.pump())
    const limit = session.localLimit ?? session.limit
    if (limit > 0) {
      this.world.after(limit, () => this.stop(session, item, "canceling statement due to statement timeout"))
    }
    this.pump()
  }

  /** The client is gone. `isReset`: what the server has not begun is lost. */
  leave(session: ServerSession, isReset: boolean): void {
    if (!session.isOpen) return
    if (isReset) session.queue = session.queue.slice(0, 1)
    session.queue.push({ statement: undefined, order: this.orders++, readyAt: 0 })
    this.pump()
  }

  /** A CancelRequest: stops the statement that is under way, if there is one. */
  cancel(pid: number, secret: number): void {
    for (const session of this.sessions) {
      const [item] = session.queue
      if (session.pid !== pid || session.secret !== secret || item?.statement === undefined) continue
      this.stop(session, item, "canceling statement due to user request")
    }
  }

  private stop(session: ServerSession, item: Item, text: string): void {
    if (!session.isOpen || session.queue[0] !== item || item.statement === undefined) return
    session.queue.shift()
    this.world.note(`${session.pid} stopped ${item.statement.moment}`)
    session.link.reply(this.refuse(session, item.statement, { code: "57014", text }), item.statement.fault)
    this.pump()
  }

  /** Executes what can be, oldest first. */
  private pump(): void {
    if (this.isPumping) return
    this.isPumping = true
    for (;;) {
      let next: ServerSession | undefined
      for (const session of this.sessions) {
        const [item] = session.queue
        if (item === undefined || !this.canRun(session, item)) continue
        if (next === undefined || item.order < next.queue[0]!.order) next = session
      }
      if (next === undefined) break
      const { statement } = next.queue.shift()!
      if (statement === undefined) this.end(next, undefined)
      else this.run(next, statement)
    }
    this.isPumping = false
  }

  private canRun(session: ServerSession, { readyAt, statement }: Item): boolean {
    if (readyAt > this.world.now) return false
    if (this.holder === undefined || this.holder === session || statement === undefined) return true
    return this.holder.status === "T" && isQuestion(statement)
  }

  private run(session: ServerSession, statement: Statement): void {
    const { fault } = statement
    switch (fault?.kind) {
      case "refuse":
        return session.link.reply(this.refuse(session, statement, fault.words), undefined)
      case "restart":
      case "crash":
        return this.restart(fault.kind === "crash", fault.ms)
      case "fatal":
        if (!fault.executed) return this.end(session, fault.words)
    }
    const answer = this.execute(session, statement)
    session.link.reply(answer, fault)
    if (fault?.kind === "fatal") this.end(session, fault.words)
    if (fault?.kind === "cutReply") this.leave(session, true)
  }

  private execute(session: ServerSession, statement: Statement): Uint8Array {
    const { backend, holder } = this
    const isGuest = holder !== undefined && holder !== session
    if (!isGuest && session.status === "I" && session.isReadOnly !== this.isReadOnly) {
      backend.sql(`set default_transaction_read_only = ${session.isReadOnly ? "on" : "off"}`)
      this.isReadOnly = session.isReadOnly
    }
    this.executed++
    let bytes = Buffer.concat(statement.frames.map((frame) => frame.bytes))
    const terminates = isTermination(statement)
    if (terminates) {
      bytes = Buffer.from(bytes.toString("latin1").replace("pg_terminate_backend", "sm_terminate_backend"), "latin1")
    }
    const answer = backend.exec(bytes)
    const frames = framesOf(answer)
    const isRefused = frames.some(({ type }) => type === "E")
    const rows = frames.filter(({ type }) => type === "D")
    const status = String.fromCharCode(answer[answer.length - 1]!)
    if (statement.moment === "status") this.countAnswer(rows[0]?.bytes)
    if (isGuest) {
      if (status !== "T") throw new Error("simulation: a question spoiled the transaction that it was asked in")
      answer[answer.length - 1] = 0x49
      if (terminates && rows.length > 0) {
        this.answers.terminated++
        this.end(holder, { code: "57P01", text: "terminating connection due to administrator command" })
      }
    } else {
      session.status = status
      this.holder = status === "I" ? undefined : session
      if (status === "I") session.localLimit = undefined
      if (!isRefused) this.remember(session, statement.sql)
    }
    this.world.note(`${session.pid} ${statement.moment} ${isRefused ? "refused" : "done"} ${session.status}`)
    return answer
  }

  private countAnswer(row: Buffer | undefined): void {
    const length = row?.readInt32BE(7) ?? -1
    const answer = length < 0 ? undefined : row!.toString("utf8", 11, 11 + length)
    if (answer === "committed" || answer === "aborted") this.answers[answer]++
    else if (answer === "in progress") this.answers.inProgress++
    else this.answers.nothing++
  }

  /** The settings that a session has to itself. */
  private remember(session: ServerSession, sql: string): void {
    const [, local, limit] = /^SET (LOCAL )?statement_timeout = (\d+)/.exec(sql) ?? []
    if (limit !== undefined) {
      if (local === undefined) session.limit = Number(limit)
      else session.localLimit = Number(limit)
    }
    const [, access] = /^SET default_transaction_read_only = (on|off)/.exec(sql) ?? []
    if (access !== undefined) this.isReadOnly = session.isReadOnly = access === "on"
  }

  /** The server's own error in place of the statement, with all that follows from one. */
  private refuse(session: ServerSession, { moment }: Statement, { code, text }: Words): Uint8Array {
    this.world.note(`${session.pid} ${moment} refused with ${code}`)
    if (this.holder !== session) return Buffer.concat([errorResponse("ERROR", code, text), readyForQuery("I")])
    if (moment === "commit" && !unread.has(code)) {
      // A COMMIT that fails has ended its transaction.
      this.backend.sql("rollback")
      session.status = "I"
      session.localLimit = undefined
      this.holder = undefined
      return Buffer.concat([errorResponse("ERROR", code, text), readyForQuery("I")])
    }
    const answer = this.backend.sql(
      `do $$ begin raise exception using errcode = '${code}', message = '${text.replaceAll("'", "''")}'; end $$`
    )
    session.status = "E"
    return answer
  }

  private end(session: ServerSession, words: Words | undefined): void {
    if (!session.isOpen) return
    session.isOpen = false
    session.queue = []
    this.sessions.delete(session)
    this.world.note(`${session.pid} ended${words === undefined ? "" : ` with ${words.code}`}`)
    if (this.holder === session) {
      this.backend.sql("rollback")
      this.holder = undefined
    }
    if (words !== undefined) session.link.reply(errorResponse("FATAL", words.code, words.text), undefined)
    session.link.close()
  }

  private restart(isCrash: boolean, ms: number): void {
    this.downUntil = this.world.now + ms
    const words = isCrash ? undefined : { code: "57P01", text: "terminating connection due to administrator command" }
    for (const session of this.sessions) this.end(session, words)
    // What tells a crash from a clean restart: the statistics begin anew.
    if (isCrash) this.backend.sql("select pg_stat_reset_shared('wal')")
  }
}

/** Said of a statement that was not even begun: such a COMMIT leaves a failed transaction open. */
const unread: ReadonlySet<string> = new Set(["26000", "0A000", "08P01"])

const isTermination = ({ sql }: Statement): boolean => sql.includes("pg_terminate_backend")

/** About other transactions, and so not held up by them. */
const isQuestion = (statement: Statement): boolean => statement.moment === "status" || isTermination(statement)
