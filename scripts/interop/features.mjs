// Further client features for provider.mjs --tls: client certificates (RFC 8705), DPoP with nonces (RFC 9449) and signed
// authentication requests (CIBA section 7.1.1).
//
// Certificates are made by openssl, since Node.js can read but not make them.

import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// makeCertificates writes to a folder: ca.crt; .pem and .crt of server, kiosk-tls and kiosk-self-signed; the keys
// kiosk-signed.pem and kiosk-signed-rsa.pem.
export function makeCertificates(dir) {
  const at = (name) => join(dir, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const key = (name) => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${name}.pem`));
  const own = (name, ...more) => openssl('req', '-x509', '-new', '-key', at(`${name}.pem`), '-subj', `/CN=${name}`, '-days', '60', ...more);
  for (const name of ['ca', 'server', 'kiosk-tls', 'kiosk-self-signed', 'kiosk-signed']) key(name);
  own('ca', '-out', at('ca.crt'), '-addext', 'keyUsage=critical,keyCertSign');
  own('kiosk-self-signed', '-out', at('kiosk-self-signed.crt'));
  const issued = { server: 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth', 'kiosk-tls': 'extendedKeyUsage=clientAuth' };
  for (const [name, extensions] of Object.entries(issued)) {
    writeFileSync(at(`${name}.ext`), extensions);
    openssl('req', '-new', '-key', at(`${name}.pem`), '-subj', `/CN=${name}`, '-out', at(`${name}.csr`));
    openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.crt'), '-CAkey', at('ca.pem'), '-CAcreateserial',
      '-days', '60', '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`));
  }
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', at('kiosk-signed-rsa.pem'));
  for (const name of ['kiosk-tls', 'kiosk-self-signed', 'kiosk-signed', 'kiosk-signed-rsa']) chmodSync(at(`${name}.pem`), 0o600);
}

// serverOptions are options for node:https. With certificates, the server requests a client certificate and accepts any;
// the features below check it.
export function serverOptions(dir, certificates) {
  const read = (name) => readFileSync(join(dir, name));
  return { key: read('server.pem'), cert: read('server.crt'), ca: read('ca.crt'), requestCert: certificates, rejectUnauthorized: false };
}

// aliases are the endpoints for clients with a certificate, at another origin, since the issuer's requests none (RFC 8705
// section 5). All other endpoints remain at the issuer.
export function aliases(origin) {
  return {
    backchannel_authentication_endpoint: `${origin}/backchannel`,
    token_endpoint: `${origin}/token`,
    revocation_endpoint: `${origin}/token/revocation`,
  };
}

const certificate = (ctx) => {
  const peer = ctx.socket.getPeerCertificate?.();
  return peer?.raw ? new X509Certificate(peer.raw) : undefined;
};

// features are added to the provider's features.
export const features = {
  requestObjects: { enabled: true },
  mTLS: {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: (ctx) => certificate(ctx)?.toString(),
    certificateAuthorized: (ctx) => ctx.socket.authorized,
    certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn'
      && certificate(ctx)?.subject === expected,
  },
  dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
};

export const authMethods = [
  'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none', 'tls_client_auth', 'self_signed_tls_client_auth',
];

// clients are added to the provider's clients. kiosk-signed and kiosk-signed-rsa must sign their requests; the tokens of
// the others are bound to a certificate or a DPoP key.
export function clients(dir, secret) {
  const jwk = (name, more) => ({
    ...createPublicKey(createPrivateKey(readFileSync(join(dir, `${name}.pem`)))).export({ format: 'jwk' }), use: 'sig', ...more,
  });
  const poll = { backchannel_token_delivery_mode: 'poll', id_token_signed_response_alg: 'ES256' };
  return [{
    ...poll,
    client_id: 'kiosk-tls',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=kiosk-tls',
    tls_client_certificate_bound_access_tokens: true,
  }, {
    ...poll,
    client_id: 'kiosk-self-signed',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    tls_client_certificate_bound_access_tokens: true,
    jwks: {
      keys: [jwk('kiosk-self-signed', {
        kid: 'self', x5c: [new X509Certificate(readFileSync(join(dir, 'kiosk-self-signed.crt'))).raw.toString('base64')],
      })],
    },
  }, {
    ...poll,
    client_id: 'kiosk-dpop',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    dpop_bound_access_tokens: true,
  }, {
    ...poll,
    client_id: 'kiosk-signed',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    backchannel_authentication_request_signing_alg: 'ES256',
    jwks: { keys: [jwk('kiosk-signed', { kid: 'ec' })] },
  }, {
    ...poll,
    client_id: 'kiosk-signed-rsa',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    backchannel_authentication_request_signing_alg: 'PS256',
    dpop_bound_access_tokens: true,
    jwks: { keys: [jwk('kiosk-signed-rsa', { kid: 'rsa' })] },
  }];
}
