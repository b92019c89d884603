# kubectl cnpg-netpol. "make" alone lists the targets. Go is all that is needed; the tools and the
# test control plane are built from Go modules and kept in the user's cache folder.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One place for the flags: whoever builds with the same ones shares the build cache, and Cilium's
# packages take minutes to compile. The version is stamped by the linker below and not by the go
# command, which refuses in a work tree that belongs to somebody else, as in many CI systems.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false

MODULE := github.com/cnpg-netpol/kubectl-cnpg-netpol
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubectl-cnpg-netpol
# The programs that lint, check and release, each from one of the modules in internal/tools.
TOOLS := $(CACHE)/tools
GIT := git -c safe.directory=$(CURDIR)
# Evaluated only by the targets that link a binary for somebody, so that tests keep their cache.
VERSION = $(shell $(GIT) describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT = $(shell $(GIT) rev-parse --verify --quiet HEAD 2>/dev/null || echo unknown)
LDFLAGS = -s -w -X $(MODULE)/plugin.version=$(VERSION) -X $(MODULE)/plugin.commit=$(COMMIT)
GO_DIRECTORIES := cmd plugin internal krew e2e
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
FUZZTIME ?= 1m
# How many servers make chaos uses at once, each of which takes half a gigabyte.
CHAOS_LABS ?= 4
IMAGE ?= cnpg-netpol:dev
# GoReleaser reads the commit and the remote from Git, which may mistrust the work tree, see GIT, and
# may have no remote.
RELEASE_GIT := GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$(CURDIR)" \
	GIT_CONFIG_KEY_1=remote.origin.url GIT_CONFIG_VALUE_1=https://$(MODULE)
LICENSES := Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT,MPL-2.0

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the plugin and its completion helper into bin/
	@go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...
	@ls bin/kubectl*

.PHONY: test
test: ## Run all tests, those against a real API server included
	@assets="$$(e2e/controlplane/build | tail -n 1)"; \
	KUBEBUILDER_ASSETS="$$assets" go test -timeout 30m ./...
	@go -C e2e/kind test ./datapath

# Cilium's and CloudNativePG's versions whose custom resources "make crds" installs, as pairs.
CRDS ?= v1.18.6,v1.27.1 v1.19.4,v1.28.1 v1.20.2,v1.30.0

.PHONY: crds
crds: ## Run the scripts against a real API server with the custom resources of other versions
	@assets="$$(e2e/controlplane/build | tail -n 1)"; \
	for pair in $(CRDS); do \
		echo "Cilium $${pair%,*}, CloudNativePG $${pair#*,}:"; \
		INTEGRATION_CILIUM="$${pair%,*}" INTEGRATION_CNPG="$${pair#*,}" KUBEBUILDER_ASSETS="$$assets" go test -timeout 1h ./e2e/integration; \
	done

.PHONY: chaos
chaos: ## Spoil every request of every change, one by one, and print what came of it; make test does a few of them
	@assets="$$(e2e/controlplane/build | tail -n 1)"; \
	CHAOS=all KUBEBUILDER_ASSETS="$$assets" go test ./e2e/chaos -count 1 -timeout 4h -parallel $(CHAOS_LABS) -v | grep --line-buffered -vE '^( *=== |    +--- PASS)'

.PHONY: test-html
test-html: ## Look at the HTML report in headless Chromium, which must be installed
	@go test -tags browser ./e2e/html/

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Check format, vet, linters and modules
	@unformatted="$$(gofmt -l $(GO_DIRECTORIES))"; \
	if [ -n "$$unformatted" ]; then echo "not formatted with gofmt:" $$unformatted >&2; exit 1; fi
	go vet ./...
	$(TOOLS)/golangci-lint run ./...
	go mod verify

.PHONY: engines
engines: ## Ask the policy engines of other versions of Cilium the same as ours; compiling each takes minutes, once
	go test -count 1 -tags engines -run TestVersions -v ./internal/engine

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## Look for known vulnerabilities (downloads the database of them)
	@code=0; $(TOOLS)/govulncheck ./... || code=$$?; \
	case $$code in \
	0) ;; \
	3) echo "vuln: there are vulnerabilities, see above" >&2; exit 1 ;; \
	*) echo "vuln: could not run, so nothing is known; it fetches its database from the network" >&2; exit 2 ;; \
	esac

.PHONY: demo
demo: ## Show status and a lockdown preview over manifests; needs no cluster
	@e2e/demo/run

.PHONY: demo-live
demo-live: ## The same against the test control plane, with real apply and removal
	@e2e/demo/live

.PHONY: cross
cross: ## Build for every operating system and architecture into bin/
	@for platform in $(PLATFORMS); do \
		echo "$$platform"; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} \
			go build -ldflags '$(LDFLAGS)' -o "bin/$${platform/\//-}/" ./cmd/...; \
	done

