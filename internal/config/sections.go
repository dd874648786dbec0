package config

// sections has one field for each setting. The fields' tags are the source of all documentation:
//
//	name        the variable; a test compares it with what envconfig reads
//	default     the value of an unset variable; envconfig reads it, too
//	derived     the same in words if it depends on something
//	doc         the meaning, with its unit
//	credential  the systemd credential that can replace the file
//	secret      whether the file's contents are a secret
//	oneof       the allowed words
//	allowed     the valid values in words, where neither the type nor another tag says them
//	min, max    range of a number or a duration; max is also the largest size of a path or a file in bytes
//
// No field has the tag envconfig: with it, envconfig would also read the name without KIOSK_.
type sections struct {
	server    serverSection
	request   requestSection
	delivery  deliverySection
	enrolment enrolmentSection
	screen    screenSection
	operation operationSection
}

// section is a group of settings. fields points to one of the structs below.
type section struct {
	group  string // heading in the documents
	fields any
}

// each returns the sections in the order of the documents.
func (s *sections) each() []section {
	return []section{
		{"Authorization server and client", &s.server},
		{"The request", &s.request},
		{"Delivery and protection", &s.delivery},
		{"Registration and technicians", &s.enrolment},
		{"Screen and result", &s.screen},
		{"Record, guard and operation", &s.operation},
	}
}

type serverSection struct {
	Issuer            issuer    `name:"KIOSK_ISSUER" doc:"issuer of the authorization server: an https URL, or http on a loopback address"`
	ClientID          token     `name:"KIOSK_CLIENT_ID" split_words:"true" doc:"client identifier of the device at the authorization server"`
	ClientAuth        choice    `name:"KIOSK_CLIENT_AUTH" split_words:"true" derived:"private_key_jwt if there is a key, else client_secret_basic" oneof:"private_key_jwt client_secret_basic client_secret_post tls_client_auth self_signed_tls_client_auth" doc:"how the device authenticates to the authorization server"`
	ClientSecretFile  file      `name:"KIOSK_CLIENT_SECRET_FILE" split_words:"true" credential:"client-secret" secret:"true" doc:"file with the client secret"`
	ClientKeyFile     file      `name:"KIOSK_CLIENT_KEY_FILE" split_words:"true" credential:"client-key" secret:"true" doc:"file with the client key: PEM (PKCS#8, SEC1) or JWK; for mutual TLS the key of the certificate"`
	ClientKeyID       token     `name:"KIOSK_CLIENT_KEY_ID" split_words:"true" derived:"kid of the JWK, else the key's thumbprint (RFC 7638)" doc:"kid of assertions and signed requests, by which the server finds the client key; none sends none"`
	ClientCertKeyFile file      `name:"KIOSK_CLIENT_CERT_KEY_FILE" split_words:"true" credential:"client-cert-key" secret:"true" derived:"KIOSK_CLIENT_KEY_FILE" doc:"file with the key of the certificate for mutual TLS, if it is not the client key"`
	ClientCertFile    file      `name:"KIOSK_CLIENT_CERT_FILE" split_words:"true" credential:"client-cert" doc:"file with the PEM chain for mutual TLS; read at start, so reload after a renewal"`
	CAFile            file      `name:"KIOSK_CA_FILE" split_words:"true" max:"1048576" derived:"system roots" doc:"PEM bundle that replaces the system roots for the authorization server, the lookup and the API"`
	Profile           shortName `name:"KIOSK_PROFILE" allowed:"the name of a profile in docs/servers.md" derived:"by discovery, else generic" doc:"name of the server profile, which contains what is particular to a server; docs/servers.md lists the profiles"`
}

