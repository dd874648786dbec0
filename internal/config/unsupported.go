package config

// A setting that the contract has and this version does not: it is refused, so
// that nobody believes it to work. Whoever builds one of them deletes its row.
var unsupported = []struct {
	setting string
	value   string // empty: any value but the default
	why     string // empty: notYet
}{
	{"KIOSK_DELIVERY", "push", "push is refused: tokens would be delivered to the device unasked, and FAPI-CIBA forbids it"},
}

const notInThisVersion = "is not offered by this version"

// rejectUnsupported keeps the problem of a setting that asks for something unbuilt.
func rejectUnsupported(f entry) {
	c := f.field.base()
	value := c.text
	switch v := f.field.(type) {
	case *flag:
		value = map[bool]string{true: "true", false: "false"}[v.on]
	case *file:
		if value == "" {
			value = v.read.Path // a credential counts too
		}
	}
	for _, n := range unsupported {
		if n.setting != f.Name || value == "" || n.value != "" && n.value != value {
			continue
		}
		why := n.why
		if why == "" {
			why = notInThisVersion
		}
		c.reject("", "%s", why)
		c.suggestion = ""
	}
}
