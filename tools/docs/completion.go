package main

import (
	"fmt"
	"strings"
)

// singleQuoted returns text as one word of zsh or fish. Help texts contain no backslash.
func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'" }

// zshCompletion returns a completion function for zsh.
func zshCompletion(verbs []verb) string {
	var names, cases strings.Builder
	for _, v := range verbs {
		fmt.Fprintf(&names, "\t\t%s\n", singleQuoted(v.name+":"+v.about))
		fmt.Fprintf(&cases, "\t%s) words=(%s) ;;\n", v.name, strings.Join(append(v.commands(), append(v.flags(), "-h")...), " "))
	}
	return "#compdef kiosk\n# Completion of kiosk for zsh, generated from its help by make docs.\n" +
		"local -a verbs words_of_verb\nif (( CURRENT == 2 )); then\n\tverbs=(\n" + names.String() + "\t)\n\t_describe verb verbs\n\treturn\nfi\n" +
		"case ${words[CURRENT-1]} in\n*-file|--tty|--saved|--out|--from) _files; return ;;\nesac\n" +
		"case ${words[2]} in\n" + strings.ReplaceAll(cases.String(), " words=(", " words_of_verb=(") + "esac\ncompadd -- $words_of_verb\n"
}

// fishCompletion returns the completions for fish.
func fishCompletion(verbs []verb) string {
	var b strings.Builder
	b.WriteString("# Completion of kiosk for fish, generated from its help by make docs.\ncomplete -c kiosk -f\n")
	for _, v := range verbs {
		fmt.Fprintf(&b, "complete -c kiosk -n __fish_use_subcommand -a %s -d %s\n", v.name, singleQuoted(v.about))
		seen := "-n '__fish_seen_subcommand_from " + v.name + "'"
		if c := v.commands(); len(c) > 0 {
			fmt.Fprintf(&b, "complete -c kiosk %s -a '%s'\n", seen, strings.Join(c, " "))
		}
		for _, f := range v.flags() {
			files := ""
			if strings.HasSuffix(f, "-file") || f == "--tty" || f == "--saved" || f == "--out" || f == "--from" {
				files = " -r -F"
			}
			fmt.Fprintf(&b, "complete -c kiosk %s -l %s%s\n", seen, strings.TrimPrefix(f, "--"), files)
		}
	}
	return b.String()
}
