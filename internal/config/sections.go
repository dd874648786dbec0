package config

// The sections hold one field for each setting; their tags are the one source
// of the documentation:
//
//	name        the variable, checked by a test against what envconfig reads
//	default     what an unset variable means, read by envconfig itself
//	derived     the same in words, where it depends on something
//	doc         what it is for
//	credential  the systemd credential that may take the place of a file
//	secret      the file's contents are a secret
//	oneof       the words that are allowed
//	min, max    bounds of numbers and durations; of a path or a file's contents the most bytes
//
// No field has an envconfig tag: with one, the name without KIOSK_ would be read too.
type sections struct {
	server    serverSection
	request   requestSection
	delivery  deliverySection
	enrolment enrolmentSection
	shop      shopSection
	device    deviceSection
}

// each gives the sections in the order of the documentation.
func (s *sections) each() []any {
	return []any{&s.server, &s.request, &s.delivery, &s.enrolment, &s.shop, &s.device}
}

type serverSection struct {
	Issuer           issuer `name:"KIOSK_ISSUER" doc:"issuer URL; https, or http on a loopback address only"`
	ClientID         token  `name:"KIOSK_CLIENT_ID" split_words:"true" doc:"the device's client identifier at the authorization server"`
	ClientAuth       word   `name:"KIOSK_CLIENT_AUTH" split_words:"true" derived:"private_key_jwt if there is a key, else client_secret_basic" oneof:"private_key_jwt client_secret_basic client_secret_post tls_client_auth self_signed_tls_client_auth" doc:"how the device authenticates itself to the authorization server"`
	ClientSecretFile file   `name:"KIOSK_CLIENT_SECRET_FILE" split_words:"true" credential:"client-secret" secret:"true" doc:"file with the client secret"`
	ClientKeyFile    file   `name:"KIOSK_CLIENT_KEY_FILE" split_words:"true" credential:"client-key" secret:"true" doc:"file with the client key: PEM (PKCS#8, SEC1) or JWK; for mutual TLS the key of the certificate"`
	ClientCertFile   file   `name:"KIOSK_CLIENT_CERT_FILE" split_words:"true" credential:"client-cert" doc:"PEM chain for mutual TLS; read at start: reload or restart after renewing it"`
	CAFile           file   `name:"KIOSK_CA_FILE" split_words:"true" max:"1048576" derived:"system roots" doc:"PEM bundle that replaces the system roots for the authorization server, the lookup and the API"`
	Profile          name   `name:"KIOSK_PROFILE" derived:"by discovery, else generic" doc:"quirks of a server as data: generic, auth0, keycloak, node-oidc-provider, …"`
}

type requestSection struct {
	Scope                scopes         `name:"KIOSK_SCOPE" default:"openid profile" doc:"scopes asked for; openid must be among them"`
	Audience             printable      `name:"KIOSK_AUDIENCE" doc:"the access token's audience (Auth0 style)"`
	Resource             resource       `name:"KIOSK_RESOURCE" doc:"resource indicator (RFC 8707): the API that the access token is for"`
	ACRValues            tokens         `name:"KIOSK_ACR_VALUES" split_words:"true" doc:"authentication context classes, asked for and then checked"`
	AuthorizationDetails jsonList       `name:"KIOSK_AUTHORIZATION_DETAILS" split_words:"true" doc:"authorization details (RFC 9396), a JSON array; an answer that grants more is refused"`
	Identifier           word           `name:"KIOSK_IDENTIFIER" default:"text" oneof:"text email phone number" doc:"what the customer types; decides keypad, mask and checks"`
	LoginHint            hintPattern    `name:"KIOSK_LOGIN_HINT" split_words:"true" default:"{identifier}" doc:"pattern over {identifier} and {issuer}; iss_sub stands for Auth0's JSON form with the identifier as its subject, iss_sub:auth0|{identifier} for the same with a pattern for the subject"`
	LookupURL            endpoint       `name:"KIOSK_LOOKUP_URL" split_words:"true" doc:"endpoint that turns what people know into what the server needs: POST {\"identifier\": \"…\"}, answer {\"login_hint\": \"…\", \"sub\": \"…\"}"`
	SubjectClaim         token          `name:"KIOSK_SUBJECT_CLAIM" split_words:"true" derived:"sub for iss_sub or a lookup; email or phone_number for those identifiers; else preferred_username or sub, whichever equals the hint" doc:"the claim that must equal what was asked for; none switches the check off"`
	BindingMessage       bindingPattern `name:"KIOSK_BINDING_MESSAGE" split_words:"true" default:"{code}" doc:"pattern over {code} and {site}, shown on the phone; fitted to the profile's alphabet and length"`
	RequestedExpiry      seconds        `name:"KIOSK_REQUESTED_EXPIRY" split_words:"true" default:"120" min:"1" max:"3600" doc:"seconds asked for; what the server answers counts"`
}

