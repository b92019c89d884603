package cnpg

import (
	"github.com/cloudnative-pg/cloudnative-pg/pkg/management/url"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/postgres"
)

// Ports of CloudNativePG's pods, all TCP.
const (
	// PostgresPort is where instances and poolers take SQL connections.
	PostgresPort uint16 = postgres.ServerPort
	// StatusPort is where the operator asks and manages the instances, and these each other.
	StatusPort = uint16(url.StatusPort)
	// MetricsPort and PoolerMetricsPort are for Prometheus.
	MetricsPort       = uint16(url.PostgresMetricsPort)
	PoolerMetricsPort = uint16(url.PgBouncerMetricsPort)
	// WebhookPort is where the operator's pods answer the API server (option webhook-port of
	// internal/cmd/manager/controller).
	WebhookPort uint16 = 9443
	// OperatorMetricsPort is where the operator's pods have metrics (config/manager/manager.yaml).
	OperatorMetricsPort uint16 = 8080
)

// Names of the ports of CloudNativePG's pods, which policies can use in place of numbers.
const (
	postgresPortName = "postgresql"
	// poolerPortName is PgBouncerPortName of pkg/management/pgbouncer/config.
	poolerPortName  = "pgbouncer"
	metricsPortName = "metrics"
	statusPortName  = "status"
	pprofPortName   = "pprof"
	pprofPort       = 6060
)
