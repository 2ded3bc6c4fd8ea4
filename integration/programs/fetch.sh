#!/bin/sh
# fetch.sh TARBALL SHA256 STORE DIR: unpacks a tarball of Debian's pool, as it
# is, into DIR, which is made anew. It is downloaded into STORE once.
set -eu
file=$3/${1##*/}

# The archive that this machine uses, then the one that keeps what is old.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/*$' | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
snapshot=https://snapshot.debian.org/archive/debian/20250520T000000Z

mkdir -p "$3"
if [ ! -e "$file" ]; then
	for archive in "${mirror%/}" $snapshot; do
		/usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=3 \
			download-file "$archive/pool/main/$1" "$file.part" "SHA256:$2" >"$file.log" 2>&1 &&
			mv "$file.part" "$file" && break
		cat "$file.log" >&2
	done
fi
echo "$2  $file" | sha256sum --check --quiet
rm -rf "$4"
mkdir "$4"
tar -xf "$file" -C "$4" --strip-components=1
