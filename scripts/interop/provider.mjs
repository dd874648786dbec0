// An independent OpenID Provider (npm oidc-provider) with CIBA enabled, to test the kiosk's client against another reading
// of the specifications. For tests on one machine only: loopback address, secrets in this file, everything in memory.
//
//   node provider.mjs --port 0 [--expires 60] [--keys DIR] [--resource URI] [--ping URL] [--tls]
//
//   --port      port of the provider; 0 picks a free one
//   --expires   maximum lifetime of a backchannel authentication request in seconds
//   --keys      folder for kiosk-jwt.pem (0600), the private key of the client kiosk-jwt, made at every start
//   --resource  enables resource indicators (RFC 8707) with this resource
//   --tls       https with the features of features.mjs; certificates and keys go to the folder of --keys
//   --ping      adds the client kiosk-ping with this https notification endpoint
//
// Prints one JSON line when it listens: {"issuer", "port", "control"}, and with --tls "mtls", the origin of the endpoints
// for clients with a certificate. SIGTERM and SIGINT end it with code 0.
//
// Clients, all for CIBA in poll mode, ID tokens in two algorithms:
//   kiosk-basic   client_secret_basic, ES256; its secret needs form encoding (RFC 6749 section 2.3.1)
//   kiosk-post    client_secret_post, RS256, the same secret
//   kiosk-jwt     private_key_jwt with ES256; ID tokens ES256
//   kiosk-device  public, device grant (RFC 8628) only
//   kiosk-bootstrap  the same, for technicians: its access token allows one registration (RFC 7591, RFC 7592)
// and the clients of features.mjs, and dynamically registered ones.
//
// People: alice, bob, carol, erin, frank, tom (a technician) and dora (user code 4711). A login hint is the name, the email
// address, the phone number or the sub.
//
// Control, on a second port (member "control" of the line), JSON answers:
//   POST /approve?user=alice                 approve the newest open request of that person (404: none)
//   POST /deny?user=alice                    decline it
//        both accept &user_code=ABCD-EFGH    the same for a device request
//   POST /auto?mode=approve|deny|none&delay=1   answer later requests automatically after that many seconds;
//        accepts &user=alice                 for that person only; precedes the general rule
//   GET  /requests                           calls of the two CIBA endpoints, oldest first
//   GET  /api/customer                       a protected resource for bearer tokens of this provider
//
// Node's keep-alive timeout stays at its default. It closes an idle connection after 5 s, CIBA's default interval, or about
// a second later, depending on the version. A client that polls on a kept connection must handle that.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as extra from './features.mjs';

// Standard output has only the JSON line. The library's warnings at the start (development settings, old Node release)
// would hide the output of a failing test.
console.info = () => {};
console.warn = () => {};
const { default: Provider, errors } = await import('oidc-provider');

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    expires: { type: 'string', default: '60' },
    keys: { type: 'string' },
    resource: { type: 'string' },
    ping: { type: 'string' },
    tls: { type: 'boolean', default: false },
  },
});
const port = wholeNumber('--port', args.port, 0, 65535);
const longestLife = wholeNumber('--expires', args.expires, 1, 600);

const host = '127.0.0.1';
const ciba = 'urn:openid:params:grant-type:ciba';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const secret = 'p@ss w:rd/+%';
const keptRequests = 2000; // the oldest are dropped first, so that a long soak needs no more memory

// The subject differs from the name, so that a client that compares the wrong claim fails.
const people = [
  person('u-1001', 'alice', 'Alice', 'Anders', '+441632960001'),
  person('u-1002', 'bob', 'Bob', 'Brown', '+441632960002'),
  person('u-1003', 'carol', 'Carol', 'Clark', '+441632960003'),
  person('u-1005', 'erin', 'Erin', 'Evans', '+441632960005'),
  person('u-1007', 'frank', 'Frank', 'Fisher', '+441632960007'),
  person('u-1006', 'tom', 'Tom', 'Taylor', '+441632960006', ['staff', 'kiosk-technician']),
  { ...person('u-1004', 'dora', 'Dora', 'Duval', '+441632960004'), userCode: '4711' },
];