type deliverySection struct {
	Delivery       word   `name:"KIOSK_DELIVERY" default:"poll" oneof:"poll ping push" doc:"how the answer comes: poll, or ping, where the server says at an address of this device that it is ready"`
	PingListen     listen `name:"KIOSK_PING_LISTEN" split_words:"true" doc:"with ping: host:port that the server's ping is taken at, over TLS; any path"`
	PingCertFile   file   `name:"KIOSK_PING_CERT_FILE" split_words:"true" doc:"with ping: PEM chain of that address"`
	PingKeyFile    file   `name:"KIOSK_PING_KEY_FILE" split_words:"true" secret:"true" doc:"with ping: PEM key of that address"`
	SignedRequest  flag   `name:"KIOSK_SIGNED_REQUEST" split_words:"true" default:"false" doc:"sign the authentication request with the client key"`
	DPOP           flag   `name:"KIOSK_DPOP" default:"false" doc:"sender-constrain the access token (RFC 9449)"`
	DeviceClientID token  `name:"KIOSK_DEVICE_CLIENT_ID" split_words:"true" doc:"client for the device grant (RFC 8628): the QR code for people without an enrolled phone; empty means that road is not offered"`
}

type enrolmentSection struct {
	BootstrapClientID token  `name:"KIOSK_BOOTSTRAP_CLIENT_ID" split_words:"true" doc:"public client by which a technician signs in on their phone to let this device register itself (device grant); only while it has no registration"`
	BootstrapScope    scopes `name:"KIOSK_BOOTSTRAP_SCOPE" split_words:"true" default:"openid" doc:"scopes asked of that sign-in"`
	TechnicianClaim   claim  `name:"KIOSK_TECHNICIAN_CLAIM" split_words:"true" doc:"claim that makes a technician, as roles=kiosk-technician; behind a leading / a JSON pointer, as /realm_access/roles=kiosk-technician: whoever carries it gets the menu of the device (Ctrl-T or five taps in the upper left corner of the screen, then their own approval); empty means there is none"`
	TechnicianScope   scopes `name:"KIOSK_TECHNICIAN_SCOPE" split_words:"true" derived:"those of KIOSK_SCOPE that stand for claims: openid, profile, email, phone, address" doc:"scopes asked of technicians; what is for the API (audience, resource, authorization details) is not asked of them"`
}

