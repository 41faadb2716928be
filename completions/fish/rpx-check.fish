# fish completion for rpx-check

set -l verbs probe config status wait ready drain maint weight roll watch why
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c rpx-check -f

complete -c rpx-check -n "$none" -a probe -d 'check servers once, as the proxy would'
complete -c rpx-check -n "$none" -a config -d 'check every server of a configuration once'
complete -c rpx-check -n "$none" -a status -d 'tell what the running proxy thinks of its servers'
complete -c rpx-check -n "$none" -a wait -d 'wait until servers are as wanted'
complete -c rpx-check -n "$none" -a ready -d 'let servers take requests again'
complete -c rpx-check -n "$none" -a drain -d 'let servers finish and give them nothing new'
complete -c rpx-check -n "$none" -a maint -d 'take servers out for maintenance'
complete -c rpx-check -n "$none" -a weight -d 'change the weight of servers'
complete -c rpx-check -n "$none" -a roll -d 'work on servers one after the other'
complete -c rpx-check -n "$none" -a watch -d 'show servers and what becomes of them'
complete -c rpx-check -n "$none" -a why -d 'tell how servers came to be as they are'

complete -c rpx-check -s c -l config -r -F -d 'configuration file'
complete -c rpx-check -l socket -r -F -d 'control socket of the proxy'
complete -c rpx-check -s o -l output -x -a 'table json ndjson csv plain' -d 'how answers are written'
complete -c rpx-check -s q -l quiet -d 'only errors'
complete -c rpx-check -s v -l verbose -d 'tell more'
complete -c rpx-check -l color -x -a 'auto always never' -d colours
complete -c rpx-check -l no-progress -d 'no progress line on a terminal'
complete -c rpx-check -l timeout -x -d 'give up after this long'
complete -c rpx-check -s h -l help -d help
complete -c rpx-check -l version -d 'name and version'

complete -c rpx-check -n '__fish_seen_subcommand_from probe' -l tcp -d 'a connection is enough'
complete -c rpx-check -n '__fish_seen_subcommand_from probe' -l nagios -d 'as a monitoring plugin'
complete -c rpx-check -n '__fish_seen_subcommand_from config' -l nagios -d 'as a monitoring plugin'
complete -c rpx-check -n '__fish_seen_subcommand_from status' -l nagios -d 'as a monitoring plugin'
complete -c rpx-check -n '__fish_seen_subcommand_from status' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from wait' -l for -x -a 'healthy unhealthy' -d 'what to wait for'
complete -c rpx-check -n '__fish_seen_subcommand_from wait' -l count -x -d 'how many servers'
complete -c rpx-check -n '__fish_seen_subcommand_from wait' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from ready' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from drain' -l for -x -d 'ready again after this long'
complete -c rpx-check -n '__fish_seen_subcommand_from drain' -l force -d 'even the last server'
complete -c rpx-check -n '__fish_seen_subcommand_from drain' -l wait -d 'return when it has finished'
complete -c rpx-check -n '__fish_seen_subcommand_from drain' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from maint' -l for -x -d 'ready again after this long'
complete -c rpx-check -n '__fish_seen_subcommand_from maint' -l force -d 'even the last server'
complete -c rpx-check -n '__fish_seen_subcommand_from maint' -l wait -d 'return when it has finished'
complete -c rpx-check -n '__fish_seen_subcommand_from maint' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from weight' -l set -x -d '1 to 65535'
complete -c rpx-check -n '__fish_seen_subcommand_from weight' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from roll' -l upstream -x -d 'all servers of this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from roll' -l exec -x -a '(__fish_complete_subcommand --fcs-skip=3)' -d 'run a command for each server'
complete -c rpx-check -n '__fish_seen_subcommand_from watch' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from why' -l upstream -x -d 'only this upstream'
complete -c rpx-check -n '__fish_seen_subcommand_from probe' -l interval -x -d 'again and again'
complete -c rpx-check -n '__fish_seen_subcommand_from config' -l interval -x -d 'again and again'
