package config

import (
	"fmt"
	"reflect"
	"strings"
)

// What the field types accept: in errors, and in the documents.
const (
	issuerAllowed    = "an https address without query and fragment; http only for a loopback address"
	endpointAllowed  = "an https address without fragment; http only for a loopback address"
	linkAllowed      = "an http or https address of at most 300 characters"
	resourceAllowed  = "an absolute URI without fragment (RFC 8707)"
	tokenAllowed     = "visible ASCII characters without spaces, at most 512"
	tokensAllowed    = "words of visible ASCII characters, separated by spaces"
	textAllowed      = "a text of at most 512 bytes"
	nameAllowed      = "a name of a to z, 0 to 9 and -, at most 32 characters"
	scopesAllowed    = "scopes separated by spaces; openid must be one of them"
	jsonListAllowed  = "a JSON array of objects with a type (RFC 9396)"
	claimAllowed     = "a claim and its value, such as roles=kiosk-technician"
	colourAllowed    = "a colour such as #ff8800"
	flagAllowed      = "true or false"
	levelAllowed     = "debug, info, warn, error"
	hintAllowed      = "words with {identifier} and perhaps {issuer}; or iss_sub; or iss_sub: and such words"
	bindingAllowed   = "words with {code} and perhaps {site}"
	hoursAllowed     = "days and times, such as Mo-Fr 08:00-20:00, Sa 09:00-18:00; several times of a day are several parts"
	rateAllowed      = "number/duration, such as 3/10m: a number from 1 to 1000, a duration from 1s to 24h"
	welcomeAllowed   = "a text, or texts by language: en: Collect your parcel | de: Paket abholen; at most 60 characters each"
	languagesAllowed = "language codes separated by commas, such as en,de: each once, at most sixteen"
	listenAllowed    = "host:port"
	loopbackAllowed  = "a loopback address with a port, such as 127.0.0.1:9100"
	pathAllowed      = "a path"
	fileAllowed      = "the path of a file that the kiosk's user can read"
	privateAllowed   = "the path of a file that only the kiosk's user can read (chmod 600)"
)

var allowedValues = map[reflect.Type]string{
	reflect.TypeFor[issuer]():          issuerAllowed,
	reflect.TypeFor[endpoint]():        endpointAllowed,
	reflect.TypeFor[link]():            linkAllowed,
	reflect.TypeFor[resource]():        resourceAllowed,
	reflect.TypeFor[token]():           tokenAllowed,
	reflect.TypeFor[tokens]():          tokensAllowed,
	reflect.TypeFor[freeText]():        textAllowed,
	reflect.TypeFor[shortName]():       nameAllowed,
	reflect.TypeFor[scopes]():          scopesAllowed,
	reflect.TypeFor[jsonList]():        jsonListAllowed,
	reflect.TypeFor[claimValue]():      claimAllowed,
	reflect.TypeFor[rgb]():             colourAllowed,
	reflect.TypeFor[flag]():            flagAllowed,
	reflect.TypeFor[level]():           levelAllowed,
	reflect.TypeFor[hintPattern]():     hintAllowed,
	reflect.TypeFor[bindingPattern]():  bindingAllowed,
	reflect.TypeFor[hours]():           hoursAllowed,
	reflect.TypeFor[rate]():            rateAllowed,
	reflect.TypeFor[welcome]():         welcomeAllowed,
	reflect.TypeFor[languages]():       languagesAllowed,
	reflect.TypeFor[listenAddress]():   listenAllowed,
	reflect.TypeFor[loopbackAddress](): loopbackAllowed,
	reflect.TypeFor[algorithms]():      "of " + strings.Join(signatureAlgorithms, ", "),
}

// allowed returns the valid values of a field: the tag allowed, the words or the range of its tags, or what its type accepts.
func allowed(f reflect.StructField) string {
	tag := f.Tag
	switch {
	case tag.Get("allowed") != "":
		return tag.Get("allowed")
	case tag.Get("oneof") != "":
		return "one of " + strings.Join(strings.Fields(tag.Get("oneof")), ", ")
	case tag.Get("min") != "" && tag.Get("max") != "":
		return fmt.Sprintf("%s to %s", tag.Get("min"), tag.Get("max"))
	case f.Type == reflect.TypeFor[file]() && tag.Get("secret") != "":
		return privateAllowed
	case f.Type == reflect.TypeFor[file]():
		return fileAllowed
	case f.Type == reflect.TypeFor[path]() && tag.Get("max") != "":
		return fmt.Sprintf("a path of at most %s bytes", tag.Get("max"))
	case f.Type == reflect.TypeFor[path]():
		return pathAllowed
	}
	return allowedValues[f.Type]
}
