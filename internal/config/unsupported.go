package config

// unsupported lists values that the contract defines and this version lacks. They are rejected, so that no operator
// relies on them.
var unsupported = []struct {
	setting string
	value   string // empty: every value
	why     string // empty: notInThisVersion
}{
	{"KIOSK_DELIVERY", "push", "push is refused: the server would send tokens to the device unasked, which FAPI-CIBA forbids"},
}

const notInThisVersion = "is not offered by this version"

// rejectUnsupported rejects a value that this version does not support.
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
