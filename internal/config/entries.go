package config

import "reflect"

// Setting documents one setting.
type Setting struct {
	Name       string `json:"name"`
	Group      string `json:"group"`                // heading in the documents
	Default    string `json:"default,omitempty"`    // the value of an unset variable
	Derived    string `json:"derived,omitempty"`    // the same in words if it depends on something
	Doc        string `json:"doc"`                  // meaning
	Allowed    string `json:"allowed,omitempty"`    // valid values: words, a range, or a form
	Credential string `json:"credential,omitempty"` // systemd credential that can replace the file
}

// Row is a setting with its effective value, as `kiosk config show` prints it.
type Row struct {
	Name  string `json:"name"`
	Value string `json:"value"` // never a secret; of a file, its path
	// Origin is "default", "environment" (followed by another variable's name if that one counts), "credential NAME",
	// "file PATH:LINE", "derived", or empty without a value.
	Origin     string `json:"origin"`
	Doc        string `json:"doc"`
	Default    string `json:"default,omitempty"` // Setting's Default or Derived
	Credential string `json:"credential,omitempty"`
}

// entry is a setting with its field in a section.
type entry struct {
	Setting
	tag   reflect.StructTag
	field interface{ base() *field }
}

// fields returns all settings in the order of the documents.
func (s *sections) fields() []entry {
	var all []entry
	for _, section := range s.each() {
		v := reflect.ValueOf(section.fields).Elem()
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			all = append(all, entry{
				Setting: Setting{
					Name: tag.Get("name"), Group: section.group, Default: tag.Get("default"), Derived: tag.Get("derived"),
					Doc: tag.Get("doc"), Allowed: allowed(v.Type().Field(i)), Credential: tag.Get("credential"),
				},
				tag:   tag,
				field: v.Field(i).Addr().Interface().(interface{ base() *field }),
			})
		}
	}
	return all
}

// Doc returns the documentation of all settings, in the order of the documents.
func Doc() []Setting {
	var s sections
	var all []Setting
	for _, f := range s.fields() {
		all = append(all, f.Setting)
	}
	return all
}
