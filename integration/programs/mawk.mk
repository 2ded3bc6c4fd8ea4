mawk_tarball = m/mawk/mawk_1.3.4.20200120.orig.tar.gz
mawk_sha256 = 7fd4cd1e1fae9290fe089171181bbc6291dfd9bca939ca804f0ddb851c8b8237
mawk_build = ./configure CC=$(tpcc) --host=x86_64-linux-musl && $(MAKE)
