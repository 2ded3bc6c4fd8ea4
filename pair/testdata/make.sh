#!/bin/sh
# Makes tiny.x86_64 and tiny.aarch64 with LLVM 19: a program that is linked
# but not sealed. It is there to be read, not to be run.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for isa in x86_64 aarch64; do
	llc-19 -O2 -mtriple=$isa-linux-gnu -relocation-model=static -function-sections -filetype=obj tiny.ll -o "$out/tiny.o"
	clang-19 --target=$isa-linux-gnu -c $isa.S -o "$out/stubs.o"
	clang-19 --target=$isa-linux-gnu -c data.S -o "$out/data.o"
	ld.lld-19 -static -no-pie --build-id=sha1 --strip-all -z noseparate-code -z max-page-size=65536 -T tiny.ld "$out"/tiny.o "$out"/stubs.o "$out"/data.o -o tiny.$isa
done
