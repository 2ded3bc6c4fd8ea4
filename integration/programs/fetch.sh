#!/bin/sh
# fetch.sh PACKAGE TARBALL SHA256 DIR: unpacks the upstream tarball of a Debian
# source package into DIR, as it is. It uses an apt configuration of its own,
# and leaves the machine's alone.
set -eu
package=$1 tarball=$2 sha256=$3
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$4"
cd "$4"
dir=$(pwd)

# The mirror of the main archive that this machine uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/*$' | head -n 1)

mkdir -p apt/lists/partial apt/cache/archives/partial
: >apt/status
echo "deb-src [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} bookworm main" >apt/sources.list
cat >apt/apt.conf <<-EOC
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::Retries "3";
	Dir::Etc::sourcelist "$dir/apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State::lists "$dir/apt/lists";
	Dir::State::status "$dir/apt/status";
	Dir::Cache "$dir/apt/cache";
EOC
APT_CONFIG=$dir/apt/apt.conf
export APT_CONFIG
apt-get -qq update
apt-get -qq --download-only source "$package"
echo "$sha256  $tarball" | sha256sum --check --quiet
tar -xf "$tarball"
rm -rf apt
