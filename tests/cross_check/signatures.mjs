// What the libraries that shops and receivers use say of our signatures, and what they sign themselves.
// node signatures.mjs FOLDER < {"shopify": {…}, "standard": {…}}   FOLDER holds node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
require("@shopify/shopify-api/adapters/node");
const { shopifyApi, ApiVersion } = require("@shopify/shopify-api");
const { createSHA256HMAC } = require("@shopify/shopify-api/runtime");
const { Webhook } = require("standardwebhooks");

const asked = JSON.parse(readFileSync(0, "utf8"));

async function shopify({ secret, body, headers }) {
  const api = shopifyApi({
    apiKey: "key", apiSecretKey: secret, apiVersion: Object.values(ApiVersion)[0], scopes: [], hostName: "shop.example",
    isEmbeddedApp: false, logger: { log: () => {} },
  });
  const valid = async (rawBody) =>
    (await api.webhooks.validate({ rawBody, rawRequest: { method: "POST", url: "/hooks", headers }, rawResponse: {} })).valid;
  return { ours: await valid(body), changed: await valid(`${body} `), theirs: await createSHA256HMAC(secret, body) };
}

function standard({ secret, body, headers }) {
  const verifier = new Webhook(secret);
  const valid = (text) => {
    try {
      verifier.verify(text, headers);
      return true;
    } catch {
      return false;
    }
  };
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
  return { ours: valid(body), changed: valid(body.replace("}", " }")), theirs: verifier.sign(headers["webhook-id"], at, body) };
}

console.log(JSON.stringify({ shopify: await shopify(asked.shopify), standard: standard(asked.standard) }));
