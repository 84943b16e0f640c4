/** Where nobody has to say who they are: loopback with `EMS_AUTH=off`, and the token for the first admin. */
import { spawnSync } from "node:child_process"
import * as path from "node:path"
import type { ApiServer } from "../ApiServer.ts"
import type { Outcome } from "../Case.ts"
import { authSecret, type Stage } from "../Stage.ts"
import { bearer, json, type Sending, statusOf, Wires } from "../Wire.ts"

const root = path.join(import.meta.dirname, "..", "..", "..")

/** The seed's examples, as they are written there. */
const examples: ReadonlyArray<readonly [Sending, status: number]> = [
  [{ target: "/api/db/health" }, 200],
  [{ target: "/api/db/metrics" }, 200],
  [{ method: "POST", target: "/api/db/maintenance", ...json({ action: "analyzeTables" }) }, 202]
]

const ask = async ({ url }: Pick<ApiServer, "url">, sending: Sending): Promise<number> => {
  const wires = new Wires(url)
  const status = statusOf(await wires.ask(sending))
  wires.close()
  return status
}

const withoutAuth = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const server = await stage.serve({ EMS_AUTH: "off", EMS_LOG: "info" })
  for (const [sending, expected] of examples) {
    const status = await ask(server, sending)
    if (status !== expected) problems.push(`EMS_AUTH=off: ${sending.target} is answered ${status}, not ${expected}`)
  }
  if (!/EMS_AUTH=off: whoever/.test(server.log)) problems.push("EMS_AUTH=off is not warned of")
  for (const host of stage.quick ? ["0.0.0.0"] : ["0.0.0.0", "::", "192.0.2.1"]) {
    const { status, stderr, stdout } = spawnSync(
      path.join(root, "node_modules", ".bin", "bun"),
      ["--no-env-file", "apps/api/src/main.ts"],
      {
        cwd: root,
        env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: stage.url, PORT: "0", HOST: host, EMS_AUTH: "off" },
        encoding: "utf8",
        timeout: 10_000
      }
    )
    const lines = `${stdout}${stderr}`.trim().split("\n")
    if (status !== 2) problems.push(`EMS_AUTH=off on ${host} ends with ${status}, not 2`)
    if (lines.length !== 1 || !lines[0]?.startsWith("EMS_AUTH: ")) {
      problems.push(`EMS_AUTH=off on ${host} says: ${lines.join(" / ")}`)
    }
  }
  return problems
}

/** Written after the socket is there. */
const offered = async (server: ApiServer): Promise<string | undefined> => {
  for (let tries = 0; tries < 40; tries++) {
    const [, token] = /"token":"([\w-]+)"/.exec(server.log) ?? []
    if (token !== undefined) return token
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return undefined
}

const redeem = (token: string, email: string, password: string): Sending => ({
  method: "POST",
  target: "/api/auth/first-admin",
  ...json({ token, email, password })
})

const firstAdmin = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const env = { EMS_FIRST_ADMIN: "offer", EMS_AUTH_SECRET: authSecret, EMS_LOG: "info" }
  const server = await stage.serve(env)
  const beside = await stage.serve(env)
  const token = await offered(server)
  const another = await offered(beside)
  if (token === undefined || another === undefined) return ["no token was offered"]
  if (server.log.split(token).length !== 2) problems.push("the token was printed more than once")
  const is = async (name: string, sending: Sending, expected: ReadonlyArray<number>, at = server) => {
    const status = await ask(at, sending)
    if (!expected.includes(status)) problems.push(`${name} is answered ${status}`)
  }
  await is("a token that nobody printed", redeem("A".repeat(43), "a@example.org", stage.password), [401])
  await is("the token of another process", redeem(another, "a@example.org", stage.password), [401])
  await is("a weak password", redeem(token, "a@example.org", "password1234"), [422])
  await is("the token as a bearer", { target: "/api/auth/tokens", headers: [bearer(token)] }, [401])
  // At once, at both, each with the token that is right there.
  const racers = await Promise.all(
    Array.from(
      { length: 10 },
      (_, at) =>
        ask(
          at % 2 === 0 ? server : beside,
          redeem(at % 2 === 0 ? token : another, `first${at}@example.org`, stage.password)
        )
    )
  )
  const won = racers.filter((status) => status === 201).length
  if (won !== 1 || racers.some((status) => ![201, 401, 409].includes(status))) {
    problems.push(`ten who redeem at once are answered ${racers.toSorted((a, b) => a - b).join(" ")}`)
  }
  const [row] = await stage.sql("select count(*)::int as accounts, min(role::text) as role from admin_users")
  if (row?.["accounts"] !== 1 || row["role"] !== "admin") problems.push("there is not one account, or no admin")
  await is("the token a second time", redeem(token, "second@example.org", stage.password), [401, 409])
  await is("the other token afterwards", redeem(another, "second@example.org", stage.password), [401, 409], beside)
  if (stage.quick) return problems
  const late = await stage.serve(env)
  if (await ask(late, { target: "/readyz" }) !== 200) problems.push("a later process is not ready")
  if (late.log.includes("first-admin")) problems.push("a token is offered though there is an account")
  return problems
}

export const entrances = async (stage: Stage): Promise<Outcome> => ({
  problems: [...await withoutAuth(stage), ...await firstAdmin(stage)],
  figures: { requests: examples.length + 18 },
  note: "the seed's examples on loopback; ten who redeem the first admin's token at once, over two processes"
})