const requests = []; // answered by GET /requests
const connections = new WeakMap(); // socket -> number, to see a client reuse connections
let connectionCount = 0;
let open = []; // unanswered backchannel authentication requests, oldest first
let auto = { mode: 'none', delay: 0 };
const autoOf = new Map(); // the same by person

if (args.tls) {
  mkdirSync(args.keys, { recursive: true, mode: 0o700 });
  extra.makeCertificates(args.keys);
}

// The issuer contains the port, so the server listens before the provider exists.
const front = await listen(port, args.tls ? createSecureServer(extra.serverOptions(args.keys, false)) : createServer());
const issuer = `${args.tls ? 'https' : 'http'}://${host}:${front.address().port}`;
const certified = args.tls ? await listen(0, createSecureServer(extra.serverOptions(args.keys, true))) : undefined;
const mtls = certified && `https://${host}:${certified.address().port}`;
const provider = makeProvider();
front.on('request', provider.callback());
certified?.on('request', provider.callback());

const control = await listen(0, createServer());
control.on('request', (req, res) => {
  controlAnswer(req).then(
    ({ status = 200, headers = {}, body }) => {
      res.writeHead(status, { 'content-type': 'application/json', ...headers });
      res.end(`${JSON.stringify(body)}\n`);
    },
    (err) => {
      console.error(err);
      res.writeHead(500, { 'content-type': 'application/json' });
      res.end('{"error":"control failed"}\n');
    },
  );
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    for (const server of [front, control, certified].filter(Boolean)) {
      server.close();
      server.closeAllConnections();
    }
    process.exit(0);
  });
}

console.log(JSON.stringify({
  issuer,
  mtls,
  port: front.address().port,
  control: `http://${host}:${control.address().port}`,
}));

function makeProvider() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const made = new Provider(issuer, {
    jwks: {
      keys: [
        { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'rs', alg: 'RS256', use: 'sig' },
        { ...ec.privateKey.export({ format: 'jwk' }), kid: 'es', alg: 'ES256', use: 'sig' },
      ],
    },
    clients: clients(),
    clientDefaults: { redirect_uris: [], response_types: [], grant_types: [ciba] },
    ...(args.tls && { clientAuthMethods: extra.authMethods, discovery: { mtls_endpoint_aliases: extra.aliases(mtls) } }),
    cookies: { keys: [randomUUID()] },
    acrValues: ['phone'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale'],
      email: ['email', 'email_verified'],
      phone: ['phone_number', 'phone_number_verified'],
      staff: ['realm_access'],
    },
    conformIdTokenClaims: false, // claims of the granted scopes are in the ID token too, not only in UserInfo
    findAccount: (ctx, sub) => people.find((p) => p.accountId === sub),
    ttl: {
      BackchannelAuthenticationRequest: (ctx) => Math.min(
        longestLife,
        Number(ctx?.oidc?.params.requested_expiry ?? longestLife),
      ),
      DeviceCode: longestLife,
      AccessToken: 600,
      IdToken: 600,
      Grant: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      deviceFlow: { enabled: true },
      registration: { enabled: true }, // restricted by checkInitialToken
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      ciba: {
        enabled: true,
        deliveryModes: ['poll', 'ping'],
        processLoginHint: async (ctx, hint) => people.find((p) => p.hints.includes(hint))?.accountId,
        processLoginHintToken: async () => undefined,
        validateRequestContext: async () => {},
        verifyUserCode: async (ctx, { accountId }, userCode) => {
          const { userCode: right } = people.find((p) => p.accountId === accountId);
          if (right === undefined || right === userCode) return;
          throw userCode === undefined ? new errors.MissingUserCode() : new errors.InvalidUserCode();
        },
        triggerAuthenticationDevice,
      },
      ...(args.tls && extra.features),
      resourceIndicators: {
        enabled: args.resource !== undefined,
        useGrantedResource: async () => false, // the poll must name it too (RFC 8707 section 2.2)
        getResourceServerInfo: async (ctx, resource) => {
          if (resource !== args.resource) throw new errors.InvalidTarget();
          return { scope: 'openid profile email phone', audience: resource, accessTokenFormat: 'opaque' };
        },
      },
    },
    // By default the library refuses to call loopback addresses, where the pings go.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  });
  made.use(checkInitialToken);
  made.use(record);
  made.on('server_error', (ctx, err) => console.error(err));
  return made;
}

function clients() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (args.keys !== undefined) {
    mkdirSync(args.keys, { recursive: true, mode: 0o700 });
    const file = join(args.keys, 'kiosk-jwt.pem');
    rmSync(file, { force: true }); // the mode applies to new files only
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  }
  const poll = { backchannel_token_delivery_mode: 'poll', backchannel_user_code_parameter: true };
  const list = [{
    ...poll,
    client_id: 'kiosk-basic',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
  }, {
    ...poll,
    client_id: 'kiosk-post',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'RS256',
  }, {
    ...poll,
    client_id: 'kiosk-jwt',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'kiosk-jwt', alg: 'ES256', use: 'sig' }] },
    id_token_signed_response_alg: 'ES256',
  }, {
    client_id: 'kiosk-device',
    token_endpoint_auth_method: 'none',
    grant_types: [deviceGrant],
    id_token_signed_response_alg: 'ES256',
  }, {
    client_id: 'kiosk-bootstrap',
    token_endpoint_auth_method: 'none',
    grant_types: [deviceGrant],
    id_token_signed_response_alg: 'ES256',
  }];
  if (args.tls) list.push(...extra.clients(args.keys, secret));
  if (args.ping !== undefined) {
    list.push({
      client_id: 'kiosk-ping',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: args.ping,
    });
  }
  return list;
}