type requestSection struct {
	Scope                scopes         `name:"KIOSK_SCOPE" default:"openid profile" doc:"scopes to request, separated by spaces; must contain openid"`
	Audience             freeText       `name:"KIOSK_AUDIENCE" doc:"audience of the access token (Auth0)"`
	Resource             resource       `name:"KIOSK_RESOURCE" doc:"resource indicator: the API for which the access token is requested (RFC 8707)"`
	ACRValues            tokens         `name:"KIOSK_ACR_VALUES" split_words:"true" doc:"authentication context classes to request, separated by spaces; the answer is checked"`
	AuthorizationDetails jsonList       `name:"KIOSK_AUTHORIZATION_DETAILS" split_words:"true" doc:"authorization details to request, a JSON array (RFC 9396); an answer that grants more is refused"`
	Identifier           choice         `name:"KIOSK_IDENTIFIER" default:"text" oneof:"text email phone number" doc:"what the customer types; selects keypad, mask and checks"`
	Identify             choice         `name:"KIOSK_IDENTIFY" default:"any" oneof:"any scan" doc:"how customers say who they are at the screen: any, or scan, which takes cards, codes and hint tokens from a scanner only, so that nobody can type another person's name"`
	LoginHint            hintPattern    `name:"KIOSK_LOGIN_HINT" split_words:"true" default:"{identifier}" doc:"pattern of the login hint over {identifier} and {issuer}; iss_sub is Auth0's JSON form with the identifier as subject, iss_sub:auth0|{identifier} the same with a pattern for the subject"`
	LookupURL            endpoint       `name:"KIOSK_LOOKUP_URL" split_words:"true" doc:"https endpoint that exchanges the identifier for the login hint: POST {\"identifier\": \"…\"}, answer {\"login_hint\": \"…\", \"sub\": \"…\"}"`
	SubjectClaim         token          `name:"KIOSK_SUBJECT_CLAIM" split_words:"true" derived:"sub for iss_sub or a lookup; email or phone_number for those identifiers; else preferred_username or sub, whichever equals the hint" doc:"claim of the ID token or UserInfo that must identify the person; none switches the check off"`
	BindingMessage       bindingPattern `name:"KIOSK_BINDING_MESSAGE" split_words:"true" default:"{code}" doc:"pattern of the binding message over {code} and {site}; fitted to the server's alphabet and length"`
	RequestedExpiry      seconds        `name:"KIOSK_REQUESTED_EXPIRY" split_words:"true" default:"120" min:"1" max:"3600" doc:"requested lifetime of a request in seconds; the server's answer decides"`
}

type deliverySection struct {
	Delivery       choice        `name:"KIOSK_DELIVERY" default:"poll" oneof:"poll ping" doc:"how the kiosk learns of an approval: with poll it asks the server, with ping the server notifies an address of this device"`
	PingListen     listenAddress `name:"KIOSK_PING_LISTEN" split_words:"true" doc:"with ping: host:port at which pings are received over TLS, with any path"`
	PingCertFile   file          `name:"KIOSK_PING_CERT_FILE" split_words:"true" doc:"with ping: PEM chain for that address"`
	PingKeyFile    file          `name:"KIOSK_PING_KEY_FILE" split_words:"true" secret:"true" doc:"with ping: PEM key for that address"`
	SignedRequest  flag          `name:"KIOSK_SIGNED_REQUEST" split_words:"true" default:"false" doc:"whether requests are signed with the client key"`
	DPOP           flag          `name:"KIOSK_DPOP" default:"false" doc:"whether access tokens are bound to a key of the visit (RFC 9449)"`
	IDTokenAlgs    algorithms    `name:"KIOSK_ID_TOKEN_ALGS" split_words:"true" default:"PS256 ES256 EdDSA RS256" doc:"accepted signature algorithms of ID tokens, separated by spaces; of these only those that the server publishes are accepted; FAPI allows PS256 and ES256"`
	DeviceClientID token         `name:"KIOSK_DEVICE_CLIENT_ID" split_words:"true" doc:"public client for the device flow (RFC 8628): a QR code for customers whose phone does not ring; empty switches the device flow off"`
}

type enrolmentSection struct {
	BootstrapClientID token      `name:"KIOSK_BOOTSTRAP_CLIENT_ID" split_words:"true" doc:"public client with which a technician signs in by phone, so that the device can register itself; used only while the device has no registration"`
	BootstrapScope    scopes     `name:"KIOSK_BOOTSTRAP_SCOPE" split_words:"true" default:"openid" doc:"scopes to request for that sign-in"`
	TechnicianClaim   claimValue `name:"KIOSK_TECHNICIAN_CLAIM" split_words:"true" doc:"claim that identifies technicians, such as roles=kiosk-technician, or with a JSON pointer /realm_access/roles=kiosk-technician; technicians can open a menu (Ctrl-T, or five taps in the upper left corner); empty switches the menu off"`
	TechnicianScope   scopes     `name:"KIOSK_TECHNICIAN_SCOPE" split_words:"true" derived:"the scopes in KIOSK_SCOPE that request claims: openid, profile, email, phone, address" doc:"scopes to request for technicians; audience, resource and authorization details are not requested for them"`
}

