# fish completion for rpx-block

set -l verbs add del ls test import export merge prune stats watch log undo simulate
set -l none "not __fish_seen_subcommand_from $verbs"
set -l adds '__fish_seen_subcommand_from add import'

complete -c rpx-block -f

complete -c rpx-block -n "$none" -a add -d 'block addresses or prefixes'
complete -c rpx-block -n "$none" -a del -d 'take entries out again'
complete -c rpx-block -n "$none" -a ls -d 'list what is blocked'
complete -c rpx-block -n "$none" -a test -d 'tell whether an address is blocked'
complete -c rpx-block -n "$none" -a import -d 'add all entries of a list'
complete -c rpx-block -n "$none" -a export -d 'write the list for others'
complete -c rpx-block -n "$none" -a merge -d 'say the same in the fewest entries'
complete -c rpx-block -n "$none" -a prune -d 'take out entries that have run out'
complete -c rpx-block -n "$none" -a stats -d 'count entries and hits'
complete -c rpx-block -n "$none" -a watch -d 'show edits and bans as they happen'
complete -c rpx-block -n "$none" -a log -d 'list the edits there were'
complete -c rpx-block -n "$none" -a undo -d 'take the last edit back'
complete -c rpx-block -n "$none" -a simulate -d 'tell whom of an access log the list would refuse'

complete -c rpx-block -s c -l config -r -F -d 'configuration file'
complete -c rpx-block -l socket -r -F -d 'control socket of the proxy'
complete -c rpx-block -l file -r -F -d 'work on this file, without a proxy'
complete -c rpx-block -l offline -d 'work on the files of the configuration'
complete -c rpx-block -s o -l output -x -a 'table json ndjson csv plain' -d 'how answers are written'
complete -c rpx-block -s q -l quiet -d 'only errors'
complete -c rpx-block -s v -l verbose -d 'tell more'
complete -c rpx-block -l color -x -a 'auto always never' -d colours
complete -c rpx-block -l no-progress -d 'no progress line on a terminal'
complete -c rpx-block -l timeout -x -d 'give up after this long'
complete -c rpx-block -s h -l help -d help
complete -c rpx-block -l version -d 'name and version'

complete -c rpx-block -n "$adds" -l for -x -d 'for this long'
complete -c rpx-block -n "$adds" -l reason -x -d 'why'
complete -c rpx-block -n "$adds" -l force -d 'even when it locks out somebody who matters'
complete -c rpx-block -n '__fish_seen_subcommand_from import' -F
complete -c rpx-block -n '__fish_seen_subcommand_from export' -l as -x -a 'plain aggregate ipset nftables json csv' -d 'form'
complete -c rpx-block -n '__fish_seen_subcommand_from merge' -l yes -d 'do it'
complete -c rpx-block -n '__fish_seen_subcommand_from simulate' -l list -r -F -d 'a list to try'
complete -c rpx-block -n '__fish_seen_subcommand_from undo' -l bans -d 'take back what rules banned'
