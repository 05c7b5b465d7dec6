# The house: every target with a ## comment is in `make help`.

MODULE  := github.com/kubectl-dualstack/kubectl-dualstack
BIN     := bin/kubectl-dualstack
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X $(MODULE)/pkg/cmd.version=$(VERSION)

# Modules beside the plugin's own, so that its go.mod stays small.
MODULES := . $(patsubst %/go.mod,%,$(wildcard hack/*/go.mod))

.DEFAULT_GOAL := help

.PHONY: help
help: ## what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/kubectl-dualstack
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/kubectl-dualstack

.PHONY: run
run: build ## audit examples/homelab, without any cluster
	$(BIN) doctor -f examples/homelab --plan examples/homelab/plan.yaml --fail-on none

.PHONY: test
test: ## all tests but those of a real API server
	@failed=0; for module in $(filter-out hack/tools,$(MODULES)); do echo "go test -race ./... in $$module"; go -C $$module test -race ./... || failed=1; done; exit $$failed

# A cluster with nodes on this machine: control-plane, plain or cilium.
PROFILE ?= cilium
LAB     := go -C hack/lab run .

.PHONY: lab-deps
lab-deps: ## install the Debian packages of the lab, as root
	$(LAB) packages --install --profile $(PROFILE)

.PHONY: lab-build
lab-build: ## build the lab's programs and images; some 20 minutes the first time
	$(LAB) build --profile $(PROFILE)

.PHONY: lab-up
lab-up: lab-build ## PROFILE=cilium|plain|control-plane FLAGS=...: the homelab, real, on this machine, as root
	$(LAB) up --profile $(PROFILE) $(FLAGS)

.PHONY: lab-down
lab-down: ## end it, and all that is left of it
	$(LAB) down

.PHONY: lab-status
lab-status: ## what runs
	$(LAB) status

.PHONY: e2e
ifdef KUBECONFIG
e2e: ## the tests on the lab, in each of its profiles; on the cluster of KUBECONFIG where that is set
	go test -count 1 -timeout 10m -tags e2e ./test/e2e -v
else
e2e: verify-crds lab-build
	go -C hack/lab test -count 1 -tags e2e ./...
	go test -count 1 -timeout 60m -tags e2e ./test/e2e/...
endif

.PHONY: bench
bench: build ## time the plugin beside kubectl and sigs.k8s.io/yaml; nothing is judged
	@ls -l $(BIN) | awk '{printf "%s: %.1f MB\n", $$NF, $$5 / 1e6}'
	go test -run '^$$' -bench 'FromFiles10000|SigsYAML' -benchtime 3x ./pkg/snapshot
	cd hack/lab && go run . build && KUBECONFIG=$$(go run . up) && export KUBECONFIG && go run ./livebench; status=$$?; go run . down; exit $$status

.PHONY: generate
generate: ## docs/checks, docs/rbac.yaml, the README's blocks
	go run ./hack/generate

.PHONY: crds
crds: ## the fields of custom resources, out of the modules of Cilium and MetalLB
	go run ./hack/crds

# The modules take a gigabyte of disk, so it is no step of verify.
.PHONY: verify-crds
verify-crds:
	go run ./hack/crds -check

# ONLY=kubernetes@v1.37 asks some releases, UPDATE=1 writes what they say.
.PHONY: oracle
oracle: ## ask the real components about generated plans; an hour the first time, and some gigabytes
	nice go run ./hack/oracle $(if $(UPDATE),-update) -only '$(ONLY)'

.PHONY: new-check
new-check: ## ID=DS614 NAME=service-external-ips: a check and its fixture, to be filled in
	@go run ./hack/newcheck -id '$(ID)' -name '$(NAME)'

# verify runs every step, whatever the others say, and then sums up.
STEPS := format lint layers generated tidy

.PHONY: verify
verify: ## lint, layers, generated files, go.mod, gofmt: all of it, then the sum
	@failed=; \
	for step in $(STEPS); do \
		echo "== $$step"; \
		$(MAKE) --no-print-directory verify-$$step || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "verify: does not hold:$$failed"; exit 1; fi; \
	echo "verify: $(words $(STEPS)) of $(words $(STEPS)) hold: $(STEPS)"

.PHONY: lint
lint: verify-lint ## golangci-lint at the version of hack/tools

.PHONY: verify-lint
verify-lint:
	@lint=$$(go -C hack/tools tool -n golangci-lint) || exit 1; \
	config=$(CURDIR)/.golangci.yml; failed=0; \
	for module in $(filter-out hack/tools,$(MODULES)); do \
		(cd $$module && $$lint run --allow-serial-runners --config $$config ./...) || failed=1; \
	done; exit $$failed

.PHONY: verify-layers
verify-layers:
	go test ./hack/layers

.PHONY: verify-generated
verify-generated:
	go run ./hack/generate -check

.PHONY: verify-tidy
verify-tidy:
	@failed=0; for module in $(MODULES); do echo "go mod tidy -diff in $$module"; go -C $$module mod tidy -diff || failed=1; done; exit $$failed

.PHONY: verify-format
verify-format:
	@files=$$(gofmt -l .) || exit 1; if [ -n "$$files" ]; then echo "gofmt -w these:"; echo "$$files"; exit 1; fi
