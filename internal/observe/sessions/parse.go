package sessions

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// Names of containers (specs.PostgresContainerName and pgbouncer's deployments.go of CloudNativePG).
const (
	instanceContainer = "postgres"
	poolerContainer   = "pgbouncer"
)

// query groups the sessions of clients; walsenders and background workers are none.
const query = `SELECT row_to_json(s) FROM (SELECT host(client_addr) AS address, usename AS "user", datname AS database, ` +
	`count(*) AS number, floor(extract(epoch FROM min(backend_start)))::bigint AS began FROM pg_stat_activity ` +
	`WHERE client_addr IS NOT NULL AND backend_type = 'client backend' GROUP BY 1, 2, 3) s`

// instanceCommand asks as kubectl cnpg psql does: the superuser of the pod's own socket.
func instanceCommand() []string {
	return []string{"psql", "-U", "postgres", "-d", "postgres", "-XAtq", "-c", query}
}

// poolerCommand asks PgBouncer's console as the exporter of its metrics does (pgbouncer_collector.go of CloudNativePG).
func poolerCommand() []string {
	return []string{"psql", "-h", "/controller/run", "-U", "pgbouncer", "-d", "pgbouncer", "-Xq", "--csv", "-c", "SHOW CLIENTS"}
}

// instanceSessions reads the answer of an instance, a JSON object on each line.
func instanceSessions(text string) ([]observe.Session, error) {
	var out []observe.Session
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var row struct {
			Address, User, Database string
			Number                  int
			Began                   int64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return nil, fmt.Errorf("its answer is no list of sessions: %w", err)
		}
		if s, ok := session(row.Address, row.User, row.Database, row.Number, time.Unix(row.Began, 0).UTC()); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// poolerSessions reads the answer of PgBouncer, whose versions have different columns.
func poolerSessions(text string) ([]observe.Session, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("its answer is no list of clients: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("its answer is no list of clients: it is empty")
	}
	at := map[string]int{}
	for _, name := range []string{"user", "database", "addr", "connect_time"} {
		if at[name] = slices.Index(rows[0], name); at[name] < 0 {
			return nil, fmt.Errorf("its answer is no list of clients: there is no column %q", name)
		}
	}
	var out []observe.Session
	for _, row := range rows[1:] {
		// "2026-01-02 10:00:00 UTC"; another zone has a name that says nothing for sure.
		began, err := time.Parse("2006-01-02 15:04:05 UTC", row[at["connect_time"]])
		if err != nil {
			began = time.Time{}
		}
		if s, ok := session(row[at["addr"]], row[at["user"]], row[at["database"]], 1, began); ok && row[at["database"]] != "pgbouncer" {
			out = append(out, s)
		}
	}
	return out, nil
}
