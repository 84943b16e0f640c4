/** Everything that goes wrong outside of `Runtime.respond`: no such route, unreadable or unacceptable input, bugs. */
import * as Predicate from "effect/Predicate"
import type { AnyElysia } from "elysia"
import type { Runtime } from "../Runtime.ts"
import { Refused } from "./Failure.ts"
import * as Problem from "./Problem.ts"

interface Failed {
  readonly code: number | string
  readonly error: unknown
  readonly request: Request
  readonly set: { status?: number | string }
}

/** What a hook refused. Elysia wraps what goes wrong while it reads a body. */
const refusalIn = (error: unknown): Problem.Kind | undefined => {
  const inner = Predicate.hasProperty(error, "cause") && !(error instanceof Refused) ? error.cause : error
  return inner instanceof Refused ? inner.kind : undefined
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

export const hook = ({ refuse }: Pick<Runtime, "refuse">, app: AnyElysia) => {
  const allowed = (request: Request): ReadonlyArray<string> => {
    // A host such as `x:99999` is none that a URL can have: there is no such address either.
    const pathname = URL.parse(request.url)?.pathname
    if (pathname === undefined) return []
    const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname
    // Elysia keeps routes without parameters in a table of their own.
    const fixed = Object.hasOwn(app.router.static, path) ? app.router.static[path] ?? {} : {}
    const found: Array<string> = methods.filter((method) =>
      method in fixed || app.router.http.find(method, path) !== null
    )
    return found.includes("GET") ? ["HEAD", ...found] : found
  }

  const problem = (code: number | string, error: unknown, request: Request): Problem.Kind | undefined => {
    switch (code) {
      case "NOT_FOUND": {
        const allow = allowed(request)
        return allow.length === 0
          ? { status: 404, detail: "There is nothing at this address; GET / lists what there is." }
          : { status: 405, detail: `Use one of ${allow.join(", ")}.`, headers: { allow: allow.join(", ") } }
      }
      case "PARSE":
        return { status: 400, detail: "The body could not be read as what its content-type says." }
      case "INVALID_COOKIE_SIGNATURE":
        return { status: 400, detail: "A cookie's signature is not right." }
      case "VALIDATION": {
        const { part, pointer } = place(error)
        // A response that breaks its contract is our mistake, not the client's.
        return part === "response" ? undefined : {
          status: 422,
          detail: `The ${part} does not have the expected shape${pointer === "" ? "" : ` at ${pointer}`}.`
        }
      }
      default:
        return undefined
    }
  }

  return ({ code, error, request, set }: Failed): Response => {
    const known = refusalIn(error) ?? problem(code, error, request)
    const response = known === undefined ? refuse(error, request) : Problem.toResponse(known, request)
    // For the access log: Elysia does not show it the response of this hook.
    set.status = response.status
    return response
  }
}

const parts: ReadonlySet<unknown> = new Set(["body", "query", "params", "headers", "cookie"])

/** Where validation failed. Elysia's error also holds the rejected value; nothing but names leaves here. */
const place = (error: unknown): { readonly part: string; readonly pointer: string } => {
  const type = Predicate.hasProperty(error, "type") ? error.type : undefined
  const found = Predicate.hasProperty(error, "valueError") ? error.valueError : undefined
  const path: ReadonlyArray<unknown> = Predicate.hasProperty(found, "path") && Array.isArray(found.path)
    ? found.path
    : []
  // A name that is not a plain word came from the client.
  const isPlain = path.every((key) => /^\w{1,64}$/.test(String(key)))
  return {
    part: parts.has(type) ? String(type) : "response",
    pointer: isPlain ? path.map((key) => `/${String(key)}`).join("") : ""
  }
}
