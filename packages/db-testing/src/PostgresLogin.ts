/** Logs into a real Postgres as a client, with whatever method it asks for, and stops at the first ReadyForQuery. */
import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto"
import * as net from "node:net"
import { promisify } from "node:util"
import { type ErrorFields, FrameReader, int32, message, parseError, startupMessage, typeOf } from "./Wire.ts"

export interface PostgresAddress {
  readonly host: string
  readonly port: number
}

export interface LoggedIn {
  readonly socket: net.Socket
  /** ParameterStatus, BackendKeyData and ReadyForQuery, as they came. */
  readonly greeting: ReadonlyArray<Buffer>
}

/** Postgres refused the login. */
export class LoginRefused extends Error {
  override readonly name = "LoginRefused"
  readonly fields: ErrorFields

  constructor(fields: ErrorFields) {
    super(fields.message)
    this.fields = fields
  }
}

const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest()
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest()
const md5 = (...parts: ReadonlyArray<string | Buffer>) => {
  const hash = createHash("md5")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

const scram = (password: string) => {
  const nonce = randomBytes(18).toString("base64")
  const bare = `n=,r=${nonce}`
  let expected = ""
  return {
    first: () => {
      const text = Buffer.from(`n,,${bare}`)
      return message("p", Buffer.from("SCRAM-SHA-256\0"), int32(text.length), text)
    },
    next: async (challenge: string) => {
      const field = (name: string) => challenge.split(",").find((part) => part.startsWith(`${name}=`))?.slice(2) ?? ""
      if (!field("r").startsWith(nonce)) throw new Error("SCRAM: the server's nonce does not begin with ours")
      const salted = await promisify(pbkdf2)(
        password.normalize("NFKC"),
        Buffer.from(field("s"), "base64"),
        Number(field("i")),
        32,
        "sha256"
      )
      const clientKey = hmac(salted, "Client Key")
      const proofless = `c=biws,r=${field("r")}`
      const signed = `${bare},${challenge},${proofless}`
      const signature = hmac(sha256(clientKey), signed)
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
      expected = hmac(hmac(salted, "Server Key"), signed).toString("base64")
      return message("p", Buffer.from(`${proofless},p=${proof.toString("base64")}`))
    },
    verify: (final: string) => {
      if (final !== `v=${expected}`) throw new Error("SCRAM: the server does not know the password either")
    }
  }
}

/** The messages that answer authentication requests, one call per request. */
const answers = (user: string, password: string) => {
  const exchange = scram(password)
  return async (body: Buffer): Promise<Buffer | undefined> => {
    const data = body.subarray(4)
    switch (body.readInt32BE(0)) {
      case 0:
        return undefined
      case 3:
        return message("p", Buffer.from(`${password}\0`))
      case 5:
        return message("p", Buffer.from(`md5${md5(md5(password, user), data)}\0`))
      case 10:
        return exchange.first()
      case 11:
        return exchange.next(data.toString())
      case 12:
        exchange.verify(data.toString())
        return undefined
      default:
        throw new Error(`Postgres asks for the login method ${body.readInt32BE(0)}, which is not supported here`)
    }
  }
}

/** Rejects with `LoginRefused` when Postgres says no, with the socket's error when it cannot be reached. */
export const logIn = async (
  address: PostgresAddress,
  parameters: Readonly<Record<string, string>>,
  password: string
): Promise<LoggedIn> => {
  // noDelay: Nagle and delayed acknowledgements together cost 40 ms per statement.
  const socket = net.connect({ ...address, noDelay: true })
  socket.on("error", () => {}) // the loop below tells it, or whoever gets the socket
  const reader = new FrameReader()
  const answer = answers(parameters["user"] ?? "", password)
  const greeting: Array<Buffer> = []
  const handle = async (frame: Buffer): Promise<boolean> => {
    const type = typeOf(frame)
    if (type === "E") throw new LoginRefused(parseError(frame.subarray(5)))
    if (type === "R") {
      const reply = await answer(frame.subarray(5))
      if (reply) socket.write(reply)
      return false
    }
    greeting.push(frame)
    return type === "Z"
  }
  try {
    socket.write(startupMessage(parameters))
    // `destroyOnReturn: false`: leaving this loop must not close the socket that is handed on.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      for (const frame of reader.push(chunk)) if (await handle(frame)) return { socket, greeting }
    }
    throw new Error("Postgres closed the connection during the login")
  } catch (error) {
    socket.destroy()
    throw error
  }
}
