#!/bin/sh
# fetch.sh DIR: puts into DIR what clang needs to build static programs with a
# native musl, from Debian, for both ISAs:
#
#	ISA/        musl's headers and libraries, and compiler-rt
#	ISA.cfg     for clang --config
#
# musl is of the suite that the source of tpcc's is of. The machine's apt is left alone.
set -eu
. "$(dirname "$0")/../../toolchain/libc/apt.sh"
version=19
include=/usr/lib/llvm-$version/lib/clang/$version/include

mkdir -p "$1"
cd "$1"
dir=$(pwd)

# unpack PACKAGE DIR
unpack() {
	rm -rf deb && mkdir -p deb "$2"
	(cd deb && apt-get -qq download "$1" && dpkg-deb -x ./*.deb "$2")
	rm -rf deb
}

for isa in x86_64 aarch64; do
	[ -e "$isa.cfg" ] && continue
	case $isa in
	x86_64) arch=amd64 ;;
	aarch64) arch=arm64 ;;
	esac
	echo "fetching a native musl for $arch" >&2
	rm -rf "$isa" unpacked
	configure $arch trixie
	unpack musl-dev "$dir/unpacked"
	configure $arch bookworm
	unpack libclang-rt-$version-dev "$dir/unpacked"
	mkdir -p $isa/usr $isa/clang/lib
	mv unpacked/usr/include/$isa-linux-musl $isa/usr/include
	mv unpacked/usr/lib/$isa-linux-musl $isa/usr/lib
	mv unpacked/usr/lib/llvm-$version/lib/clang/$version/lib/linux $isa/clang/lib/linux
	ln -s $include $isa/clang/include
	rm -rf unpacked apt.$arch
	cat >$isa.cfg <<-EOC
		--target=$isa-linux-musl
		--sysroot=$dir/$isa
		-resource-dir=$dir/$isa/clang
		-static -fuse-ld=lld -rtlib=compiler-rt --unwindlib=none
		-Wno-unused-command-line-argument
	EOC
done
