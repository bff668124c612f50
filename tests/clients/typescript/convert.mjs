// Converts the published Swagger 2.0 document to OpenAPI 3: node convert.mjs FROM TO
import { readFileSync, writeFileSync } from "node:fs";
import { upgradeFromTwoToThree } from "@scalar/openapi-upgrader/2.0-to-3.0";

const [from, to] = process.argv.slice(2);
const document = upgradeFromTwoToThree(JSON.parse(readFileSync(from, "utf8")));
// The host of a Swagger document is the one that was asked; a client names its own.
document.servers = [{ url: "/" }];
// The converter writes the statuses of an operation in numeric order and the head last.
const { openapi, info, servers, ...rest } = document;
writeFileSync(to, JSON.stringify({ openapi, info, servers, ...rest }, null, 1) + "\n");
