/** A login, as it is sent. */
import { json, type Sending } from "../Wire.ts"

export const login = (email: string, password: string, headers: Sending["headers"] = []): Sending => ({
  method: "POST",
  target: "/api/auth/login",
  ...json({ email, password }, headers)
})
