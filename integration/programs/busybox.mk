busybox_tarball = b/busybox/busybox_1.35.0.orig.tar.bz2
busybox_sha256 = faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694
# Its awk crashes on aarch64, as with clang alone: clang reads ptr_to_globals, which is declared constant, before busybox
# has written it.
busybox_build = $(MAKE) HOSTCC=clang-19 defconfig && $(MAKE) CC=$(tpcc) HOSTCC=clang-19