type shopSection struct {
	ApiURL        endpoint  `name:"KIOSK_API_URL" split_words:"true" doc:"protected resource fetched after approval; without it the verified claims are shown"`
	ResultLayout  file      `name:"KIOSK_RESULT_LAYOUT" split_words:"true" derived:"built in" doc:"file: the first line is the title, each further line label: text; {/json/pointer} (RFC 6901) reads the API's answer, {claims:/name} the verified claims, * as a step repeats the line for each element; a line whose pointer finds nothing is left out"`
	Site          printable `name:"KIOSK_SITE" derived:"host name" doc:"shown to customers, staff and in the binding message"`
	Open          hours     `name:"KIOSK_OPEN" derived:"always" doc:"when anybody is served, by the device's local time: days and times as in Mo-Fr 08:00-20:00, Sa 09:00-18:00; a visit that has begun is finished; while the time is not known it is open"`
	Languages     languages `name:"KIOSK_LANGUAGES" default:"en" doc:"comma-separated, of de, en, es, fr, it, nl, pl, pt; the first is the default"`
	Theme         name      `name:"KIOSK_THEME" default:"dark" doc:"dark, light, mono, high-contrast, deuteranopia (red and green, protanopia too) or tritanopia (blue and yellow)"`
	Keypad        word      `name:"KIOSK_KEYPAD" default:"auto" oneof:"auto always never" doc:"the keypad on the screen: auto brings it up for whoever touches the screen or presses an arrow key"`
	Touch         word      `name:"KIOSK_TOUCH" default:"auto" oneof:"auto off 90 180 270" doc:"touch screens and mice on a bare console (/dev/input): a number says by how many degrees the panel is turned clockwise"`
	Font          path      `name:"KIOSK_FONT" derived:"a complete one, if that which is loaded is not" doc:"console font (PSF) that is loaded at the start, completed with half blocks; keep leaves the console's own"`
	BlankAfter    span      `name:"KIOSK_BLANK_AFTER" split_words:"true" min:"10s" max:"24h" doc:"how long a screen that nobody uses stays lit; the first key or touch then brings light and nothing else, a scan begins a visit; empty is for ever"`
	Sound         flag      `name:"KIOSK_SOUND" default:"false" doc:"the terminal's bell: once when the phone rings, twice for an approval, three times when time runs out, four times for an ending without a result"`
	Mirror        path      `name:"KIOSK_MIRROR" max:"107" doc:"Unix socket on which a braille line or a speech program hears every screen as lines of text; 0660; empty means off"`
	ReadyLink     link      `name:"KIOSK_READY_LINK" split_words:"true" doc:"address shown as a QR code on the ready screen"`
	IdleTimeout   span      `name:"KIOSK_IDLE_TIMEOUT" split_words:"true" default:"60s" min:"1s" max:"1h" doc:"before the question whether the customer is still there"`
	ResultTimeout span      `name:"KIOSK_RESULT_TIMEOUT" split_words:"true" default:"30s" min:"1s" max:"1h" doc:"how long the result stays without a key"`
}

type deviceSection struct {
	StateDir      path   `name:"KIOSK_STATE_DIR" split_words:"true" default:"./state" doc:"folder of the store, where systemd's $STATE_DIRECTORY does not name one"`
	Socket        path   `name:"KIOSK_SOCKET" max:"107" derived:"$RUNTIME_DIRECTORY/kiosk.sock, else in the state directory" doc:"local socket of the resident kiosk: status, support, headless visits; 0660, group kiosk"`
	Retention     span   `name:"KIOSK_RETENTION" default:"720h" min:"1h" max:"87600h" doc:"visits on record are pruned after this"`
	StoreKeyFile  file   `name:"KIOSK_STORE_KEY_FILE" split_words:"true" credential:"store-key" secret:"true" derived:"made on first start, 0600, beside the store" doc:"key that seals what is personal"`
	GuardPerson   rate   `name:"KIOSK_GUARD_PERSON" split_words:"true" default:"3/10m" doc:"requests per person and time, growing pauses after refusals"`
	GuardDevice   rate   `name:"KIOSK_GUARD_DEVICE" split_words:"true" default:"30/10m" doc:"requests per device and time"`
	MetricsListen nearby `name:"KIOSK_METRICS_LISTEN" split_words:"true" doc:"loopback address for Prometheus metrics; empty means off"`
	LogLevel      level  `name:"KIOSK_LOG_LEVEL" split_words:"true" default:"info" doc:"debug, info, warn or error; logs are structured and free of personal data at every level"`
}
