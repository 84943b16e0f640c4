/** Everything that is presented to every operation. */
import { Accounts } from "@ems/access/Accounts"
import { MachineTokens } from "@ems/access/MachineTokens"
import type { Role } from "@ems/access/Role"
import { Sessions } from "@ems/access/Sessions"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { authSecret, type Stage } from "../Stage.ts"
import { bearer, json, statusOf, type Wires } from "../Wire.ts"
import { type Credential, good, header, invalid, whole } from "./Credential.ts"
import { forgedTokens } from "./forgedTokens.ts"
import { scopesOf } from "./WhoMayWhat.ts"

const roles: ReadonlyArray<Role> = ["viewer", "operator", "admin"]

/** A process may believe for so long what another one has revoked. Milliseconds. */
const believedFor = 1000

/** As a machine token is made, of characters that nobody drew. */
const madeUp = (body: string): string =>
  `ems_${body}${createHash("sha256").update(`ems_${body}`).digest("base64url").slice(0, 6)}`

const ways = (token: string): ReadonlyArray<Credential> => {
  const wrong = (name: string, value: string): Credential => ({
    name,
    headers: header(value),
    is: "invalid",
    quick: false
  })
  const elsewhere = (name: string, given: Partial<Credential>): Credential => ({
    name,
    headers: [],
    is: "nobody",
    quick: false,
    ...given
  })
  return [
    elsewhere("nothing", { quick: true }),
    elsewhere("a token in the query", { query: `access_token=${token}` }),
    elsewhere("a token in a cookie", { headers: [["cookie", `access_token=${token}; authorization=Bearer ${token}`]] }),
    elsewhere("a token in another header", {
      headers: [["proxy-authorization", `Bearer ${token}`], ["x-auth", token]]
    }),
    elsewhere("who asks, as a proxy would tell", {
      headers: [["x-forwarded-user", "admin"], ["x-forwarded-for", "127.0.0.1"]]
    }),
    wrong("an empty header", ""),
    wrong("the scheme alone", "Bearer"),
    wrong("the token alone", token),
    wrong("Basic", `Basic ${Buffer.from(`admin:${token}`).toString("base64")}`),
    wrong("another scheme", `Token ${token}`),
    wrong("two spaces", `Bearer  ${token}`),
    wrong("something after it", `Bearer ${token} ${token}`),
    wrong("in quotation marks", `Bearer "${token}"`),
    wrong("very long", `Bearer ${"a".repeat(4000)}`),
    wrong("half a megabyte of dots", `Bearer ${".".repeat(8000)}`),
    { ...elsewhere("twice", {}), is: "invalid", headers: [bearer(token), bearer(token)] },
    { ...elsewhere("a bad one first", {}), is: "invalid", headers: [bearer("x.y.z"), bearer(token)] },
    { ...elsewhere("a bad one last", {}), is: "invalid", headers: [bearer(token), bearer("x.y.z")] },
    { ...elsewhere("the scheme in lower case", {}), is: whole("admin"), headers: header(`bearer ${token}`) },
    { ...elsewhere("the scheme in capitals", {}), is: whole("admin"), headers: header(`BEARER ${token}`) },
    invalid("malformed", "x.y.z", true),
    invalid("of dots", "..")
  ]
}

/** Sessions that were good, were used, and then ended in every way there is. */
const ended = async (stage: Stage, used: (token: string) => Promise<void>): Promise<ReadonlyArray<Credential>> => {
  const [loggedOut, removed, demoted, anotherPassword, reused] = await Promise.all(
    ["loggedout", "removed", "demoted", "password", "reused"].map((name) => stage.login("admin", `${name}@example.org`))
  )
  if (!loggedOut || !removed || !demoted || !anotherPassword || !reused) throw new Error("a session is missing")
  for (const { accessToken } of [loggedOut, removed, demoted, anotherPassword, reused]) await used(accessToken)
  await stage.run(Sessions.use(({ logout }) => logout(loggedOut.refreshToken)))
  await stage.run(Accounts.use(({ remove }) => remove(removed.email)))
  await stage.run(Accounts.use(({ setRole }) => setRole(demoted.email, "viewer")))
  await stage.run(
    Accounts.use(({ setPassword }) =>
      setPassword(anotherPassword.email, Redacted.make("another phrase that nobody tries"))
    )
  )
  await stage.run(Sessions.use(({ refresh }) => refresh(reused.refreshToken)))
  await stage.run(Sessions.use(({ refresh }) => refresh(reused.refreshToken))).catch(() => {})
  return [
    invalid("of a session that was logged out", loggedOut.accessToken, true),
    invalid("of an account that was removed", removed.accessToken),
    invalid("of an account with another password since", anotherPassword.accessToken),
    invalid("of a session whose refresh token was used twice", reused.accessToken),
    good("of an admin who is a viewer now", demoted.accessToken, whole("viewer"), true)
  ]
}

