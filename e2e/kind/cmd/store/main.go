// Command store is an object store in memory for the databases of the suite: S3 at port 9000, with one bucket.
package main

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// bucket is where the databases' manifests say that their archives are.
const bucket = "backups"

func main() {
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		slog.Error("no bucket", "error", err)
		os.Exit(1)
	}
	server := &http.Server{Addr: ":9000", Handler: gofakes3.New(backend).Server(), ReadHeaderTimeout: time.Minute}
	if err := server.ListenAndServe(); err != nil {
		slog.Error("no object store", "error", err)
		os.Exit(1)
	}
}
