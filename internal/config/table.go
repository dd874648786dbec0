package config

import (
	"reflect"
)

// Setting is the documentation of one variable.
type Setting struct {
	Name       string `json:"name"`
	Default    string `json:"default,omitempty"`    // the value that an unset variable means
	Derived    string `json:"derived,omitempty"`    // the same in words, where it depends on something
	Doc        string `json:"doc"`                  // what it is for
	Credential string `json:"credential,omitempty"` // systemd credential that may take its place
}

// Row is one setting as it is at present, for `kiosk config show`.
type Row struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // secrets are never in it: of a file it is the path
	Origin string `json:"origin"`
	// Origin is "default", "environment" (with another variable's name behind it
	// where that one counts), "credential NAME", "file PATH:LINE", "derived", or
	// empty where there is no value.
	Doc        string `json:"doc"`
	Default    string `json:"default,omitempty"` // Setting's Default or Derived
	Credential string `json:"credential,omitempty"`
}

// field is a section's field as the package sees it.
type field struct {
	Setting
	tag  reflect.StructTag
	cell interface{ base() *cell }
}

// fields lists all settings in the order of the documentation.
func (s *sections) fields() []field {
	var all []field
	for _, section := range s.each() {
		v := reflect.ValueOf(section).Elem()
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			all = append(all, field{
				Setting: Setting{
					Name: tag.Get("name"), Default: tag.Get("default"), Derived: tag.Get("derived"),
					Doc: tag.Get("doc"), Credential: tag.Get("credential"),
				},
				tag:  tag,
				cell: v.Field(i).Addr().Interface().(interface{ base() *cell }),
			})
		}
	}
	return all
}

// Doc lists every setting there is, in the order of the documentation.
func Doc() []Setting {
	var s sections
	var all []Setting
	for _, f := range s.fields() {
		all = append(all, f.Setting)
	}
	return all
}
