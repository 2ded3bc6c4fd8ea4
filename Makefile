# The two commands are `make demo` and `make test`. Both need root on Debian 12
# with Go, and install what else they need.
GO ?= go
BUILD = build

.PHONY: demo test test-programs build programs deps bench bench-tpcc clean

demo: tested = tested=lua
demo: deps $(BUILD)/bin/tpfs.amd64 $(BUILD)/bin/tpfs.arm64 programs
	$(GO) run ./integration/demo

test: build programs
	$(GO) vet ./...
	$(GO) test -timeout 30m -count=1 ./...

build: deps $(BUILD)/bin/tpfs.amd64 $(BUILD)/bin/tpfs.arm64 $(BUILD)/counter/counter

gofiles = $(shell find . -name '*.go' -not -name '*_test.go') go.mod go.sum

$(BUILD)/bin/tpfs.%: $(gofiles)
	CGO_ENABLED=0 GOARCH=$* $(GO) build -o $@ ./cmd/tpfs

$(BUILD)/counter/counter: $(wildcard examples/counter/*.c examples/counter/rt/* examples/counter/mkpair/*.go pair/*.go)
	$(MAKE) -C examples/counter OUT=$(abspath $(BUILD))/counter

# What scenarios move, beside the example.
programs: deps toolchain
	$(MAKE) -C integration/programs OUT=$(abspath $(BUILD))/programs TOOLCHAIN=$(abspath $(TOOLCHAIN)) $(tested)

# The test suites of all these programs, on both architectures, as they are and
# in the poison mode. PROGRAMS names some of them.
test-programs: deps toolchain
	$(MAKE) -C integration/programs OUT=$(abspath $(BUILD))/programs TOOLCHAIN=$(abspath $(TOOLCHAIN)) $(or $(PROGRAMS),every)
	$(GO) run ./integration/programs -all $(BUILD)/programs $(PROGRAMS)

# Each package by a program that it brings.
packages = clang-19 lld-19 qemu-system-x86 qemu-system-arm nfs-ganesha nfs-ganesha-vfs cpio fuse3 xz-utils bzip2 tcl iproute2
programs = clang-19 ld.lld-19 qemu-system-x86_64 qemu-system-aarch64 ganesha.nfsd cpio fusermount3 xz bzip2 tclsh ip
deps:
	@for p in $(programs); do command -v $$p >/dev/null || missing=1; done; \
	ls /usr/lib/*/ganesha/libfsalvfs.so >/dev/null 2>&1 || missing=1; \
	[ -z "$$missing" ] || { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(packages); }

bench: build
	$(GO) run ./integration/bench

# What a pair costs beside clang -O2 with a native musl. BENCH names some of the
# benchmarks: make bench-tpcc BENCH="lua kernels/fft"
bench-tpcc: toolchain
	@for p in qemu-x86_64 tclsh; do command -v $$p >/dev/null || missing=1; done; \
	[ -z "$$missing" ] || { apt-get -q update && \
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends qemu-user tcl; }
	TOOLCHAIN=$(TOOLCHAIN) $(GO) run ./integration/benchtpcc $(BENCH)

include toolchain/Makefile

clean:
	rm -rf $(BUILD)
