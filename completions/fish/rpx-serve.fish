# fish completion for rpx-serve

set -l verbs run check reload stop upgrade status top routes config demo explain maintenance fault
set -l none "not __fish_seen_subcommand_from $verbs"
set -l runs "not __fish_seen_subcommand_from check reload stop upgrade status top routes config demo explain maintenance fault"

complete -c rpx-serve -f

complete -c rpx-serve -n "$none" -a run -d 'serve until told to stop'
complete -c rpx-serve -n "$none" -a check -d 'tell what is wrong with a configuration'
complete -c rpx-serve -n "$none" -a reload -d 'make the running proxy read its configuration again'
complete -c rpx-serve -n "$none" -a stop -d 'let the running proxy finish what it does and end'
complete -c rpx-serve -n "$none" -a upgrade -d 'start the program anew in the place of the running proxy'
complete -c rpx-serve -n "$none" -a status -d 'tell how the running proxy does'
complete -c rpx-serve -n "$none" -a routes -d 'list the routes of the running proxy'
complete -c rpx-serve -n "$none" -a config -d 'show the effective configuration, or write a first one'
complete -c rpx-serve -n "$none" -a demo -d 'show two built-in servers behind a proxy'
complete -c rpx-serve -n "$none" -a explain -d 'tell what would happen to a request'
complete -c rpx-serve -n "$none" -a top -d 'show what the running proxy is doing, live'
complete -c rpx-serve -n "$none" -a maintenance -d 'take a route out of service, or back'
complete -c rpx-serve -n "$none" -a fault -d 'change what goes wrong on purpose'

complete -c rpx-serve -s c -l config -r -F -d 'configuration file'
complete -c rpx-serve -l socket -r -F -d 'control socket of the proxy'
complete -c rpx-serve -s o -l output -x -a 'table json ndjson csv plain' -d 'how answers are written'
complete -c rpx-serve -s q -l quiet -d 'only errors'
complete -c rpx-serve -s v -l verbose -d 'tell more'
complete -c rpx-serve -l color -x -a 'auto always never' -d colours
complete -c rpx-serve -l no-progress -d 'no progress line on a terminal'
complete -c rpx-serve -l timeout -x -d 'give up after this long'
complete -c rpx-serve -s h -l help -d help
complete -c rpx-serve -l version -d 'name and version'

complete -c rpx-serve -n "$runs" -l listen -x -d 'listen here, without a file'
complete -c rpx-serve -n "$runs" -l to -x -d 'a server to hand requests to, without a file'
complete -c rpx-serve -n "$runs" -l set -x -d 'change one value of the configuration'
complete -c rpx-serve -n "$runs" -l ready-fd -x -d 'write the ready line to this descriptor'
complete -c rpx-serve -n "$runs" -l ready-file -r -F -d 'write the ready line to this file'
complete -c rpx-serve -n "$runs" -l keylog -r -F -d 'append the secrets of TLS connections'
complete -c rpx-serve -n "$runs" -l die-with-parent -d 'stop when the parent process ends'
complete -c rpx-serve -n "$runs" -l strict -d 'warnings of the configuration are errors'
complete -c rpx-serve -n "$runs" -l exec -x -a '(__fish_complete_subcommand --fcs-skip=2)' -d 'run a command beside the proxy'

complete -c rpx-serve -n '__fish_seen_subcommand_from check' -F
complete -c rpx-serve -n '__fish_seen_subcommand_from check' -l set -x -d 'change one value first'
complete -c rpx-serve -n '__fish_seen_subcommand_from check' -l strict -d 'warnings are errors'

complete -c rpx-serve -n '__fish_seen_subcommand_from stop' -l grace -x -d 'let requests finish this long'
complete -c rpx-serve -n '__fish_seen_subcommand_from stop' -l no-wait -d 'return once the stop has begun'

complete -c rpx-serve -n '__fish_seen_subcommand_from config' -F
complete -c rpx-serve -n '__fish_seen_subcommand_from config' -l set -x -d 'change one value first'
complete -c rpx-serve -n '__fish_seen_subcommand_from config' -l init -d 'write a commented file to begin with'
complete -c rpx-serve -n '__fish_seen_subcommand_from config' -l force -d 'with --init, write over a file that is there'
complete -c rpx-serve -n '__fish_seen_subcommand_from config' -l running -d 'ask the running proxy'

complete -c rpx-serve -n '__fish_seen_subcommand_from demo' -l listen -x -d 'where the proxy listens'
complete -c rpx-serve -n '__fish_seen_subcommand_from demo' -l once -d 'end after the requests'
complete -c rpx-serve -n '__fish_seen_subcommand_from explain' -s H -l header -x -d 'a header field of the request'
complete -c rpx-serve -n '__fish_seen_subcommand_from explain' -l client -x -d 'address of the client'
complete -c rpx-serve -n '__fish_seen_subcommand_from explain' -l leaks -d 'fetch the URL, and tell what tells on the servers'
complete -c rpx-serve -n '__fish_seen_subcommand_from top' -l interval -x -d 'between two looks'
complete -c rpx-serve -n '__fish_seen_subcommand_from top' -s n -l count -x -d 'looks, then the end'
