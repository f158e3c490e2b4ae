// A credential's whole life by Adyen's Node SDK. Arguments: the API's address, and the file of the provisioning key.
const assert = require("node:assert");
const fs = require("node:fs");
const { Client, EnvironmentEnum, ManagementAPI } = require("@adyen/api-library");

const [url, keyFile] = process.argv.slice(2);
const ROLE = "Management API - API credentials read and write";
const COMPANY = "TestCompany";

function signedIn(apiKey) {
  const api = new ManagementAPI(new Client({ apiKey, environment: EnvironmentEnum.TEST }));
  return (name) => Object.assign(api[name], { baseUrl: url });
}

async function main() {
  const admin = signedIn(fs.readFileSync(keyFile, "utf8").trim());
  const credentials = admin("APICredentialsCompanyLevelApi");
  const created = await credentials.createApiCredential(COMPANY, { description: "node", roles: [ROLE] });
  assert.strictEqual((await credentials.getApiCredential(COMPANY, created.id)).username, created.username);
  const listed = await credentials.listApiCredentials(COMPANY);
  assert.ok(listed.data.some((each) => each.id === created.id));
  const roles = [ROLE, "Management API - Stores read"];
  const updated = await credentials.updateApiCredential(COMPANY, created.id, { roles });
  assert.deepStrictEqual([...updated.roles].sort(), roles);
  const domain = "https://shop.example";
  const origin = await admin("AllowedOriginsCompanyLevelApi").createAllowedOrigin(COMPANY, created.id, { domain });
  assert.strictEqual(origin.domain, domain);
  const { apiKey } = await admin("APIKeyCompanyLevelApi").generateNewApiKey(COMPANY, created.id);
  assert.notStrictEqual(apiKey, created.apiKey);
  const own = signedIn(apiKey)("MyAPICredentialApi");
  assert.strictEqual((await own.getApiCredentialDetails()).id, created.id);
  const after = await credentials.updateApiCredential(COMPANY, created.id, { active: false });
  assert.strictEqual(after.active, false);
  await assert.rejects(own.getApiCredentialDetails(), { statusCode: 401 });
  console.log("done");
}

main();
