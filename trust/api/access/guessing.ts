/** Passwords and tokens that are guessed: how many guesses somebody has, and what that does to others. */
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { type Answer, bearer, type Lost, type Sending, statusOf, Wires } from "../Wire.ts"
import { login } from "./login.ts"

/** A minute. */
const limits = { login: 8, account: 12, failure: 10 }

class Guesser {
  private readonly wires: Wires
  readonly answers: Array<Answer | Lost> = []

  constructor(url: string, address: string) {
    this.wires = new Wires(url, address)
  }

  async ask(sending: Sending): Promise<number> {
    const answer = await this.wires.ask(sending)
    this.answers.push(answer)
    return statusOf(answer)
  }

  count(status: number): number {
    return this.answers.filter((answer) => statusOf(answer) === status).length
  }

  /** What is not as a refusal must be. */
  problems(name: string, most: number): ReadonlyArray<string> {
    const refused = this.answers.filter((answer) => statusOf(answer) === 429)
    const waits = refused.map((answer) => typeof answer === "string" ? 0 : Number(answer.headers.get("retry-after")))
    return [
      ...(this.count(401) > most ? [`${name}: ${this.count(401)} guesses were looked at, ${most} may be`] : []),
      ...(refused.length === 0 ? [`${name}: nothing was refused`] : []),
      ...(waits.some((wait) => !(wait >= 1 && wait <= 60))
        ? [`${name}: a refusal does not say when to come back`]
        : []),
      ...(this.count(401) + refused.length === this.answers.length ? [] : [`${name}: another answer than 401 and 429`])
    ]
  }

  close(): void {
    this.wires.close()
  }
}

export const guessing = async (stage: Stage): Promise<Outcome> => {
  const server = await stage.serve({
    EMS_LOG: "error",
    EMS_RATE_LIMIT_LOGINS: String(limits.login),
    EMS_RATE_LIMIT_ACCOUNT: String(limits.account),
    EMS_RATE_LIMIT_FAILURES: String(limits.failure),
    EMS_TRUSTED_PROXIES: "0"
  })
  const [victim, other, spread] = [
    await stage.login("admin"),
    await stage.login("viewer"),
    await stage.login("operator")
  ]
  const problems: Array<string> = []
  let requests = 0
  const from = async (address: string, use: (guesser: Guesser) => Promise<void>): Promise<Guesser> => {
    const guesser = new Guesser(server.url, address)
    await use(guesser)
    guesser.close()
    requests += guesser.answers.length
    return guesser
  }
  const rightLogin = async (address: string, email: string): Promise<number> =>
    statusOf(
      (await from(address, async (guesser) => void await guesser.ask(login(email, stage.password)))).answers[0] ??
        "hung"
    )

  // One address, one account: the address's limit is met first, so that the account stays open to its owner.
  const one = await from("127.0.0.11", async (guesser) => {
    for (let at = 0; at < 30; at++) await guesser.ask(login(victim.email, `wrong ${at}`))
  })
  problems.push(...one.problems("one account", limits.login))
  const owner = await rightLogin("127.0.0.12", victim.email)
  if (owner !== 200) problems.push(`the owner's right password from elsewhere is answered ${owner}`)

  const many = await from("127.0.0.13", async (guesser) => {
    for (let at = 0; at < 30; at++) await guesser.ask(login(`user${at}@example.org`, "wrong"))
  })
  problems.push(...many.problems("many accounts", limits.login))

  const forged = await from("127.0.0.14", async (guesser) => {
    for (let at = 0; at < 30; at++) {
      await guesser.ask(login(other.email, `wrong ${at}`, [
        ["x-forwarded-for", `203.0.113.${at}`],
        ["forwarded", `for=203.0.113.${at}`],
        ["x-real-ip", `203.0.113.${at}`]
      ]))
    }
  })
  problems.push(...forged.problems("forged X-Forwarded-For", limits.login))

  // From everywhere: what the account's limit is for. Its owner waits as well, a minute at most.
  let looked = 0
  let refused = 0
  for (let at = 0; at < 30; at++) {
    // With its case changed and with spaces, as the account would still be found.
    const email = [spread.email, spread.email.toUpperCase(), ` ${spread.email} `][at % 3] ?? ""
    const guesser = await from(`127.0.1.${at + 1}`, async (each) => void await each.ask(login(email, `wrong ${at}`)))
    looked += guesser.count(401)
    refused += guesser.count(429)
  }
  if (looked > limits.account) {
    problems.push(`from many addresses: ${looked} guesses were looked at, ${limits.account} may be`)
  }
  if (refused === 0) problems.push("from many addresses: nothing was refused")
  const locked = await rightLogin("127.0.0.15", spread.email)
  const untouched = await rightLogin("127.0.0.15", victim.email)
  if (locked !== 429) problems.push(`the account that is guessed at everywhere is answered ${locked}`)
  if (untouched !== 200) problems.push(`another account is answered ${untouched} meanwhile`)
  const stays = statusOf(
    await new Wires(server.url).ask({ target: "/api/auth/me", headers: [bearer(spread.accessToken)] })
  )
  if (stays !== 200) problems.push(`a session that is open is answered ${stays} while its password is guessed`)

  const tokens = await from("127.0.0.16", async (guesser) => {
    for (let at = 0; at < 30; at++) {
      await guesser.ask({ target: "/api/auth/me", headers: [bearer(`x.${at}.z`)] })
    }
  })
  problems.push(...tokens.problems("wrong tokens", limits.failure))
  // Not the address of a machine that guesses, and every operation counts, also the one that is answered to anybody.
  const atHealth = await from("127.0.0.17", async (guesser) => {
    for (let at = 0; at < 30; at++) {
      await guesser.ask({ target: "/api/db/health", headers: [bearer(`x.${at}.z`)] })
    }
  })
  problems.push(...atHealth.problems("wrong tokens where none is needed", limits.failure))

  return {
    problems,
    figures: { requests: requests + 1 },
    note:
      `looked at: ${one.count(401)} of 30 on one account, ${many.count(401)} on many, ${forged.count(401)} with forged `
      + `addresses (of ${limits.login}), ${looked} from 30 addresses (of ${limits.account}; its owner: 429), ${
        tokens.count(401)
      } tokens (of ${limits.failure})`
  }
}