const machines = async (stage: Stage, used: (token: string) => Promise<void>): Promise<ReadonlyArray<Credential>> => {
  const found: Array<Credential> = []
  for (const role of roles) {
    const { token } = await stage.machine({ name: `whole-${role}`, role })
    found.push(good(`machine, ${role}`, token, whole(role)))
  }
  for (const scope of scopesOf.admin) {
    const { token } = await stage.machine({ name: `only-${scope.replace(":", "-")}`, role: "admin", scopes: [scope] })
    found.push(good(`machine, ${scope} alone`, token, { role: "admin", scopes: [scope] }, scope === "metrics:read"))
  }
  const gone = await stage.machine({ name: "gone", role: "admin" })
  const old = await stage.machine({ name: "old", role: "admin", expiresAt: new Date(Date.now() + 3_600_000) })
  for (const { token } of [gone, old]) await used(token)
  await stage.run(MachineTokens.use(({ revoke }) => revoke(gone.id)))
  await stage.sql(
    "update ems_internal.machine_token set created_at = now() - interval '1 hour', expires_at = now() - interval '1 minute' "
      + "where name = 'old'"
  )
  // More scopes than the role has, written past the product: the role bounds them.
  const raised = await stage.machine({ name: "raised", role: "viewer" })
  await stage.sql(
    "update ems_internal.machine_token set scopes = array['database:read','database:maintain','access:manage'] "
      + "where name = 'raised'"
  ).catch(() => {})
  return [
    ...found,
    invalid("machine, revoked", gone.token),
    invalid("machine, expired", old.token),
    invalid(
      "machine, one character changed",
      `${gone.token.slice(0, 20)}${gone.token[20] === "A" ? "B" : "A"}${gone.token.slice(21)}`
    ),
    invalid("machine, made up", madeUp("A".repeat(43))),
    invalid("machine, cut", gone.token.slice(0, 30)),
    good("machine, a viewer with an admin's scopes", raised.token, { role: "viewer", scopes: ["database:read"] })
  ]
}

/** `wires` lead to the server that will be asked: what it has seen good before is presented to it again. */
export const credentials = async (stage: Stage, wires: Wires): Promise<ReadonlyArray<Credential>> => {
  const used = async (token: string) => {
    const status = statusOf(await wires.ask({ target: "/api/auth/me", headers: [bearer(token)] }))
    if (status !== 200) throw new Error(`a credential that is good was answered ${status}`)
  }
  const viewer = await stage.login("viewer")
  const operator = await stage.login("operator")
  const admin = await stage.login("admin")
  const last = await stage.again(admin.email)
  const all = [
    ...ways(admin.accessToken),
    good("session of a viewer", viewer.accessToken, whole("viewer"), true),
    good("session of an operator", operator.accessToken, whole("operator"), true),
    good("session of an admin", admin.accessToken, whole("admin"), true),
    invalid("a refresh token", admin.refreshToken),
    invalid("the password", stage.password),
    ...await forgedTokens({ admin: admin.accessToken, viewer: viewer.accessToken, secret: authSecret }),
    ...await ended(stage, used),
    ...await machines(stage, used)
  ]
  await sleep(believedFor + 100)
  // By the server itself: that holds at once.
  await used(last.accessToken)
  const status = statusOf(
    await wires.ask({ method: "POST", target: "/api/auth/logout", ...json({ refreshToken: last.refreshToken }) })
  )
  if (status !== 204) throw new Error(`a logout was answered ${status}`)
  return [...all, invalid("logged out there a moment ago", last.accessToken)]
}
