zstd_tarball = libz/libzstd/libzstd_1.5.4+dfsg2.orig.tar.xz
zstd_sha256 = 8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953
zstd_build = $(MAKE) CC=$(tpcc) zstd-release && \
	$(MAKE) -C tests CC=$(tpcc) datagen fuzzer zstreamtest poolTests
