busybox_tarball = b/busybox/busybox_1.35.0.orig.tar.bz2
busybox_sha256 = faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694
# Clang reads a constant pointer before busybox writes it, for aarch64 alone too. So they are no constants; see libbb.h.
busybox_build = $(MAKE) HOSTCC=clang-19 defconfig && \
	$(MAKE) CC=$(tpcc) HOSTCC=clang-19 CONFIG_EXTRA_CFLAGS=-DBB_GLOBAL_CONST=
