# Connects to the host $0 as an application does and asks for a greeting, with $1 seconds for a
# connection. Prints one line: begin, end, exit code, and what was seen.
begun=$EPOCHREALTIME code=0
seen=$(PGCONNECT_TIMEOUT=$1 timeout $(($1 * 3)) psql -h "$0" -Atqc "select 'hello'" 2>&1) || code=$?
[ "$seen" = hello ] || (( code )) || code=1
echo "$begun $EPOCHREALTIME $code ${seen//$'\n'/ }"
