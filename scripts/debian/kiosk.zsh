#compdef kiosk
# Completion of kiosk for zsh, generated from its help by make docs.
local -a verbs words_of_verb
if (( CURRENT == 2 )); then
	verbs=(
		'run:shows the customer'"'"'s screen, visit after visit'
		'login:plays one visit without a screen, for scripts and headless devices'
		'provision:makes the device key, registers the device, writes the settings'
		'doctor:checks everything that a visit depends on and says what to do'
		'status:asks the running kiosk how it is'
		'service:takes the device out of service and back; reloads the settings'
		'config:checks the settings, or shows each with its origin'
		'journal:lists, shows, verifies, exports and prunes the visits on record'
		'support:writes a bundle for remote help, without secrets'
		'console:locks and unlocks the console (root)'
		'version:prints version, commit, Go version and target'
	)
	_describe verb verbs
	return
fi
case ${words[CURRENT-1]} in
*-file|--tty|--saved|--out|--from) _files; return ;;
esac
case ${words[2]} in
	run) words_of_verb=(--headless --desk --tty --env-file -h) ;;
	login) words_of_verb=(--json --env-file -h) ;;
	provision) words_of_verb=(--from --manual --client-id --ping-url --again --rotate-key --json --env-file -h) ;;
	doctor) words_of_verb=(--json --qr --panel-height-mm --distance-mm --tty --env-file -h) ;;
	status) words_of_verb=(--json --wait-idle --limit --env-file -h) ;;
	service) words_of_verb=(off on reload --for --env-file -h) ;;
	config) words_of_verb=(check show --json --env-file -h) ;;
	journal) words_of_verb=(export list prune show verify --json --limit --key-file --older-than --env-file -h) ;;
	support) words_of_verb=(--out --env-file -h) ;;
	console) words_of_verb=(lock unlock --tty --saved -h) ;;
	version) words_of_verb=(--json -h) ;;
esac
compadd -- $words_of_verb