type screenSection struct {
	ApiURL        endpoint  `name:"KIOSK_API_URL" split_words:"true" doc:"https address of the API that is called after approval; without it the kiosk shows the validated claims"`
	ResultLayout  file      `name:"KIOSK_RESULT_LAYOUT" split_words:"true" derived:"built in" doc:"file with the layout of the result: the first line is the title, each further line label: text; {/json/pointer} (RFC 6901) reads the API's answer, {claims:/name} the claims, the step * repeats the line for each element; a line whose pointer finds nothing is left out; ! before the label marks what the customer came for, in the largest letters"`
	Site          freeText  `name:"KIOSK_SITE" derived:"host name" doc:"name of the place, shown to customers and in the binding message"`
	Open          hours     `name:"KIOSK_OPEN" derived:"always" doc:"opening hours in local time, such as Mo-Fr 08:00-20:00, Sa 09:00-18:00; closing time does not interrupt a visit; while the time is unknown, the device is open"`
	Languages     languages `name:"KIOSK_LANGUAGES" allowed:"of de, en, es, fr, it, nl, pl, pt, each once" default:"en" doc:"languages, separated by commas; the first is the default"`
	Theme         shortName `name:"KIOSK_THEME" allowed:"one of dark, light, mono, high-contrast, deuteranopia, tritanopia" default:"dark" doc:"colours; deuteranopia is for red and green (also protanopia), tritanopia for blue and yellow"`
	Logo          file      `name:"KIOSK_LOGO" max:"1048576" doc:"PNG picture of the owner, at most a million pixels, shown on the first screen and while the device is closed"`
	Welcome       welcome   `name:"KIOSK_WELCOME" doc:"headline of the first screen, such as Collect your parcel; by language: en: Collect your parcel | de: Paket abholen; at most 60 characters each"`
	Accent        rgb       `name:"KIOSK_ACCENT" derived:"the theme's" doc:"accent colour of the screens as #rrggbb; one that is not readable on the theme is refused with the nearest that is"`
	Keypad        choice    `name:"KIOSK_KEYPAD" default:"auto" oneof:"auto always never" doc:"when the screen shows a keypad; auto shows it after a touch or an arrow key"`
	Touch         choice    `name:"KIOSK_TOUCH" default:"auto" oneof:"auto off 90 180 270" doc:"touch screens and mice on a Linux console; a number is the clockwise rotation of the panel in degrees"`
	Font          path      `name:"KIOSK_FONT" allowed:"the path of a PSF font, perhaps compressed by gzip, or keep" derived:"a complete font if the present one is not" doc:"console font (PSF) to load, completed with half blocks; keep leaves the console's font"`
	BlankAfter    timespan  `name:"KIOSK_BLANK_AFTER" split_words:"true" min:"10s" max:"24h" doc:"time until an unused screen is blanked; the first key or touch only lights it, a scan begins a visit; empty never blanks it"`
	Sound         flag      `name:"KIOSK_SOUND" default:"false" doc:"whether the terminal's bell sounds: once when the phone rings, twice after approval, three times before the request expires, four times after an ending without a result"`
	Mirror        path      `name:"KIOSK_MIRROR" max:"107" doc:"path of a Unix socket (mode 0660) that sends every screen as lines of text, for braille and speech, to the group kiosk-mirror; empty is off"`
	ReadyLink     link      `name:"KIOSK_READY_LINK" split_words:"true" doc:"address that the first screen shows as a QR code"`
	IdleTimeout   timespan  `name:"KIOSK_IDLE_TIMEOUT" split_words:"true" default:"60s" min:"1s" max:"1h" doc:"time without input until the kiosk asks whether the customer is still there"`
	ResultTimeout timespan  `name:"KIOSK_RESULT_TIMEOUT" split_words:"true" default:"30s" min:"1s" max:"1h" doc:"the same time while a result is shown"`
}

type operationSection struct {
	StateDir      path            `name:"KIOSK_STATE_DIR" split_words:"true" derived:"/var/lib/kiosk for root and where the package is installed, else ./state" doc:"directory of the record; $STATE_DIRECTORY, which systemd sets, overrides it"`
	Socket        path            `name:"KIOSK_SOCKET" max:"107" derived:"$RUNTIME_DIRECTORY/kiosk.sock, else /run/kiosk/kiosk.sock with /var/lib/kiosk, else in the state directory" doc:"path of the local socket of the running kiosk (mode 0660, group kiosk): status, service, headless visits"`
	Retention     timespan        `name:"KIOSK_RETENTION" default:"720h" min:"1h" max:"87600h" doc:"age at which visits are removed from the record"`
	StoreKeyFile  file            `name:"KIOSK_STORE_KEY_FILE" split_words:"true" credential:"store-key" secret:"true" derived:"store.key in the state directory, made on first start" doc:"file with the key that encrypts personal data in the record"`
	GuardPerson   rate            `name:"KIOSK_GUARD_PERSON" split_words:"true" default:"3/10m" doc:"limit of requests for one person, as number/duration; after requests that were not approved, pauses grow"`
	GuardDevice   rate            `name:"KIOSK_GUARD_DEVICE" split_words:"true" default:"30/10m" doc:"limit of requests of this device, as number/duration"`
	MetricsListen loopbackAddress `name:"KIOSK_METRICS_LISTEN" split_words:"true" doc:"loopback address at which Prometheus reads metrics; empty is off"`
	LogLevel      level           `name:"KIOSK_LOG_LEVEL" split_words:"true" default:"info" doc:"least severe log level; no level contains personal data"`
}
