package probe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// script tries connections at once, each for a few seconds: long enough for a lost packet to be sent again, twice. Its
// arguments are an address, a port, and what is said there, for each. Of PostgreSQL, it asks for encryption, which is
// answered before anybody has logged in (SSLRequest of its protocol). A line for each: its number, the exit code of
// timeout or of the connection, and what was seen.
const script = `
one='exec 3<>"/dev/tcp/$0/$1" || exit 7
[ "$2" = postgresql ] || { echo connected; exit 0; }
printf "\0\0\0\10\4\322\26\57" >&3
LC_ALL=C IFS= read -r -N 1 -t 3 answer <&3
echo "connected $answer"'
i=0
while [ $# -ge 3 ]; do
  { seen=$(timeout 5 bash -c "$one" "$1" "$2" "$3" 2>&1); code=$?; echo "$i $code ${seen//$'\n'/ }"; } &
  i=$((i+1)); shift 3
done
wait`

// Command tries the connections in a container that has bash.
func Command(connections []Connection) []string {
	out := []string{"bash", "-c", script, "probe"}
	for _, c := range connections {
		says := "tcp"
		if c.PostgreSQL {
			says = "postgresql"
		}
		out = append(out, c.at(), strconv.Itoa(int(c.Port)), says)
	}
	return out
}

// silent is the exit code of timeout when the time is over.
const silent = "124"

// Read is what the command has written about the connections.
func Read(text string, connections []Connection) []Attempt {
	out := Failed(Client{Connections: connections}, "the container has said nothing about it")
	for line := range strings.Lines(text) {
		number, rest, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		i, err := strconv.Atoi(number)
		if !ok || err != nil || i < 0 || i >= len(out) {
			continue
		}
		code, seen, _ := strings.Cut(rest, " ")
		out[i] = attempt(connections[i], code, strings.TrimSpace(seen))
	}
	return out
}

func attempt(c Connection, code, seen string) Attempt {
	inconclusive := func(detail string) Attempt { return Attempt{v1alpha1.ProbeInconclusive, detail} }
	switch answer, connected := strings.CutPrefix(seen, "connected"); {
	case code == "0" && connected:
		switch strings.TrimSpace(answer) {
		case "S", "N":
			return Attempt{v1alpha1.ProbeConnected, "PostgreSQL answered"}
		}
		if c.PostgreSQL {
			return Attempt{v1alpha1.ProbeConnected, "the connection was opened, and PostgreSQL did not answer"}
		}
		return Attempt{v1alpha1.ProbeConnected, "the connection was opened"}
	case code == silent:
		return Attempt{v1alpha1.ProbeDropped, "no answer in 5s"}
	case strings.Contains(seen, "Connection refused") && c.Service:
		// Cilium says so, too, of a Service behind which nobody is.
		return inconclusive("the Service's address refuses connections, which can mean that nobody is behind it")
	case strings.Contains(seen, "Connection refused") && c.To != "" && !strings.Contains(c.To, "pod/"):
		return Attempt{v1alpha1.ProbeRefused, "the address refuses connections: the network let them through, and nobody listens"}
	case strings.Contains(seen, "Connection refused"):
		return Attempt{v1alpha1.ProbeRefused, "the pod refuses connections: the network let them through, and nobody listens"}
	case code == "127":
		return inconclusive("the image has no bash and timeout: name one that has, with --probe-image")
	case c.Host != "" && (strings.Contains(seen, "not known") || strings.Contains(seen, "name resolution")):
		return inconclusive("the name could not be resolved: " + seen)
	case strings.Contains(seen, "o route to host"), strings.Contains(seen, "nreachable"):
		return inconclusive("the network says that the address can't be reached")
	}
	return inconclusive(fmt.Sprintf("the attempt ended with exit code %s: %s", code, seen))
}
