# Completion of kiosk for bash, generated from its help by make docs.
_kiosk() {
	local words verb=${COMP_WORDS[1]} now=${COMP_WORDS[COMP_CWORD]}
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "run login provision doctor status service config journal support console version " -- "$now")
		return
	fi
	case $verb in
	run) words="--headless --desk --tty --env-file -h" ;;
	login) words="--json --env-file -h" ;;
	provision) words="--from --manual --client-id --ping-url --again --rotate-key --json --env-file -h" ;;
	doctor) words="--json --qr --panel-height-mm --distance-mm --tty --env-file -h" ;;
	status) words="--json --wait-idle --limit --env-file -h" ;;
	service) words="off on reload --for --env-file -h" ;;
	config) words="check show --json --env-file -h" ;;
	journal) words="export list prune show verify --json --limit --key-file --older-than --env-file -h" ;;
	support) words="--out --env-file -h" ;;
	console) words="lock unlock --tty --saved -h" ;;
	version) words="--json -h" ;;
	*) words= ;;
	esac
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	*-file | --tty | --saved | --out | --from) mapfile -t COMPREPLY < <(compgen -f -- "$now") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$now") ;;
	esac
}
complete -F _kiosk kiosk
