/** The server that is abused: every secret of it is a canary, and so are rows that it has no business to show. */
import { setTimeout as sleep } from "node:timers/promises"
import type { ApiServer } from "../ApiServer.ts"
import { OpenApi } from "../OpenApi.ts"
import { canary, type Stage } from "../Stage.ts"
import { bearer, json, statusOf, Wires } from "../Wire.ts"
import { Canaries, email, row } from "./Canaries.ts"
import { Sink } from "./Sink.ts"

/** A role as the documentation wants one: no superuser, and it may look after the database. */
const grants = (role: string, password: string) => `
create role ${role} login password '${password}';
grant pg_monitor, pg_maintain, pg_signal_backend to ${role};
do $$ declare name text; begin
  for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('grant usage on schema %I to ${role}', name);
    execute format('grant all on all tables in schema %I to ${role}', name);
    execute format('grant all on all sequences in schema %I to ${role}', name);
  end loop;
end $$`

const rows = `
update users set name = '${row} ' || id, email = 'u' || id || '-${row}@example.org' where id % 10 = 0;
update payment_history set payment_reference = '${row}-' || id where id % 10 = 0`

export interface Known {
  readonly accessToken: string
  readonly event: string
  readonly job: string
}

export class Suspect {
  readonly server: ApiServer
  readonly sink: Sink
  readonly canaries: Canaries
  readonly document: OpenApi
  readonly known: Known

  private constructor(server: ApiServer, sink: Sink, canaries: Canaries, document: OpenApi, known: Known) {
    this.server = server
    this.sink = sink
    this.canaries = canaries
    this.document = document
    this.known = known
  }

  static async start(stage: Stage, env: Readonly<Record<string, string>> = {}): Promise<Suspect> {
    const canaries = new Canaries()
    const sink = await Sink.open(canaries)
    const url = new URL(stage.url)
    url.username = `role_${url.pathname.slice(1)}`
    url.password = `${canary}-of-the-database`
    await stage.sql(grants(url.username, url.password))
    await stage.sql(rows)
    const server = await stage.serve({
      EMS_LOG: "debug",
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canary}-of-the-collector`,
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_BSP_SCHEDULE_DELAY: "500",
      EMS_WEBHOOK_URL: `${sink.url}/${canary}-of-the-webhook`,
      EMS_WEBHOOK_SECRET: `whsec_${Buffer.from(`${canary}-key-of-the-webhook-0123456789`).toString("base64")}`,
      ...env
    }, url.href)
    const { accessToken, refreshToken } = await stage.login("admin", `${email}@example.org`)
    const { token } = await stage.machine({ name: "scraper", role: "viewer" })
    canaries.add("access token", accessToken)
    canaries.add("refresh token", refreshToken)
    canaries.add("machine token", token)
    canaries.add("webhook's key", Buffer.from(`${canary}-key-of-the-webhook`).toString("base64").slice(0, 24))
    const wires = new Wires(server.url)
    const headers = [bearer(accessToken)]
    const started = await wires.ask({
      method: "POST",
      target: "/api/db/maintenance",
      ...json({ action: "analyzeTables", tables: ["events"], reason: "a job to ask for" }, headers)
    })
    if (typeof started === "string" || started.status !== 202) {
      throw new Error(`a job could not be started: ${statusOf(started)}`)
    }
    const job = started.headers.get("location")?.split("/").at(-1) ?? ""
    const [event] = await stage.sql("select public_id::text as id from events limit 1")
    await wires.ask({ target: "/metrics", headers: [bearer(token)] })
    wires.close()
    return new Suspect(server, sink, canaries, await OpenApi.of(server.url), {
      accessToken,
      event: String(event?.["id"]),
      job
    })
  }

  /** Looks through what it has printed, counted and exported; says what the harness could not see. */
  async end(): Promise<ReadonlyArray<string>> {
    const wires = new Wires(this.server.url)
    const metrics = await wires.ask({ target: "/metrics", headers: [bearer(this.known.accessToken)] })
    wires.close()
    const problems: Array<string> = []
    if (typeof metrics === "string" || metrics.status !== 200) {
      problems.push(`the metrics are answered ${statusOf(metrics)} when it is over`)
    } else this.canaries.look(metrics.raw, { where: "/metrics" })
    // Until the last spans were sent.
    await sleep(700)
    if (this.server.child.exitCode !== null) problems.push(`the server ended with ${this.server.child.exitCode}`)
    else if (await this.server.stop() !== 0) problems.push("it did not end in order")
    for (const line of this.server.log.split("\n")) this.canaries.look(line, { where: "the log" })
    if (this.sink.spans === 0) problems.push("the harness is blind: no span was exported")
    if (this.sink.metrics === 0) problems.push("the harness is blind: no metric was exported")
    if (!this.server.log.includes("DEBUG")) problems.push("the harness is blind: no debug line was logged")
    this.sink.close()
    return problems
  }
}
