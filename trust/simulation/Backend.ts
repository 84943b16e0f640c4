/**
 * The one Postgres behind every run: PGlite, driven by protocol messages and without waiting.
 */
import { PGlite } from "@electric-sql/pglite"
import { framesOf, simpleQuery } from "./Frames.ts"

/**
 * Without a unique constraint, which would hide a double. The notes let a row be refused at once or at COMMIT, by the
 * server itself. Stands in for `pg_terminate_backend`, which would end all of PGlite; of the same length, so that a
 * message that names it keeps its own.
 */
const schema = `
create table history (id text not null, note text);
create function refuse() returns trigger language plpgsql as $$
begin
  raise exception using errcode = split_part(new.note, ':', 2), message = 'refused by a trigger';
end $$;
create trigger refuse_now before insert on history for each row
  when (new.note like 'now:%') execute function refuse();
create constraint trigger refuse_commit after insert on history deferrable initially deferred for each row
  when (new.note like 'commit:%') execute function refuse();
create function disguised_insert(text, text) returns text language sql volatile as
  'insert into history values ($1, $2) returning id';
create function sm_terminate_backend(int) returns boolean language sql as 'select true';`

export class Backend {
  private readonly database: PGlite
  private resets = 0

  private constructor(database: PGlite) {
    this.database = database
  }

  static async boot(): Promise<Backend> {
    const { setTimeout } = globalThis
    const timers: Array<ReturnType<typeof setTimeout>> = []
    // Types of Node's own, whose other parts nobody asks for here.
    globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
      const timer = setTimeout(...args)
      timers.push(timer)
      return timer
    }) as typeof setTimeout
    try {
      const database = await PGlite.create()
      await database.exec(schema)
      return new Backend(database)
    } finally {
      globalThis.setTimeout = setTimeout
      for (const timer of timers) clearTimeout(timer)
    }
  }

  /** Gives the server's answer to protocol messages. */
  exec(bytes: Uint8Array): Uint8Array {
    const { setTimeout } = globalThis
    // It arms a timer behind a statement, for its statistics: that would be one of the world's, and never end.
    Object.assign(globalThis, { setTimeout: () => 0 })
    try {
      // Copied: what comes back is a view of memory that the next call writes over.
      return new Uint8Array(this.database.execProtocolRawSync(bytes))
    } finally {
      Object.assign(globalThis, { setTimeout })
    }
  }

  sql(text: string): Uint8Array {
    return this.exec(simpleQuery(text))
  }

  /** The first column of every row. */
  column(text: string): ReadonlyArray<string> {
    return framesOf(this.sql(text)).filter(({ type }) => type === "D").map(({ bytes }) =>
      bytes.toString("utf8", 11, 11 + bytes.readInt32BE(7))
    )
  }

  /** As if nobody had ever been here. */
  reset(): void {
    // Emptying the file takes as long as fifty statements, so dead rows may lie there for a while.
    const empty = this.resets++ % 32 === 0 ? "truncate history" : "delete from history"
    for (const text of ["rollback", "discard all", empty]) this.sql(text)
  }

  close(): Promise<void> {
    return this.database.close()
  }
}
