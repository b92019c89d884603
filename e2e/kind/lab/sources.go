package lab

import (
	"cmp"
	"strconv"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

// The public sources, pinned. What the variables of FromEnvironment do not replace comes from here.
const (
	defaultCiliumChart  = "https://helm.cilium.io/cilium-1.20.2.tgz"
	defaultCNPGManifest = "https://raw.githubusercontent.com/cloudnative-pg/cloudnative-pg/v1.29.1/releases/cnpg-1.29.1.yaml"
	// defaultClientImage has bash and psql.
	defaultClientImage = "docker.io/library/postgres:17.6"
	defaultName        = "cnpg-netpol-e2e"
)

// Sources say where everything comes from.
type Sources struct {
	// Name is the kind cluster's name.
	Name string
	// NodeImage is the image of the cluster's nodes, and Nodes how many there are.
	NodeImage string
	Nodes     int
	// Images are images of the container engine that are loaded into the node, so that it need not
	// pull them.
	Images []string
	// CiliumChart is a folder, an archive, or the address of an archive. CiliumValues is a file with
	// values that go on top of the suite's own; empty for none.
	CiliumChart, CiliumValues string
	// CNPGManifest is a file or an address.
	CNPGManifest string
	// PostgresImage and PgBouncerImage run the databases and the poolers; empty is the image that
	// the operator's release names.
	PostgresImage, PgBouncerImage string
	// BarmanImage runs the databases with an archive of their log: PostgreSQL with the tools of barman-cloud, which the operator's
	// own image has. It is PostgresImage when nothing else is said.
	BarmanImage string
	// ClientImage runs the client pods: it has bash and psql.
	ClientImage string
}

// FromEnvironment reads the variables E2E_*. An empty variable counts as one that is not set.
func FromEnvironment(getenv func(string) string) Sources {
	nodes, _ := strconv.Atoi(getenv("E2E_NODES")) // One, when it is no number.
	return Sources{
		Name:           cmp.Or(getenv("E2E_CLUSTER_NAME"), defaultName),
		NodeImage:      cmp.Or(getenv("E2E_NODE_IMAGE"), defaults.Image),
		Nodes:          max(1, nodes),
		Images:         strings.Fields(getenv("E2E_IMAGES")),
		CiliumChart:    cmp.Or(getenv("E2E_CILIUM_CHART"), defaultCiliumChart),
		CiliumValues:   getenv("E2E_CILIUM_VALUES"),
		CNPGManifest:   cmp.Or(getenv("E2E_CNPG_MANIFEST"), defaultCNPGManifest),
		PostgresImage:  getenv("E2E_POSTGRES_IMAGE"),
		PgBouncerImage: getenv("E2E_PGBOUNCER_IMAGE"),
		BarmanImage:    cmp.Or(getenv("E2E_BARMAN_IMAGE"), getenv("E2E_POSTGRES_IMAGE")),
		ClientImage:    cmp.Or(getenv("E2E_CLIENT_IMAGE"), defaultClientImage),
	}
}

// Archives tells whether databases can have an archive: by the operator's own image, or by one that was named for it.
func (s Sources) Archives() bool { return s.BarmanImage != s.PostgresImage || s.PostgresImage == "" }

// isAddress tells an address from a path.
func isAddress(source string) bool {
	return strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://")
}
