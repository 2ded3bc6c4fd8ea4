pcre2_tarball = p/pcre2/pcre2_10.42.orig.tar.gz
pcre2_sha256 = c33b418e3b936ee3153de2c61cc638e7e4fe3156022a5c77d0711bcbb9d64f1f
pcre2_build = ./configure CC=$(tpcc) --host=x86_64-linux-musl --disable-shared --enable-pcre2-16 --enable-pcre2-32 && \
	$(MAKE) all