// Roles are in the claim that Keycloak uses.
function person(sub, name, given, family, phone, roles = []) {
  const claims = {
    sub,
    preferred_username: name,
    name: `${given} ${family}`,
    given_name: given,
    family_name: family,
    locale: 'en',
    email: `${name}@example.com`,
    email_verified: true,
    phone_number: phone,
    phone_number_verified: true,
    realm_access: { roles },
  };
  return {
    accountId: sub,
    user: name,
    given,
    hints: [name, claims.email, phone, sub],
    claims: async () => claims,
  };
}

// checkInitialToken demands an initial access token for registration: the access token of a person who signed in with
// kiosk-bootstrap, valid once (RFC 7591 section 3).
const used = new Set();
async function checkInitialToken(ctx, next) {
  if (ctx.method !== 'POST' || ctx.path !== '/reg') return next();
  const value = /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('authorization'))?.[1];
  const token = value && await provider.AccessToken.find(value);
  if (token?.clientId !== 'kiosk-bootstrap' || used.has(value)) {
    ctx.status = 401;
    ctx.set('www-authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token' };
    return undefined;
  }
  used.add(value);
  return next();
}

// record lists calls of the two CIBA endpoints with their time of arrival and answer.
async function record(ctx, next) {
  const time = new Date().toISOString();
  const { socket } = ctx.req;
  if (!connections.has(socket)) connections.set(socket, connectionCount += 1);
  await next();
  const { route, params, client, entities } = ctx.oidc ?? {};
  if (route !== 'backchannel_authentication' && route !== 'token') return;
  const entry = {
    time,
    endpoint: route,
    connection: connections.get(socket),
    client_id: client?.clientId,
    status: ctx.status,
    error: ctx.body?.error,
    auth_req_id: params?.auth_req_id,
  };
  if (route === 'token') {
    entry.grant_type = params?.grant_type;
  } else {
    Object.assign(entry, {
      auth_req_id: ctx.body?.auth_req_id,
      expires_in: ctx.body?.expires_in,
      user: people.find((p) => p.accountId === entities?.Account?.accountId)?.user,
      scope: params?.scope,
      login_hint: params?.login_hint,
      binding_message: params?.binding_message,
      requested_expiry: params?.requested_expiry,
    });
  }
  requests.push(entry);
  if (requests.length > keptRequests) requests.shift();
}

