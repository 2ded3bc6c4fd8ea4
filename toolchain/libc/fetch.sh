#!/bin/sh
# fetch.sh DIR: puts into DIR what the C library is made of, from Debian:
#
#	musl/                   musl's source, with the fixes of Debian's package
#	builtins.ARCH.a         compiler-rt's builtins, for amd64 and arm64
#
# It uses an apt configuration of its own, and leaves the machine's alone.
set -eu

musl=1.2.5
musl_sha256=a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4
builtins_version=19

. "$(dirname "$0")/apt.sh"

mkdir -p "$1"
cd "$1"
dir=$(pwd)

# compiler-rt's builtins come from one release for both architectures, so that
# their members correspond.
for arch in amd64 arm64; do
	[ -e "builtins.$arch.a" ] && continue
	configure $arch bookworm
	rm -rf deb
	mkdir deb
	(cd deb && apt-get -qq download libclang-rt-$builtins_version-dev && dpkg-deb -x ./*.deb .)
	case $arch in
	amd64) name=x86_64 ;;
	arm64) name=aarch64 ;;
	esac
	mv "deb/usr/lib/llvm-$builtins_version/lib/clang/$builtins_version/lib/linux/libclang_rt.builtins-$name.a" \
		"builtins.$arch.a"
	rm -rf deb
done

if [ ! -e musl ]; then
	configure amd64 trixie
	rm -rf source
	mkdir source
	cd source
	apt-get -qq --download-only source musl
	echo "$musl_sha256  musl_$musl.orig.tar.gz" | sha256sum --check --quiet
	tar -xf musl_$musl.orig.tar.gz
	tar -xf musl_$musl-*.debian.tar.*
	while read -r name; do
		case $name in '' | \#*) continue ;; esac
		patch -s -p1 -d musl-$musl <"debian/patches/$name"
	done <debian/patches/series
	cd ..
	mv source/musl-$musl musl
	rm -rf source
fi
