/** What one case plays on: a migrated database with sample data, accounts of every role, and servers on it. */
import * as Access from "@ems/access/Access"
import { Accounts } from "@ems/access/Accounts"
import { MachineTokens, type NewMachineToken } from "@ems/access/MachineTokens"
import type { Role } from "@ems/access/Role"
import { type Session, Sessions } from "@ems/access/Sessions"
import * as DbCore from "@ems/db-core/DbCore"
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import { relations } from "@ems/schema"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { spawnSync } from "node:child_process"
import * as path from "node:path"
import type { Cluster } from "../Cluster.ts"
import { ApiServer } from "./ApiServer.ts"

const root = path.join(import.meta.dirname, "..", "..")

/** In every secret, so that a leak is seen wherever it comes out. */
export const canary = "cAnArY-51b7"

export const authSecret = `${canary}-signing-key-0123456789abcdef0123456789abcdef`

const password = `${canary}-a-phrase-that-nobody-tries`

/** Made once for each server: copying takes a hundredth of making. */
const templates = new WeakMap<Cluster, Promise<string>>()

const makeTemplate = async (cluster: Cluster): Promise<string> => {
  const database = "api_template"
  await cluster.server(`create database ${database}`)
  const { status, stderr, stdout } = spawnSync(
    path.join(root, "node_modules", ".bin", "bun"),
    ["--no-env-file", "apps/cli/src/main.ts", "init", "--seed", "--json"],
    {
      cwd: root,
      env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: databaseUrl(cluster.url, database) },
      encoding: "utf8"
    }
  )
  if (status !== 0) throw new Error(`the database could not be made: ${stdout}${stderr}`)
  return database
}

export class Stage {
  readonly cluster: Cluster
  readonly url: string
  readonly random: () => number
  readonly quick: boolean
  private readonly runtime: ManagedRuntime.ManagedRuntime<Access.Access, unknown>
  private readonly servers: Array<ApiServer> = []

  private constructor(cluster: Cluster, url: string, random: () => number, quick: boolean) {
    this.cluster = cluster
    this.url = url
    this.random = random
    this.quick = quick
    this.runtime = ManagedRuntime.make(
      Access.layerOf({ secret: Redacted.make(authSecret) }).pipe(
        Layer.provide(DbCore.layerOf(relations, { url, applicationName: "harness", cacheFeed: "none" })),
        Layer.provideMerge(Logger.layer([]))
      )
    )
  }

  /** A database of its own, with the sample data. */
  static async open(cluster: Cluster, name: string, random: () => number, quick: boolean): Promise<Stage> {
    let made = templates.get(cluster)
    if (made === undefined) templates.set(cluster, made = makeTemplate(cluster))
    const database = name.toLowerCase()
    await cluster.server(`create database ${database} template ${await made} strategy file_copy`)
    const url = databaseUrl(cluster.url, database)
    return new Stage(cluster, url, random, quick)
  }

  run<A, E>(effect: Effect.Effect<A, E, Access.Access>): Promise<A> {
    return this.runtime.runPromise(effect)
  }

  /** Makes an account, and logs it in. */
  async login(role: Role, email = `${role}@example.org`): Promise<Session & { readonly email: string }> {
    await this.run(Accounts.use(({ create }) => create({ email, password: Redacted.make(password), role })))
    return { ...await this.again(email), email }
  }

  /** Another session of an account. */
  again(email: string): Promise<Session> {
    return this.run(Sessions.use(({ login }) => login(email, Redacted.make(password))))
  }

  get password(): string {
    return password
  }

  machine(token: NewMachineToken): Promise<{ readonly id: string; readonly token: string }> {
    return this.run(MachineTokens.use(({ create }) => create(token)))
  }

  /** `url`: as another role than the superuser. */
  async serve(env: Readonly<Record<string, string>> = {}, url = this.url): Promise<ApiServer> {
    const server = await ApiServer.start(url, { EMS_AUTH_SECRET: authSecret, ...env })
    this.servers.push(server)
    return server
  }

  /** As superuser. */
  sql(statement: string): Promise<ReadonlyArray<Record<string, unknown>>> {
    return withClient(
      this.url,
      async (client) => (await client.query<Record<string, unknown>>(statement)).rows
    )
  }

  async end(): Promise<void> {
    for (const server of this.servers) await server.stop("SIGKILL")
    await this.runtime.dispose()
  }
}
