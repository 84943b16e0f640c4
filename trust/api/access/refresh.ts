/** Refresh tokens: raced for, rotated, and presented again. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { type Answer, bearer, json, type Lost, statusOf, Wires } from "../Wire.ts"

interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** A process may believe for so long what another one has revoked. Milliseconds. */
const believedFor = 1000

const tokensOf = (answer: Answer | Lost | undefined): Tokens | undefined =>
  // A cast: what is missing is refused where it is presented.
  typeof answer !== "object" || answer.status !== 200 ? undefined : JSON.parse(answer.body) as Tokens

class Client {
  readonly wires: Wires
  requests = 0

  constructor(url: string) {
    this.wires = new Wires(url)
  }

  refresh(refreshToken: string): Promise<Answer | Lost> {
    this.requests++
    return this.wires.ask({ method: "POST", target: "/api/auth/refresh", ...json({ refreshToken }) })
  }

  async me(accessToken: string): Promise<number> {
    this.requests++
    return statusOf(await this.wires.ask({ target: "/api/auth/me", headers: [bearer(accessToken)] }))
  }
}

const counted = (statuses: ReadonlyArray<number>): string =>
  [...new Set(statuses)].map((status) => `${statuses.filter((one) => one === status).length} × ${status}`).join(", ")

/** Racers are spread over the clients. */
const race = async (
  clients: ReadonlyArray<Client>,
  racers: number,
  { accessToken, refreshToken }: Tokens
): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  for (const client of clients) if (await client.me(accessToken) !== 200) problems.push("a new session is refused")
  const answers = await Promise.all(
    Array.from({ length: racers }, (_, at) => clients[at % clients.length]!.refresh(refreshToken))
  )
  const statuses = answers.map(statusOf)
  const won = answers.filter((answer) => statusOf(answer) === 200)
  if (won.length !== 1 || statuses.some((status) => status !== 200 && status !== 401)) {
    problems.push(`${racers} racers were answered ${counted(statuses)}`)
  }
  const next = tokensOf(won[0])
  if (next === undefined) return [...problems, "nobody has the next token"]
  await sleep(believedFor)
  for (const client of clients) {
    for (const [name, token] of [["old", accessToken], ["winner's", next.accessToken]] as const) {
      const status = await client.me(token)
      if (status !== 401) problems.push(`the ${name} access token is answered ${status} after the race`)
    }
    const status = statusOf(await client.refresh(next.refreshToken))
    if (status !== 401) problems.push(`the winner's refresh token is answered ${status} after the race`)
  }
  return problems
}

/** Each in its turn; then one of the first comes back. */
const rotation = async (client: Client, first: Tokens): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const all = [first]
  for (let at = 0; at < 10; at++) {
    const next = tokensOf(await client.refresh(all.at(-1)!.refreshToken))
    if (next === undefined) return [...problems, `exchange ${at + 1} in order was refused`]
    if (await client.me(next.accessToken) !== 200) problems.push(`the access token of exchange ${at + 1} was refused`)
    all.push(next)
  }
  if (new Set(all.map(({ refreshToken }) => refreshToken)).size !== all.length) problems.push("a token came twice")
  const last = all.at(-1)!
  const again = statusOf(await client.refresh(all[2]!.refreshToken))
  if (again !== 401) problems.push(`a used token is answered ${again}`)
  // The process that heard of the reuse knows it at once.
  const access = await client.me(last.accessToken)
  if (access !== 401) problems.push(`the newest access token is answered ${access} after the reuse of an old one`)
  const refreshed = statusOf(await client.refresh(last.refreshToken))
  if (refreshed !== 401) {
    problems.push(`the newest refresh token is answered ${refreshed} after the reuse of an old one`)
  }
  return problems
}

export const refresh = async (stage: Stage): Promise<Outcome> => {
  const servers = [await stage.serve({ EMS_LOG: "error" })]
  if (!stage.quick) servers.push(await stage.serve({ EMS_LOG: "error" }))
  const clients = servers.map(({ url }) => new Client(url))
  const { email, ...session } = await stage.login("operator")
  const [one] = clients
  if (one === undefined) throw new Error("there is no server")
  const rounds = stage.quick ? 1 : 5
  const problems: Array<string> = []
  for (let round = 0; round < rounds; round++) {
    problems.push(...await race([one], 20, round === 0 ? session : await stage.again(email)))
    if (clients.length > 1) {
      problems.push(...(await race(clients, 20, await stage.again(email))).map((text) => `two processes: ${text}`))
    }
    problems.push(...await rotation(one, await stage.again(email)))
  }
  // Another session of the account is nothing to the thief of one.
  const bystander = await stage.again(email)
  if (await one.me(bystander.accessToken) !== 200) problems.push("another session of the account was ended too")
  for (const { wires } of clients) wires.close()
  return {
    problems,
    figures: { requests: clients.reduce((sum, { requests }) => sum + requests, 0) },
    note: `${rounds * clients.length} races of 20${clients.length > 1 ? ", half of them over two processes" : ""}; ${
      rounds * 10
    } exchanges in order`
  }
}
