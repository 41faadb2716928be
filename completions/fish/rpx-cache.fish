# fish completion for rpx-cache

set -l verbs stats ls show explain purge warm watch verify export import simulate
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c rpx-cache -f

complete -c rpx-cache -n "$none" -a stats -d 'tell what is stored, and what it has been good for'
complete -c rpx-cache -n "$none" -a ls -d 'list what is stored'
complete -c rpx-cache -n "$none" -a show -d 'show the stored replies to an URL'
complete -c rpx-cache -n "$none" -a explain -d 'tell what a GET would get now, rule by rule'
complete -c rpx-cache -n "$none" -a purge -d 'take objects out'
complete -c rpx-cache -n "$none" -a warm -d 'have URLs fetched and stored'
complete -c rpx-cache -n "$none" -a watch -d 'show the share of hits, live'
complete -c rpx-cache -n "$none" -a verify -d 'compare all checksums of a disk store or a snapshot'
complete -c rpx-cache -n "$none" -a export -d 'write what is stored to a snapshot'
complete -c rpx-cache -n "$none" -a import -d 'store what a snapshot holds'
complete -c rpx-cache -n "$none" -a simulate -d 'replay an access log against caches of several sizes'

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
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l prefix -x -d 'URLs that begin so'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l host -x -d 'those of this host'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l tag -x -d 'those with this tag'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l all -d everything
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l soft -d 'mark as stale'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l dry-run -d 'change nothing'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l yes -d 'do it'
complete -c rpx-cache -n '__fish_seen_subcommand_from purge' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from explain' -l reply -r -F -d 'a saved reply'
complete -c rpx-cache -n '__fish_seen_subcommand_from explain' -l request -r -F -d 'the request it was for'
complete -c rpx-cache -n '__fish_seen_subcommand_from explain' -l after -x -d 'how much later'
complete -c rpx-cache -n '__fish_seen_subcommand_from explain' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from simulate' -F
complete -c rpx-cache -n '__fish_seen_subcommand_from simulate' -l size -x -d 'sizes of memory to try'
complete -c rpx-cache -n '__fish_seen_subcommand_from simulate' -l max-object -x -d 'larger replies are not stored'
complete -c rpx-cache -n '__fish_seen_subcommand_from warm' -F
complete -c rpx-cache -n '__fish_seen_subcommand_from warm' -l rate -x -d 'fetches at most'
complete -c rpx-cache -n '__fish_seen_subcommand_from warm' -l top -x -d 'only so many'
complete -c rpx-cache -n '__fish_seen_subcommand_from warm' -l base -x -d 'scheme and host for logs without'
complete -c rpx-cache -n '__fish_seen_subcommand_from warm' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from watch' -l interval -x -d 'how long is counted'
complete -c rpx-cache -n '__fish_seen_subcommand_from watch' -l top -x -d 'so many keys'
complete -c rpx-cache -n '__fish_seen_subcommand_from watch' -l count -x -d 'so many intervals'
complete -c rpx-cache -n '__fish_seen_subcommand_from verify' -F
complete -c rpx-cache -n '__fish_seen_subcommand_from verify' -l quick -d 'heads alone'
complete -c rpx-cache -n '__fish_seen_subcommand_from verify' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from export' -F
complete -c rpx-cache -n '__fish_seen_subcommand_from export' -l folder -r -F -d 'of a disk store, without a proxy'
complete -c rpx-cache -n '__fish_seen_subcommand_from export' -l cache -x -d 'only this cache'
complete -c rpx-cache -n '__fish_seen_subcommand_from import' -F
complete -c rpx-cache -n '__fish_seen_subcommand_from import' -l folder -r -F -d 'into a disk store, without a proxy'
complete -c rpx-cache -n '__fish_seen_subcommand_from import' -l size -x -d 'of the folder'
complete -c rpx-cache -n '__fish_seen_subcommand_from import' -l cache -x -d 'only this cache'
