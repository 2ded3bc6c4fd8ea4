# With its own jemalloc, Lua, hiredis and linenoise. jemalloc would ask the
# processor how many bits addresses have: 48, for all.
redis_tarball = r/redis/redis_7.0.15.orig.tar.gz
redis_sha256 = 4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982
redis_build = $(MAKE) CC="$(tpcc)" USE_SYSTEMD=no JEMALLOC_CONFIGURE_OPTS="--with-lg-vaddr=48 --disable-cxx"