.PHONY: snapshot
snapshot: $(TOOLS)/goreleaser $(TOOLS)/syft ## Build everything that a release consists of into dist/; publishes nothing
	@PATH="$(TOOLS):$$PATH" IMAGE="$(IMAGE)" $(RELEASE_GIT) goreleaser release --snapshot --clean --skip=sign,publish,docker

# Releases make it for every platform, with a builder that this machine need not have.
.PHONY: image
image: ## Build the image for this machine with the container engine, as IMAGE (cnpg-netpol:dev)
	@folder="bin/image/linux/$$(go env GOARCH)"; mkdir -p "$$folder"; \
	GOOS=linux go build -ldflags '$(LDFLAGS)' -o "$$folder/" ./cmd/kubectl-cnpg_netpol; \
	docker build --quiet --build-arg "TARGETPLATFORM=linux/$$(go env GOARCH)" --tag "$(IMAGE)" \
		--file cmd/kubectl-cnpg_netpol/Dockerfile bin/image >/dev/null
	@docker run --rm "$(IMAGE)" version

.PHONY: krew
krew: ## Render the krew manifest for the snapshot's archives, and install them with the real krew
	@go run ./krew/render krew/cnpg-netpol.yaml dist
	@assets="$$(e2e/controlplane/build | tail -n 1)"; \
	KUBEBUILDER_ASSETS="$$assets" go test ./e2e/krew -count=1 -dist "$(CURDIR)/dist"

.PHONY: docs
docs: ## Write the command reference into plugin/docs
	@go test ./plugin/docs -count=1 -update

.PHONY: docs-check
docs-check: ## Say when the command reference is out of date; a part of test, too
	@go test ./plugin/docs -count=1

.PHONY: licenses
licenses: $(TOOLS)/go-licenses ## Check the licences of everything that is linked into the programs
	@GOROOT="$$(go env GOROOT)" $(TOOLS)/go-licenses check ./cmd/... --allowed_licenses=$(LICENSES)
	@echo "licenses: all of $(LICENSES)"

.PHONY: workflows
workflows: $(TOOLS)/actionlint ## Check the GitHub workflows with actionlint
	@$(TOOLS)/actionlint .github/workflows/*.yml

.PHONY: bench
bench: ## Measure over generated fleets, ready for benchstat; e2e/bench/README.md explains
	@go test ./e2e/bench -run '^$$' -bench . -benchmem -count 3 -timeout 60m

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (1m)
	@grep -rloE '^func Fuzz' --include='*_test.go' $(GO_DIRECTORIES) | sort | while read -r file; do \
		grep -oE '^func Fuzz[A-Za-z0-9_]+' "$$file" | while read -r _ target; do \
			go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) </dev/null; \
		done; \
	done

# A Go module of its own, which needs a container engine and kubectl, see e2e/kind/README.md.
# E2E_GROUPS chooses groups of tests: core, all, or names as in E2E_GROUPS=killed,two-clusters. E2E_RUN
# chooses tests as go test -run does, of all groups.
E2E_FOLDER := $(CURDIR)/bin/e2e
E2E_RUN ?=
E2E_GROUPS ?= $(if $(E2E_RUN),all,core)
comma := ,

.PHONY: e2e
e2e: build $(if $(filter all gate,$(subst $(comma), ,$(E2E_GROUPS))),image) ## Test on kind with Cilium, CloudNativePG and PostgreSQL; E2E_GROUPS=core (default), all, or names of groups
	@PATH="$(CURDIR)/bin:$$PATH" E2E_FOLDER="$(E2E_FOLDER)" E2E_GROUPS="$(E2E_GROUPS)" \
		go -C e2e/kind test -tags e2e -count 1 -timeout 150m -v $(if $(E2E_RUN),-run '$(E2E_RUN)') .

.PHONY: e2e-up
e2e-up: build ## Make that cluster, for work by hand and for make e2e, which then keeps it
	@go -C e2e/kind run ./cmd/lab up "$(E2E_FOLDER)"

.PHONY: e2e-down
e2e-down: ## Delete that cluster
	@go -C e2e/kind run ./cmd/lab down "$(E2E_FOLDER)"

.PHONY: clean
clean: ## Remove what was built here; caches stay
	rm -rf bin dist

# Programs, the module in internal/tools that each is built from, and their packages there. They are
# built anew when the module has changed.
define tool
$(TOOLS)/$(1): internal/tools/$(2)/go.mod internal/tools/$(2)/go.sum
	@mkdir -p $(TOOLS)
	@go -C internal/tools/$(2) build -o $(TOOLS)/ $(3)
	@touch $$@
endef
$(eval $(call tool,golangci-lint,lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
$(eval $(call tool,govulncheck,lint,golang.org/x/vuln/cmd/govulncheck))
$(eval $(call tool,go-licenses,check,github.com/google/go-licenses))
$(eval $(call tool,actionlint,check,github.com/rhysd/actionlint/cmd/actionlint))
$(eval $(call tool,goreleaser,release,github.com/goreleaser/goreleaser/v2))
$(eval $(call tool,syft,sbom,github.com/anchore/syft/cmd/syft))
