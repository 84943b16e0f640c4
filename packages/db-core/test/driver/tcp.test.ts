import { driverSuite } from "./suite.ts"

driverSuite("tcp")
