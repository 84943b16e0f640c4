/** The server of a run: a template for each kind of cache, and a copy of it for each case. */
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { randomBytes } from "node:crypto"
import { setup } from "./Drizzle.ts"
import { plainRole } from "./plainRole.ts"
import type { Contestant } from "./Subject.ts"

const password = randomBytes(12).toString("hex")

const prepareRole = `do $$ begin create role ${plainRole} login; exception when others then null; end $$;
alter role ${plainRole} password '${password}'`

const grants = `grant usage on schema public to ${plainRole}; grant all on all tables in schema public to ${plainRole}`

export class Server {
  readonly version: string
  private readonly url: string
  private readonly prefix = `cases_${randomBytes(4).toString("hex")}_`
  private readonly templates = new Map<string, Promise<string>>()
  private number = 0
  private readonly stop: () => Promise<void>

  private constructor(url: string, version: string, stop: () => Promise<void>) {
    this.url = url
    this.version = version
    this.stop = stop
  }

  /** The server at `url`; without one, a server of its own, of the binaries in `binDirectory`. */
  static async start(options: { readonly url?: string; readonly binDirectory?: string }): Promise<Server> {
    const running = options.url === undefined
      ? await startPostgres(options.binDirectory === undefined ? {} : { binDirectory: options.binDirectory })
      : undefined
    const url = running?.url ?? options.url ?? ""
    try {
      const version = await withClient(url, async (client) => {
        await client.query(prepareRole)
        const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version")
        return rows[0]?.version ?? ""
      })
      return new Server(url, version, async () => running?.stop())
    } catch (error) {
      await running?.stop()
      throw error
    }
  }

  /** A database of its own, as superuser. */
  async database(contestant: Contestant): Promise<string> {
    const kind = contestant.adopt === undefined ? "plain" : "tracked"
    let template = this.templates.get(kind)
    if (template === undefined) {
      template = this.makeTemplate(kind, contestant)
      this.templates.set(kind, template)
    }
    const name = `${this.prefix}${++this.number}`
    const source = await template
    await this.server(`create database ${name} template ${source} strategy file_copy`)
    return databaseUrl(this.url, name)
  }

  private async makeTemplate(kind: string, { adopt, open }: Contestant): Promise<string> {
    const name = `${this.prefix}${kind}`
    await this.server(`create database ${name} template template0`)
    const url = databaseUrl(this.url, name)
    await withClient(url, async (client) => {
      for (const statement of setup) await client.query(statement)
      await client.query(grants)
    })
    const subject = await open({ url, max: 2, staleness: 1000 })
    await subject.install?.()
    await subject.close()
    if (adopt !== undefined) await withClient(url, (client) => client.query(adopt))
    // Whoever is connected to it keeps it from being copied.
    await this.server(`alter database ${name} allow_connections false`)
    return name
  }

  /** What a case adds to its database before the cache is opened. */
  async prepare(url: string, statements: ReadonlyArray<string>, { adopt }: Contestant): Promise<void> {
    if (statements.length === 0) return
    await withClient(url, async (client) => {
      for (const statement of statements) await client.query(statement)
      await client.query(grants)
      if (adopt !== undefined) await client.query(adopt)
    })
  }

  /** The same database for the role that obeys row security. */
  plain(url: string): string {
    const plain = new URL(url)
    plain.username = plainRole
    plain.password = password
    return plain.href
  }

  private async server(statement: string): Promise<void> {
    await withClient(this.url, (client) => client.query(statement))
  }

  async drop(url: string): Promise<void> {
    await this.server(`drop database if exists ${new URL(url).pathname.slice(1)}`)
  }

  async end(): Promise<void> {
    await this.stop()
  }
}
