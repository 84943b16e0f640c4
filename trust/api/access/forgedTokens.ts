/** Access tokens that nobody issued: each would be an admin's, were the one thing that is wrong not looked at. */
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose"
import { createHmac } from "node:crypto"
import { type Credential, good, invalid, whole } from "./Credential.ts"

const seconds = () => Math.floor(Date.now() / 1000)

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Signed by hand: `jose` would not. */
const signed = (header: object, payload: JWTPayload, key: string | Buffer, hash = "sha256"): string => {
  const text = `${encoded(header)}.${encoded(payload)}`
  return `${text}.${createHmac(hash, key).update(text).digest("base64url")}`
}

export interface Real {
  /** Access tokens of sessions that are open. */
  readonly admin: string
  readonly viewer: string
  /** What the server signs with. */
  readonly secret: string
}

export const forgedTokens = async ({ admin, secret, viewer }: Real): Promise<ReadonlyArray<Credential>> => {
  const payload = decodeJwt(admin)
  const key = new TextEncoder().encode(secret)
  const typ = "at+jwt"
  const header = { alg: "HS256", typ }
  const [, , signature = ""] = admin.split(".")
  const now = seconds()
  const sign = (claims: JWTPayload, by: Uint8Array = key, head: { readonly [name: string]: unknown } = {}) =>
    new SignJWT(claims).setProtectedHeader({ ...header, ...head }).sign(by)
  const without = (name: keyof JWTPayload): JWTPayload =>
    Object.fromEntries(Object.entries(payload).filter(([claim]) => claim !== name))
  const unsigned = (alg: string, end = "") => `${encoded({ alg, typ })}.${encoded(payload)}.${end}`
  const rsa = await generateKeyPair("RS256", { extractable: true })
  const ec = await generateKeyPair("ES256", { extractable: true })
  const jwk = await exportJWK(rsa.publicKey)
  const own = "a-key-of-whoever-forges-it-0123456789abcdef"
  const asymmetric = (alg: "RS256" | "ES256", by: CryptoKey, head: object = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg, typ, ...head }).sign(by)
  const { sid, sub } = decodeJwt(viewer)

  return [
    // The harness signs as the server does: were this one refused, the others would prove nothing.
    good("signed here like a real one", await sign(payload), whole("admin")),
    good(
      "the role of an admin claimed by a viewer",
      await sign({ ...decodeJwt(viewer), role: "admin" }),
      whole("viewer")
    ),
    invalid("expired", await sign({ ...payload, iat: now - 660, exp: now - 60 }), true),
    invalid("without an end", await sign(without("exp"))),
    invalid("without a beginning", await sign(without("iat"))),
    invalid("issued long ago, ends far away", await sign({ ...payload, iat: now - 86_400, exp: now + 86_400 })),
    invalid("issued in the future", await sign({ ...payload, iat: now + 3600, exp: now + 4200 })),
    invalid("not before an hour from now", await sign({ ...payload, nbf: now + 3600 })),
    invalid("wrong key", await sign(payload, new TextEncoder().encode(own)), true),
    invalid("the key in lower case", await sign(payload, new TextEncoder().encode(secret.toLowerCase()))),
    invalid("empty key", signed(header, payload, "")),
    ...["none", "None", "NONE", "nOnE"].flatMap((alg) => [
      invalid(`alg ${alg}`, unsigned(alg), alg === "none"),
      invalid(`alg ${alg} with a signature`, unsigned(alg, signature))
    ]),
    invalid("alg missing", `${encoded({ typ })}.${encoded(payload)}.${signature}`),
    invalid("alg hs256", signed({ alg: "hs256", typ }, payload, secret)),
    invalid("HS384 by the right key", signed({ alg: "HS384", typ }, payload, secret, "sha384")),
    invalid("HS512 by the right key", signed({ alg: "HS512", typ }, payload, secret, "sha512")),
    invalid("says RS256, is HS256 by the right key", signed({ alg: "RS256", typ }, payload, secret)),
    invalid("RS256", await asymmetric("RS256", rsa.privateKey)),
    invalid("RS256 with its own key in the header", await asymmetric("RS256", rsa.privateKey, { jwk })),
    invalid(
      "RS256 with the address of its key",
      await asymmetric("RS256", rsa.privateKey, { jku: "http://127.0.0.1:1/" })
    ),
    invalid("says HS256, signed with a public key", signed({ ...header, jwk }, payload, JSON.stringify(jwk))),
    invalid("ES256", await asymmetric("ES256", ec.privateKey)),
    ...["../../../../../dev/null", "/dev/null", "' union select 'x", "0", "http://127.0.0.1:1/key"].map((kid) =>
      invalid(`kid ${kid}`, signed({ ...header, kid }, payload, kid.includes("null") ? "" : "x"))
    ),
    invalid("header that must be understood", signed({ ...header, crit: ["b64"], b64: false }, payload, secret)),
    invalid("wrong issuer", await sign({ ...payload, iss: "emss" })),
    invalid("without an issuer", await sign(without("iss"))),
    invalid("wrong audience", await sign({ ...payload, aud: "ems" })),
    invalid("without an audience", await sign(without("aud"))),
    invalid("another kind of token", await sign(payload, key, { typ: "JWT" })),
    invalid("without a kind", await sign(payload, key, { typ: undefined })),
    invalid("an admin's account with a viewer's session", await sign({ ...payload, sid })),
    invalid(
      "a viewer's account with an admin's session",
      await sign({ ...payload, ...(sub !== undefined && { sub }) })
    ),
    invalid("an account that is not there", await sign({ ...payload, sub: "9223372036854775807" })),
    invalid("an account beyond all numbers", await sign({ ...payload, sub: "9".repeat(19) })),
    invalid("an account that is SQL", await sign({ ...payload, sub: "1 or 1=1" })),
    invalid("a session that is SQL", await sign({ ...payload, sid: "' or ''='" })),
    invalid("without a session", await sign(without("sid"))),
    invalid("without a signature", admin.slice(0, admin.lastIndexOf(".") + 1)),
    invalid("without its last part", admin.slice(0, admin.lastIndexOf("."))),
    invalid("the last character is missing", admin.slice(0, -1)),
    invalid("a character too many", `${admin}A`),
    invalid(
      "another payload under the same signature",
      `${encoded(header)}.${encoded({ ...payload, x: 1 })}.${signature}`
    ),
    invalid("a viewer's signature", `${admin.slice(0, admin.lastIndexOf("."))}.${viewer.split(".")[2]}`)
  ]
}
