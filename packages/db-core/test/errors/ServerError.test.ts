import { inspect } from "node:util"
import { assert, describe, it } from "vitest"
import { DbError } from "../../src/errors/DbError.ts"
import { fromCause } from "../../src/errors/ServerError.ts"
import { reasonOfSqlState, type ReasonTag, transientReasons } from "../../src/errors/SqlState.ts"

const fate = { server: "Refused", socket: "Unknown" } as const
const server = (code: string, message: string) =>
  Object.assign(new Error(message), {
    code,
    severity: "ERROR",
    detail: "Key (email)=(canary@x.io) already exists.",
    hint: "canary",
    where: "canary",
    internalQuery: "canary",
    constraint: "idx_users_email",
    table: "users"
  })

describe("ServerError", () => {
  it("keeps identifiers and codes and drops everything that can hold a value", () => {
    const error = fromCause(
      { reason: { cause: server("23505", "duplicate key: canary") } },
      "ServerError",
      "query",
      fate
    )
    assert.deepInclude(error.reason, { _tag: "UniqueViolation", sqlState: "23505", constraint: "idx_users_email" })
    for (const text of [String(error), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })]) {
      assert.notInclude(text, "canary")
    }
  })

  it.each<[string, ReasonTag]>([
    ["couldn't connect to compute node", "ComputeWaking"],
    ["password authentication failed for user 'x'", "AuthenticationFailed"],
    ["Too many connections attempts", "ResourceExhausted"],
    ["endpoint is disabled", "ConnectFailed"],
    ["something else", "ServerError"]
  ])("reads the proxy's XX000: %s", (message, tag) => {
    assert.strictEqual(fromCause(server("XX000", message), "ServerError", "connect", fate).reason._tag, tag)
  })

  it("tells a cancel from a timeout", () => {
    const tag = (message: string) => fromCause(server("57014", message), "ServerError", "query", fate).reason._tag
    assert.strictEqual(tag("canceling statement due to user request"), "Cancelled")
    assert.strictEqual(tag("canceling statement due to statement timeout"), "StatementTimeout")
  })

  it("says what a socket's code means, and nothing of its address", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 10.1.2.3:5432"), { code: "ECONNREFUSED" })
    const error = fromCause(new AggregateError([refused]), "ConnectFailed", "connect", fate)
    assert.strictEqual(error.reason._tag, "ConnectFailed")
    assert.include(error.message, "refused")
    assert.notInclude(JSON.stringify(error), "10.1.2.3")
  })

  it("finds our own error inside whatever carried it", () => {
    const own = DbError.of("PoolTimeout", "NotSent", "acquire", { message: "no connection" })
    assert.strictEqual(
      fromCause(new Error("outer", { cause: { reason: { cause: own } } }), "ServerError", "q", fate),
      own
    )
  })

  it.each<[string, ReasonTag]>([
    ["40001", "Serialization"],
    ["40P01", "Deadlock"],
    ["55P03", "LockTimeout"],
    ["25006", "ReadOnly"],
    ["53300", "ResourceExhausted"],
    ["53100", "ResourceExhausted"],
    ["57P03", "ComputeWaking"],
    ["57P01", "ConnectionLost"],
    ["08006", "ConnectionLost"],
    ["08P01", "ProtocolViolation"],
    ["23001", "ForeignKeyViolation"],
    ["22P02", "InvalidData"],
    ["42501", "InsufficientPrivilege"],
    ["42P01", "InvalidStatement"],
    ["99999", "ServerError"]
  ])("maps %s to %s", (code, tag) => {
    assert.strictEqual(reasonOfSqlState(code), tag)
    assert.isBoolean(transientReasons[tag])
  })
})
