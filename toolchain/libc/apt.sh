# For fetch.sh and its like to source: packages of any architecture and suite by
# configurations of apt of their own, which leave the machine's alone.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of the main archive that this machine uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/*$' | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}

# configure ARCH SUITE: from here on apt is that of this architecture and suite;
# its files are in the directory $dir.
configure() {
	mkdir -p "$dir/apt.$1/lists/partial" "$dir/apt.$1/cache/archives/partial"
	: >"$dir/apt.$1/status"
	printf '%s [signed-by=%s] %s %s main\n' deb "$keyring" "$mirror" "$2" deb-src "$keyring" "$mirror" "$2" \
		>"$dir/apt.$1/sources.list"
	cat >"$dir/apt.$1/apt.conf" <<-EOC
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::sourcelist "$dir/apt.$1/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$dir/apt.$1/lists";
		Dir::State::status "$dir/apt.$1/status";
		Dir::Cache "$dir/apt.$1/cache";
	EOC
	APT_CONFIG=$dir/apt.$1/apt.conf
	export APT_CONFIG
	apt-get -qq update
}
