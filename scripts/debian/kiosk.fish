# Completion of kiosk for fish, generated from its help by make docs.
complete -c kiosk -f
complete -c kiosk -n __fish_use_subcommand -a run -d 'shows the customer'"'"'s screen, visit after visit'
complete -c kiosk -n '__fish_seen_subcommand_from run' -l headless
complete -c kiosk -n '__fish_seen_subcommand_from run' -l desk
complete -c kiosk -n '__fish_seen_subcommand_from run' -l tty -r -F
complete -c kiosk -n '__fish_seen_subcommand_from run' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a login -d 'plays one visit without a screen, for scripts and headless devices'
complete -c kiosk -n '__fish_seen_subcommand_from login' -l json
complete -c kiosk -n '__fish_seen_subcommand_from login' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a provision -d 'makes the device key, registers the device, writes the settings'
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l from -r -F
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l manual
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l client-id
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l ping-url
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l again
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l rotate-key
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l json
complete -c kiosk -n '__fish_seen_subcommand_from provision' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a doctor -d 'checks everything that a visit depends on and says what to do'
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l json
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l qr
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l panel-height-mm
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l distance-mm
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l tty -r -F
complete -c kiosk -n '__fish_seen_subcommand_from doctor' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a status -d 'asks the running kiosk how it is'
complete -c kiosk -n '__fish_seen_subcommand_from status' -l json
complete -c kiosk -n '__fish_seen_subcommand_from status' -l wait-idle
complete -c kiosk -n '__fish_seen_subcommand_from status' -l limit
complete -c kiosk -n '__fish_seen_subcommand_from status' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a service -d 'takes the device out of service and back; reloads the settings'
complete -c kiosk -n '__fish_seen_subcommand_from service' -a 'off on reload'
complete -c kiosk -n '__fish_seen_subcommand_from service' -l for
complete -c kiosk -n '__fish_seen_subcommand_from service' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a config -d 'checks the settings, or shows each with its origin'
complete -c kiosk -n '__fish_seen_subcommand_from config' -a 'check show'
complete -c kiosk -n '__fish_seen_subcommand_from config' -l json
complete -c kiosk -n '__fish_seen_subcommand_from config' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a journal -d 'lists, shows, verifies, exports and prunes the visits on record'
complete -c kiosk -n '__fish_seen_subcommand_from journal' -a 'export list prune show verify'
complete -c kiosk -n '__fish_seen_subcommand_from journal' -l json
complete -c kiosk -n '__fish_seen_subcommand_from journal' -l limit
complete -c kiosk -n '__fish_seen_subcommand_from journal' -l key-file -r -F
complete -c kiosk -n '__fish_seen_subcommand_from journal' -l older-than
complete -c kiosk -n '__fish_seen_subcommand_from journal' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a support -d 'writes a bundle for remote help, without secrets'
complete -c kiosk -n '__fish_seen_subcommand_from support' -l out -r -F
complete -c kiosk -n '__fish_seen_subcommand_from support' -l env-file -r -F
complete -c kiosk -n __fish_use_subcommand -a console -d 'locks and unlocks the console (root)'
complete -c kiosk -n '__fish_seen_subcommand_from console' -a 'lock unlock'
complete -c kiosk -n '__fish_seen_subcommand_from console' -l tty -r -F
complete -c kiosk -n '__fish_seen_subcommand_from console' -l saved -r -F
complete -c kiosk -n __fish_use_subcommand -a version -d 'prints version, commit, Go version and target'
complete -c kiosk -n '__fish_seen_subcommand_from version' -l json
