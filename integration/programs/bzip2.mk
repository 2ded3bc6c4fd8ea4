bzip2_tarball = b/bzip2/bzip2_1.0.8.orig.tar.gz
bzip2_sha256 = ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269
bzip2_build = $(MAKE) CC=$(tpcc) bzip2 bzip2recover