// The provider acknowledges only after this function returns, so the automatic answer comes later.
async function triggerAuthenticationDevice(ctx, request, account) {
  const waiting = { id: request.jti, user: account.user, ends: Date.now() + request.expiration * 1000 };
  open = [...open.filter((w) => w.ends > Date.now()), waiting];
  const { mode, delay } = autoOf.get(account.user) ?? auto;
  if (mode === 'none') return;
  setTimeout(() => answer(waiting, mode === 'approve').catch((err) => console.error(err)), delay * 1000).unref();
}

// answer answers an open request; it returns false if the request is no longer open.
async function answer(waiting, yes) {
  const at = open.indexOf(waiting);
  if (at < 0) return false;
  open.splice(at, 1);
  const request = await provider.BackchannelAuthenticationRequest.find(waiting.id);
  if (!request) return false;
  if (!yes) {
    await provider.backchannelResult(request, new errors.AccessDenied('the person declined'));
    return true;
  }
  const grant = await grantFor(request.accountId, request.clientId, request.scope);
  await provider.backchannelResult(request, grant, {
    acr: 'phone', amr: ['mfa'], authTime: Math.floor(Date.now() / 1000),
  });
  return true;
}

async function grantFor(accountId, clientId, scope) {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  if (args.resource !== undefined) grant.addResourceScope(args.resource, scope);
  await grant.save();
  return grant;
}

// answerDevice answers a device request in place of the library's page, which needs a browser.
async function answerDevice(userCode, { accountId }, yes) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replace(/[^a-z0-9]/gi, '').toUpperCase());
  if (!code || code.accountId || code.error) return false;
  if (yes) {
    const { scope } = code.params;
    const { jti } = await grantFor(accountId, code.clientId, scope);
    Object.assign(code, { accountId, grantId: jti, scope, authTime: Math.floor(Date.now() / 1000) });
  } else {
    code.error = 'access_denied';
  }
  await code.save();
  return true;
}

async function controlAnswer(req) {
  const { pathname, searchParams: query } = new URL(req.url, issuer);
  const bad = (status, error) => ({ status, body: { error } });
  switch (`${req.method} ${pathname}`) {
    case 'POST /approve':
    case 'POST /deny': {
      const yes = pathname === '/approve';
      const account = people.find((p) => p.user === query.get('user'));
      if (!account) return bad(400, 'user must be alice, bob, carol, dora, erin, frank or tom');
      if (query.has('user_code')) {
        const done = await answerDevice(query.get('user_code'), account, yes);
        return done ? { body: { answered: 1 } } : bad(404, 'no such open code');
      }
      const waiting = open.findLast((w) => w.user === account.user && w.ends > Date.now());
      const done = waiting && await answer(waiting, yes);
      return done ? { body: { answered: 1, auth_req_id: waiting.id } } : bad(404, 'no open request');
    }
    case 'POST /auto': {
      const mode = query.get('mode');
      const delay = /^(\d+(?:\.\d+)?)s?$/.exec(query.get('delay') ?? '0');
      if (!['approve', 'deny', 'none'].includes(mode) || !delay) {
        return bad(400, 'mode must be approve, deny or none, and delay a number of seconds');
      }
      const rule = { mode, delay: Number(delay[1]) };
      if (query.has('user')) autoOf.set(query.get('user'), rule);
      else auto = rule;
      return { body: rule };
    }
    case 'GET /requests':
      return { body: requests };
    case 'GET /api/customer':
      return customer(req.headers.authorization ?? '');
    default:
      return bad(404, 'no such address');
  }
}

// customer is the protected resource; its errors follow RFC 6750 section 3.
async function customer(authorization) {
  const value = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
  if (!value) return { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: { error: 'no token' } };
  const token = await provider.AccessToken.find(value);
  const account = token && people.find((p) => p.accountId === token.accountId);
  if (!account || token.isSenderConstrained()) {
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' };
    return { status: 401, headers, body: { error: 'invalid_token' } };
  }
  return { body: { title: `Welcome, ${account.given}`, points: 42 } };
}

function listen(number, server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(number, host, () => resolve(server));
  });
}

function wholeNumber(name, text, least, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  console.error(`provider.mjs: ${name} must be a whole number from ${least} to ${most}`);
  process.exit(2);
}
