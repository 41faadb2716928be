# fish completion for rpx-bench

set -l verbs run merge origin
set -l none "not __fish_seen_subcommand_from $verbs"
set -l run "not __fish_seen_subcommand_from merge origin"

complete -c rpx-bench -f

complete -c rpx-bench -n "$none" -a run -d 'put load on URLs and measure how long replies take'
complete -c rpx-bench -n "$none" -a merge -d 'make one result of several that were saved, percentiles included'
complete -c rpx-bench -n "$none" -a origin -d 'be a very fast server that answers as URLs say, until a signal ends it'

complete -c rpx-bench -s o -l output -x -a 'table json ndjson csv plain' -d 'how answers are written'
complete -c rpx-bench -s q -l quiet -d 'only errors'
complete -c rpx-bench -s v -l verbose -d 'tell more; twice for more still'
complete -c rpx-bench -l color -x -a 'auto always never' -d 'colours; NO_COLOR is honoured'
complete -c rpx-bench -l no-progress -d 'no progress line on a terminal'
complete -c rpx-bench -l timeout -x -d 'give up after this long, as in 500ms or 10s'
complete -c rpx-bench -s h -l help -d help
complete -c rpx-bench -l version -d 'name and version'

complete -c rpx-bench -n "$run" -s c -l connections -x -d 'connections, 50 without it'
complete -c rpx-bench -n "$run" -s d -l duration -x -d 'how long, 10s without it and without -n'
complete -c rpx-bench -n "$run" -s n -l requests -x -d 'that many requests in all'
complete -c rpx-bench -n "$run" -s t -l threads -x -d 'threads; half of the cores without it'
complete -c rpx-bench -n "$run" -l rate -x -d 'requests a second whatever the replies do'
complete -c rpx-bench -n "$run" -l arrivals -x -a 'constant poisson' -d 'how a rate is spread over time'
complete -c rpx-bench -n "$run" -l warmup -x -d 'run so long before anything is measured'
complete -c rpx-bench -n "$run" -l pipeline -x -d 'requests in progress on a connection'
complete -c rpx-bench -n "$run" -l http2 -d 'HTTP/2'
complete -c rpx-bench -n "$run" -s m -l streams -x -d 'HTTP/2 with that many requests in progress on a connection'
complete -c rpx-bench -n "$run" -l no-keepalive -d 'a new connection for each request'
complete -c rpx-bench -n "$run" -s X -l method -x -d 'GET without it, POST with a body'
complete -c rpx-bench -n "$run" -s H -l header -x -d 'a header field, as in Accept'
complete -c rpx-bench -n "$run" -s b -l body -x -d 'request body'
complete -c rpx-bench -n "$run" -l body-file -r -F -d 'request body from a file; - is stdin'
complete -c rpx-bench -n "$run" -l body-size -x -d 'a generated request body, such as 10KB'
complete -c rpx-bench -n "$run" -l form -x -d 'a multipart form; NAME=@FILE takes a file'
complete -c rpx-bench -n "$run" -l compress -x -a 'gzip br zstd' -d 'send the body coded'
complete -c rpx-bench -n "$run" -l weights -x -d 'shares of the URLs, in their order'
complete -c rpx-bench -n "$run" -l feed -r -F -d 'CSV or JSON lines for feed.COLUMN in URL, fields and body'
complete -c rpx-bench -n "$run" -l cookies -d 'each connection keeps the cookies it is given'
complete -c rpx-bench -n "$run" -l seed -x -d 'another sequence of random values'
complete -c rpx-bench -n "$run" -s k -l insecure -d 'take any certificate'
complete -c rpx-bench -n "$run" -l ca -r -F -d 'trust these authorities instead of the systems'
complete -c rpx-bench -n "$run" -l cert -r -F -d 'client certificate'
complete -c rpx-bench -n "$run" -l key -r -F -d 'its private key'
complete -c rpx-bench -n "$run" -l no-resume -d 'a whole TLS handshake for every connection'
complete -c rpx-bench -n "$run" -l unix -r -F -d 'connect to this socket, whatever the URL says'
complete -c rpx-bench -n "$run" -l check -x -d 'what replies must be, as in status=200 or length=128'
complete -c rpx-bench -n "$run" -l assert -x -d 'as in p99<20ms, errors<0.1% or rps>5000; else exit status 1'
complete -c rpx-bench -n "$run" -l save -r -F -d 'write the result as JSON too'
complete -c rpx-bench -n "$run" -l report -r -F -d 'write it as an HTML page with plots'
complete -c rpx-bench -n "$run" -l junit -r -F -d 'write the conditions as JUnit test cases'
complete -c rpx-bench -n "$run" -l baseline -r -F -d 'hold the result against an older one; worse is exit status 1'
complete -c rpx-bench -n "$run" -l max-regress -x -d 'how much worse is still well, 5% without it'
complete -c rpx-bench -n "$run" -l compare -x -d 'this one too, in turns'
complete -c rpx-bench -n "$run" -l find-max -x -d 'search the highest rate at which p99<10ms holds'
complete -c rpx-bench -n "$run" -l pid -x -d 'tell the CPU time of this process for each request'
complete -c rpx-bench -n '__fish_seen_subcommand_from merge' -l assert -x -d 'as for run'
complete -c rpx-bench -n '__fish_seen_subcommand_from origin' -s l -l listen -x -d 'where; a free port of 127.0.0.1 without it, which is told'
complete -c rpx-bench -n '__fish_seen_subcommand_from origin' -s t -l threads -x -d 'threads, 1 without it'
complete -c rpx-bench -n '__fish_seen_subcommand_from merge' -F
