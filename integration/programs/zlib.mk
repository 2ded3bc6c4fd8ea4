zlib_tarball = z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2
zlib_sha256 = 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1
zlib_build = CC=$(tpcc) ./configure --static && $(MAKE) all infcover
