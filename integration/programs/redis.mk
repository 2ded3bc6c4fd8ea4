redis_tarball = r/redis/redis_7.0.15.orig.tar.gz
redis_sha256 = 4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982
redis_build = $(MAKE) CC=$(tpcc) MALLOC=libc all
