import { driverSuite } from "./suite.ts"

driverSuite("neon")
