# fish completion for rpx-cache

set -l verbs stats ls show explain purge
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c rpx-cache -f

complete -c rpx-cache -n "$none" -a stats -d 'tell what is stored, and what it has been good for'
complete -c rpx-cache -n "$none" -a ls -d 'list what is stored'
complete -c rpx-cache -n "$none" -a show -d 'show the stored replies to an URL'
complete -c rpx-cache -n "$none" -a explain -d 'tell what a GET would get now, rule by rule'
complete -c rpx-cache -n "$none" -a purge -d 'take objects out'

complete -c rpx-cache -s c -l config -r -F -d 'configuration file'
complete -c rpx-cache -l socket -r -F -d 'control socket of the proxy'
complete -c rpx-cache -s o -l output -x -a 'table json ndjson csv plain' -d 'how answers are written'
complete -c rpx-cache -s q -l quiet -d 'only errors'
complete -c rpx-cache -s v -l verbose -d 'tell more'
complete -c rpx-cache -l color -x -a 'auto always never' -d colours
complete -c rpx-cache -l no-progress -d 'no progress line on a terminal'
complete -c rpx-cache -l timeout -x -d 'give up after this long'
complete -c rpx-cache -s h -l help -d help
complete -c rpx-cache -l version -d 'name and version'

complete -c rpx-cache -n '__fish_seen_subcommand_from stats' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l prefix -x -d 'URLs that begin so'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l host -x -d 'those of this host'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l tag -x -d 'those with this tag'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l state -x -a 'fresh stale purged' -d 'those in this state'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l sort -x -a 'url age left size hits' -d 'what comes first'
complete -c rpx-cache -n '__fish_seen_subcommand_from ls' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from show' -l body -d 'the body and nothing else'
complete -c rpx-cache -n '__fish_seen_subcommand_from show' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from explain' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l prefix -x -d 'URLs that begin so'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l host -x -d 'those of this host'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l tag -x -d 'those with this tag'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l all -d everything
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l soft -d 'mark as stale'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l dry-run -d 'change nothing'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l yes -d 'do it'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l cache -x -d 'only this cache'
