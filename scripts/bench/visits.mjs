// The other half of the comparison: npm openid-client runs visits one after another with its own CIBA poll loop. Like the
// kiosk, it verifies the ID token's signature and revokes the tokens. Takes the variables of internal/app/bench_test.go.
import { readFileSync, writeFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import * as client from 'openid-client';

const { BENCH_ISSUER, BENCH_VISITS, BENCH_APART, BENCH_USER, BENCH_KEY, BENCH_OUT } = process.env;
const visits = Number(BENCH_VISITS);
const der = createPrivateKey(readFileSync(BENCH_KEY)).export({ type: 'pkcs8', format: 'der' });
const key = await crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);

const config = await client.discovery(new URL(BENCH_ISSUER), 'kiosk-jwt', { id_token_signed_response_alg: 'ES256' }, client.PrivateKeyJwt(key));
client.enableNonRepudiationChecks(config);
const result = { cpu_ms: 0, all_ms: 0, rss_kib: 0, done_ms: [] };
let before;
for (let i = 0; i <= visits; i++) {
  if (i === 1) {
    before = process.cpuUsage();
    result.done_ms = [];
  }
  await new Promise((resolve) => { setTimeout(resolve, Number(BENCH_APART) * 1000); });
  const request = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid profile', login_hint: BENCH_USER, binding_message: 'ABC-DEF', requested_expiry: '120',
  });
  const tokens = await client.pollBackchannelAuthenticationGrant(config, request);
  result.done_ms.push(performance.timeOrigin + performance.now());
  if (!tokens.claims()?.sub) {
    throw new Error('no ID token');
  }
  await client.tokenRevocation(config, tokens.refresh_token ?? tokens.access_token);
}
const spent = process.cpuUsage(before);
result.cpu_ms = (spent.user + spent.system) / 1000 / visits;
const all = process.cpuUsage();
result.all_ms = (all.user + all.system) / 1000 / (visits + 1);
result.rss_kib = Math.round(process.memoryUsage.rss() / 1024);
writeFileSync(BENCH_OUT, `${JSON.stringify(result)}\n`);
